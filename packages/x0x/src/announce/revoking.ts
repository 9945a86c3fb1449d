import type { AgentMessage } from '@private.me/xlink';
import { decodeBytes, encodeBytes } from '../bridge/signed-text.js';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xKeyPair } from '../identity/key-pair.js';
import {
  type AgentCertificate,
  decodeCertificateFile,
  encodeCertificateFile,
} from '../layouts/certificate.js';
import { type Revocation, type RevokedSubject, signRevocation } from '../layouts/revocation.js';
import { decodeRevocations, encodeRevocations } from '../layouts/revocation-file.js';
import type { Core } from './core.js';
import { fanOut } from './fan-out.js';
import { TOPICS } from './topics.js';

/** Records of one message at most. */
const MOST_AT_ONCE = 64;

/**
 * Revokes an agent or a machine, for good, and tells the peers as far as there are any. The instance may revoke itself, its machine, and agents
 * that its user certified. Throws `REVOCATION_INVALID…`.
 */
export async function revoke(core: Core, subject: RevokedSubject, reason?: string): Promise<Revocation> {
  const { identity, now } = core;
  const issuer = issuerOf(core, subject);
  const revocation = signRevocation(issuer, subject, now(), reason);
  const certificate = issuer === identity.user ? core.discovery.certificateOf(subject.id, now()) : undefined;
  await keep(core, revocation, certificate);
  if (core.agent)
    await pass(core, revocation, certificate).catch((error: unknown) => core.tell({ type: 'fault', error }));
  return revocation;
}

function issuerOf({ identity }: Core, { kind, id }: RevokedSubject): X0xKeyPair {
  const { agent, machine, user } = identity;
  const own = kind === 'agent' ? agent : machine;
  if (own.id === id) return own;
  if (kind === 'agent' && user) return user;
  throw new X0xError('REVOCATION_INVALID:AUTHORITY');
}

/** Takes what others revoked. Never throws for what is in the message. */
export async function takeRevocations(core: Core, message: AgentMessage): Promise<void> {
  const { revocations: text, certificate: given } = Object(message.payload);
  try {
    const records = decodeRevocations(decodeBytes(text) ?? new Uint8Array(0)).slice(0, MOST_AT_ONCE);
    const certificate =
      typeof given === 'string' ? decodeCertificateFile(decodeBytes(given) ?? new Uint8Array(0)) : undefined;
    for (const record of records) {
      const known = certificate ?? core.discovery.certificateOf(record.subject.id, core.now());
      if (await keep(core, record, known)) await pass(core, record, known, [message.sender]);
    }
  } catch (error) {
    core.tell({ type: 'revocation', outcome: isX0xError(error) ? error.id : 'REVOCATION_INVALID' });
  }
}

/** Whether it is new. The agent is blocked and forgotten, a machine forgotten. */
async function keep(
  core: Core,
  revocation: Revocation,
  certificate: AgentCertificate | undefined,
): Promise<boolean> {
  const { revocations, discovery, contacts, identity, tell } = core;
  if (!(await revocations.add(revocation, certificate))) return false;
  const { kind, id } = revocation.subject;
  if (kind === 'machine') discovery.forgetMachine(id);
  else {
    discovery.forgetAgent(id);
    if (id !== identity.agent.id) await contacts.setTrust(id, 'blocked');
  }
  tell({ type: 'revocation', outcome: 'ok' });
  return true;
}

const pass = (
  core: Core,
  revocation: Revocation,
  certificate: AgentCertificate | undefined,
  except: readonly string[] = [],
): Promise<number> =>
  fanOut(
    core,
    TOPICS.revocation,
    {
      revocations: encodeBytes(encodeRevocations([revocation])),
      ...(certificate ? { certificate: encodeBytes(encodeCertificateFile(certificate)) } : {}),
    },
    except,
  );
