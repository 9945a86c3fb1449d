import type { Agent } from '@private.me/xlink';
import type { AgentDirectory } from '../bridge/directory.js';
import type { X0xIdentity } from '../identity/identity.js';
import type { Contacts, Seconds } from '../trust/contacts.js';
import type { Revocations } from '../trust/revocations.js';
import type { Discovery } from './discovery.js';
import type { X0xEvent } from './events.js';
import type { ShownCertificates } from './shown-certificates.js';

/** The parts of a daemon that its tasks share. */
export interface Core {
  readonly identity: X0xIdentity;
  readonly contacts: Contacts;
  readonly revocations: Revocations;
  readonly discovery: Discovery;
  readonly shown: ShownCertificates;
  readonly directory: AgentDirectory;
  /** The DID at work; `undefined` without a relay. */
  readonly agent: Agent | undefined;
  readonly now: Seconds;
  readonly tell: (event: X0xEvent) => void;
}
