import { defaultProvider } from '#provider';
import { MemoryNonceStore } from '../nonce/memory.js';
import { MemorySequenceStore } from '../session/sequence/memory.js';
import type { Did } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import type { Probe } from './health.js';
import type { DualModeOptions } from './options.js';
import { DEFAULT_HANDSHAKES_PER_MINUTE, DEFAULT_LIFETIME_MS, optionsOfSessions } from './sessions-option.js';

type Deployment = Pick<DualModeOptions, 'agent' | 'instances' | 'sessions'>;

/** How long the number of a session that nobody has is kept, in ms. */
const PROBED_MS = 1000;

/** Asks what the instances share of sessions. A store of numbers can only be asked by claiming one: of a session that nobody has. */
export function sessionProbes(options: Deployment, did: Did, now: number): Readonly<Record<string, Probe>> {
  const { sequences, tickets } = optionsOfSessions(options) ?? {};
  const sid = encodeBase64url(defaultProvider().randomBytes(16));
  const use = { sender: did, sid, seq: 0, timestamp: now };
  return {
    ...(sequences ? { sequences: () => sequences.claimSequence(use, PROBED_MS) } : {}),
    ...(tickets ? { tickets: () => tickets.read('health/none') } : {}),
  };
}

/** What is weak about sessions where there is more than one instance, a sentence each. */
export function sessionWarnings(deployment: Deployment): string[] {
  const options = optionsOfSessions(deployment);
  if (!options || deployment.instances === 1) return [];
  if (options.sequences instanceof MemorySequenceStore)
    return [
      'sessions.sequences is in the memory of this process: if others serve the API, a request in a session is good once in each of them',
    ];
  const { nonceStore } = deployment.agent;
  if (options.sequences || nonceStore instanceof MemoryNonceStore || nonceStore.isShared === false) return [];
  return [
    'sessions are in the memory of this process, while nonces are shared: other instances refuse them, and clients go back to envelopes; set sessions.sequences and sessions.tickets, or instances: 1',
  ];
}

/** How sessions are set up, without anything of the application's own. */
export interface DumpedSessions {
  /** Where the numbers of requests are remembered. */
  readonly sequences: 'memory' | 'shared';
  /** Where the keys of tickets are. */
  readonly tickets: 'memory' | 'shared';
  /** How long a session is good, in ms. */
  readonly lifetimeMs: number;
  /** Sessions that one client may open per minute. */
  readonly handshakesPerMinute: number;
  /** How many scopes no session may use. */
  readonly never: number;
}

/** Absent without sessions. */
export function dumpedSessions(adapter: Pick<DualModeOptions, 'sessions'>): DumpedSessions | undefined {
  const options = optionsOfSessions(adapter);
  if (!options) return undefined;
  const { sequences, tickets, lifetimeMs, handshakesPerMinute, never = [] } = options;
  return {
    sequences: !sequences || sequences instanceof MemorySequenceStore ? 'memory' : 'shared',
    tickets: tickets ? 'shared' : 'memory',
    lifetimeMs: lifetimeMs ?? DEFAULT_LIFETIME_MS,
    handshakesPerMinute: handshakesPerMinute ?? DEFAULT_HANDSHAKES_PER_MINUTE,
    never: never.length,
  };
}
