import { defaultProvider } from '#provider';
import { callRegistry } from '../../agent/call-registry.js';
import type { ServiceAgent } from '../../agent/service-agent.js';
import { equalBytes } from '../../crypto/bytes.js';
import type { Result } from '../../errors/result.js';
import { xlinkError } from '../../errors/service-errors.js';
import {
  ENROLL_SCOPE,
  type EnrollmentAnswer,
  type EnrollmentRequest,
  enrollmentProof,
} from '../../http/enrollment.js';
import { assertKeyRecord, assertSuccessor, copyKeyRecord, sameKeys } from '../../identity/key-record.js';
import type { TrustRegistry } from '../../types/ports.js';
import type { AgentMessage, ClientId, Did, KeyRecord, Scope } from '../../types/protocol.js';
import { decodeBase64url } from '../../util/base64url.js';
import { given } from '../../util/given.js';
import { standingOf } from './lineage.js';
import { endLine } from './revocation.js';
import type { ClientStore, LinkConditions } from './store.js';

/** Throws `ENROLLMENT_REFUSED:KEY_PROOF` unless the envelope was made for this key. */
export async function checkKeyProof(message: AgentMessage, apiKey: string): Promise<void> {
  const { keyProof } = (message.payload ?? {}) as Partial<EnrollmentRequest>;
  const expected = decodeBase64url(await enrollmentProof(message.sender, apiKey))!;
  const given = typeof keyProof === 'string' ? decodeBase64url(keyProof) : undefined;
  if (!given || !equalBytes(given, expected))
    throw xlinkError('ENROLLMENT_REFUSED:KEY_PROOF', { field: 'keyProof' });
}

/**
 * The key record that the message brings: that of its own sender; `undefined` if a signed request brings none. Throws
 * `ENROLLMENT_REFUSED…` or `KEY_RECORD_INVALID`.
 */
export async function enrolledKeys(
  message: AgentMessage,
  isOptional: boolean,
): Promise<KeyRecord | undefined> {
  const { keyRecord } = (message.payload ?? {}) as Partial<EnrollmentRequest>;
  if (message.scope !== ENROLL_SCOPE) throw xlinkError('ENROLLMENT_REFUSED', { field: 'scope' });
  if (keyRecord === undefined && isOptional) return undefined;
  if (typeof keyRecord !== 'object' || keyRecord === null)
    throw xlinkError('ENROLLMENT_REFUSED', { field: 'keyRecord' });
  if (keyRecord.did !== message.sender)
    throw xlinkError('ENROLLMENT_REFUSED:OTHER_DID', { field: 'keyRecord' });
  const keys = copyKeyRecord(keyRecord);
  if (!keys) throw xlinkError('KEY_RECORD_INVALID', { field: 'keyRecord' });
  await assertKeyRecord(keys, defaultProvider());
  return keys;
}

export interface Enrollee {
  readonly did: Did;
  /** Absent: it only signs, or its keys are known. */
  readonly keys?: KeyRecord;
  readonly client: ClientId;
  readonly scopes: readonly Scope[] | undefined;
  /** 0: one that is linked already. */
  readonly maxDids: number;
  /** When the enrollment ends; `undefined`: never. */
  readonly validUntil: number | undefined;
}

/**
 * Registers a DID with the scopes of its client and links the two. Doing it again for the same client changes nothing;
 * a DID of another client is `ENROLLMENT_REFUSED:TAKEN`, one that was revoked stays so. A DID that the operator
 * registered before keeps its scopes.
 */
export async function enroll(
  agent: ServiceAgent,
  clients: ClientStore,
  { did, keys, client, scopes, maxDids, validUntil }: Enrollee,
): Promise<EnrollmentAnswer> {
  const { registry } = agent;
  const entry = await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
  if (entry?.status === 'revoked')
    throw xlinkError('VERIFICATION_FAILED:DID_REVOKED', { field: 'keyRecord' });
  if (entry?.keys && keys) assertSuccessor(entry.keys, keys); // before it is linked: what is refused leaves nothing behind
  if (entry) await standingOf(clients, entry); // it may belong where the one belonged whose place it took
  const isNew = await link(clients, did, client, { maxDids, ...given({ validUntil }) });
  const sendScopes = scopes ?? []; // as with the key: no list, no scope
  try {
    if (!entry)
      assertOk(
        await callRegistry(() => registry.register({ did, name: client, ...given({ keys }), sendScopes })),
      );
    else if (keys && !(entry.keys && sameKeys(entry.keys, keys)))
      assertOk(await callRegistry(() => registry.updateKeys(keys)));
  } catch (error) {
    const isThere = async () => keys !== undefined && (await hasKeys(registry, keys));
    if (entry && isNew && !(await isThere())) await clients.unlink(did); // it goes on as what it was
    throw error;
  }
  await endIfRevoked(clients, registry, did, client);
  return {
    did,
    client,
    scopes: (entry ? entry.sendScopes : sendScopes) ?? [],
    ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil).toISOString() }),
  };
}

/** Another call may have enrolled it with these keys, while one was under way that failed. */
async function hasKeys(registry: TrustRegistry, keys: KeyRecord): Promise<boolean> {
  try {
    const entry = await registry.lookup(keys.did);
    return entry?.keys !== undefined && sameKeys(entry.keys, keys);
  } catch {
    return false;
  }
}

/** Whether this call made the link, and did not renew one. Throws `ENROLLMENT_REFUSED…`. */
async function link(
  clients: ClientStore,
  did: Did,
  client: ClientId,
  options: LinkConditions,
): Promise<boolean> {
  const first = await clients.link(did, client, { ...options, ifNew: true });
  if (first === client) return true;
  const owner = first ?? (await clients.link(did, client, options));
  if (owner === undefined) {
    if (options.maxDids === 0) throw xlinkError('ENROLLMENT_REFUSED:NOT_ENROLLED'); // it was unlinked meanwhile
    throw xlinkError('ENROLLMENT_REFUSED:TOO_MANY', { field: 'keyRecord' });
  }
  if (owner !== client) throw xlinkError('ENROLLMENT_REFUSED:TAKEN', { field: 'keyRecord' });
  return false;
}

/** A client that was revoked while it enrolled: its DID may have come too late for that to end it. */
async function endIfRevoked(
  clients: ClientStore,
  registry: TrustRegistry,
  did: Did,
  client: ClientId,
): Promise<void> {
  if ((await clients.get(client))?.revokedSince === undefined) return;
  await endLine({ store: clients, registry }, did, undefined);
  throw xlinkError('CLIENT_REVOKED');
}

/** Two instances may register the same DID at the same time: that both succeed is what was wanted. */
function assertOk(result: Result<void>): void {
  if (!result.ok && result.error.id !== 'REGISTRATION_FAILED:ALREADY_REGISTERED') throw result.error;
}
