import { defaultProvider } from '#provider';
import type { AgentCore } from '../../agent/agent.js';
import { equalBytes, lengthPrefixed } from '../../crypto/bytes.js';
import { xlinkError } from '../../errors/errors.js';
import type { Result } from '../../errors/result.js';
import { assertKeyRecord, sameKeys } from '../../identity/key-record.js';
import type { AgentMessage, Did, KeyRecord, Scope } from '../../types/types.js';
import type { Awaitable } from '../../util/awaitable.js';
import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { ClientId, ClientStore } from './store.js';

/** Path of the enrolment route. */
export const ENROLL_PATH = '/.well-known/xlink/enroll';
/** Scope that an enrolment envelope is made with. */
export const ENROLL_SCOPE = 'xlink:enroll';

const LABEL = encodeUtf8('xlink/1 enroll');

/** The payload of an enrolment envelope, which is signed by the new DID and not encrypted. */
export interface EnrollmentRequest {
  /** Key record of the new DID. */
  readonly keyRecord: KeyRecord;
  /** From {@link enrollmentProof}: ties the envelope to the API key it is sent with. Not needed by a DID that is linked. */
  readonly keyProof?: string;
}

/** What the server answers. */
export interface EnrollmentAnswer {
  readonly did: Did;
  readonly client: ClientId;
  /** Scopes the DID may send with; absent: any, as with the key. */
  readonly scopes?: readonly Scope[];
}

/**
 * SHA-256 over label, DID and API key: somebody who steals an enrolment envelope cannot use it with a key of his own to
 * have the DID counted as his.
 */
export async function enrollmentProof(did: Did, apiKey: string): Promise<string> {
  const hash = await defaultProvider().sha256(lengthPrefixed([LABEL, encodeUtf8(did), encodeUtf8(apiKey)]));
  return encodeBase64url(hash);
}

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
  if (keyRecord.did !== message.sender)
    throw xlinkError('ENROLLMENT_REFUSED:OTHER_DID', { field: 'keyRecord' });
  const { did, epoch, x25519, mlKem768, mlDsa65, signature } = keyRecord;
  const keys = {
    did,
    epoch,
    x25519,
    ...(mlKem768 === undefined ? {} : { mlKem768 }),
    ...(mlDsa65 === undefined ? {} : { mlDsa65 }),
    signature,
  };
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
  agent: AgentCore,
  clients: ClientStore,
  keys: KeyRecord,
  { client, scopes, maxDids }: Enrollee,
): Promise<EnrollmentAnswer> {
  const { registry } = agent;
  const entry = await ask(() => registry.lookup(keys.did), 'LOOKUP_FAILED');
  if (entry?.status === 'revoked')
    throw xlinkError('VERIFICATION_FAILED:DID_REVOKED', { field: 'keyRecord' });
  await link(clients, keys.did, client, maxDids);
  const inherited = scopes ? { sendScopes: scopes } : {};
  if (!entry) settle(await ask(() => registry.register({ did: keys.did, name: client, keys, ...inherited })));
  else if (!entry.keys || !sameKeys(entry.keys, keys)) settle(await ask(() => registry.updateKeys(keys)));
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

async function ask<T>(
  question: () => Awaitable<T>,
  id: 'LOOKUP_FAILED' | 'REGISTRATION_FAILED' = 'REGISTRATION_FAILED',
): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw xlinkError(id, { cause });
  }
}

/** Two instances may register the same DID at the same time: that both succeed is what was wanted. */
function settle(result: Result<void>): void {
  if (!result.ok && result.error.id !== 'REGISTRATION_FAILED:ALREADY_REGISTERED') throw result.error;
}
