import { defaultProvider } from '#provider';
import type { BaseAgent } from '../../agent/agent.js';
import { callRegistry } from '../../agent/register.js';
import { equalBytes } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/errors.js';
import type { Result } from '../../errors/result.js';
import {
  ENROLL_SCOPE,
  type EnrollmentAnswer,
  type EnrollmentRequest,
  enrollmentProof,
} from '../../http/enrollment.js';
import { assertKeyRecord, copyKeyRecord, sameKeys } from '../../identity/key-record.js';
import type { AgentMessage, ClientId, Did, KeyRecord, Scope } from '../../types/protocol.js';
import { decodeBase64url } from '../../util/base64url.js';
import type { ClientStore } from './store.js';

/** Throws `ENROLLMENT_REFUSED:KEY_PROOF` unless the envelope was made for this key. */
export async function checkKeyProof(message: AgentMessage, apiKey: string): Promise<void> {
  const { keyProof } = (message.payload ?? {}) as Partial<EnrollmentRequest>;
  const expected = decodeBase64url(await enrollmentProof(message.sender, apiKey))!;
  const given = typeof keyProof === 'string' ? decodeBase64url(keyProof) : undefined;
  if (!given || !equalBytes(given, expected))
    throw xlinkError('ENROLLMENT_REFUSED:KEY_PROOF', { field: 'keyProof' });
}

/** The key record that the envelope brings: that of its own sender. Throws `ENROLLMENT_REFUSED…` or `KEY_RECORD_INVALID`. */
export async function enrolledKeys(message: AgentMessage): Promise<KeyRecord> {
  const { keyRecord } = (message.payload ?? {}) as Partial<EnrollmentRequest>;
  if (message.scope !== ENROLL_SCOPE) throw xlinkError('ENROLLMENT_REFUSED', { field: 'scope' });
  if (typeof keyRecord !== 'object' || keyRecord === null)
    throw xlinkError('ENROLLMENT_REFUSED', { field: 'keyRecord' });
  const keys = copyKeyRecord(keyRecord);
  if (keys?.did !== message.sender) throw xlinkError('ENROLLMENT_REFUSED:OTHER_DID', { field: 'keyRecord' });
  await assertKeyRecord(keys, defaultProvider());
  return keys;
}

export interface Enrollee {
  readonly client: ClientId;
  readonly scopes: readonly Scope[] | undefined;
  readonly maxDids: number;
}

/**
 * Registers a DID with the scopes of its client and links the two. Doing it again for the same client changes nothing;
 * a DID of another client is `ENROLLMENT_REFUSED:TAKEN`, one that was revoked stays so. A DID that the operator
 * registered before keeps its scopes.
 */
export async function enroll(
  agent: BaseAgent,
  clients: ClientStore,
  keys: KeyRecord,
  { client, scopes, maxDids }: Enrollee,
): Promise<EnrollmentAnswer> {
  const { registry } = agent;
  const entry = await callRegistry(() => registry.lookup(keys.did), 'LOOKUP_FAILED');
  if (entry?.status === 'revoked')
    throw xlinkError('VERIFICATION_FAILED:DID_REVOKED', { field: 'keyRecord' });
  await link(clients, keys.did, client, maxDids);
  const inherited = scopes ? { sendScopes: scopes } : {};
  if (!entry)
    assertOk(
      await callRegistry(() => registry.register({ did: keys.did, name: client, keys, ...inherited })),
    );
  else if (!entry.keys || !sameKeys(entry.keys, keys))
    assertOk(await callRegistry(() => registry.updateKeys(keys)));
  const granted = entry ? entry.sendScopes : scopes;
  return { did: keys.did, client, ...(granted ? { scopes: granted } : {}) };
}

async function link(clients: ClientStore, did: Did, client: ClientId, maxDids: number): Promise<void> {
  const taken = () => xlinkError('ENROLLMENT_REFUSED:TAKEN', { field: 'keyRecord' });
  const owner = await clients.clientOf(did);
  if (owner === client) return;
  if (owner !== undefined) throw taken();
  const held = (await clients.get(client))?.dids.length ?? 0;
  if (held >= maxDids) throw xlinkError('ENROLLMENT_REFUSED:TOO_MANY', { field: 'keyRecord' });
  if ((await clients.link(did, client)) !== client) throw taken();
}

/** Two instances may register the same DID at the same time: that both succeed is what was wanted. */
function assertOk(result: Result<void>): void {
  if (!result.ok && result.error.id !== 'REGISTRATION_FAILED:ALREADY_REGISTERED') throw result.error;
}
