import type { CryptoProvider, Hmac } from '../crypto/provider.js';
import { openPayload, verifySignatures } from '../envelope/open.js';
import { parseEnvelope } from '../envelope/parse.js';
import { decodePayload, jsonContent } from '../envelope/plaintext.js';
import { type RecipientKeys, sealEnvelope } from '../envelope/seal.js';
import { xlinkError } from '../errors/service-errors.js';
import { decodeDidKey } from '../identity/did.js';
import type { Identity } from '../identity/identity.js';
import { DERIVED_KEYS, verifyKeyRecord } from '../identity/key-record.js';
import type { Did, Envelope, KeyRecord } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { isMembers } from '../util/members.js';
import { dataKeyId } from './retention.js';

/** Scope of the envelopes in which data keys are kept. */
const SCOPE = 'xlink:audit-key';

/** Whom entries are sealed to. */
export interface Organization extends RecipientKeys {
  readonly did: Did;
}

/** The encryption keys in the record of an organization. Throws `KEY_RECORD_INVALID`, `KEY_AGREEMENT_FAILED`. */
export async function organizationOf(crypto: CryptoProvider, record: KeyRecord): Promise<Organization> {
  const ed25519 = await crypto.ed25519.verifier(decodeDidKey(record.did));
  const keys = await verifyKeyRecord({ ...record }, ed25519, crypto);
  const encapsulator = keys.mlKem768 && (await crypto.mlKem768.encapsulator(keys.mlKem768));
  if (!keys.mlKem768 || !encapsulator) throw xlinkError('KEY_AGREEMENT_FAILED', { field: 'mlKem768' });
  return {
    did: record.did,
    keyEpoch: record.keyEpoch,
    x25519: await crypto.x25519.publicKey(keys.x25519),
    mlKem768: { bytes: keys.mlKem768, encapsulator },
  };
}

/** A data key, wrapped: an envelope of version 2 (X25519 and ML-KEM-768) from the service to the organization. */
export const wrapDataKey = (
  service: Identity,
  organization: Organization,
  key: { readonly id: string; readonly origin: string; readonly secret: Uint8Array; readonly at: number },
): Promise<Envelope> =>
  sealEnvelope(
    service,
    organization,
    {
      version: 2,
      kind: 'message',
      to: organization.did,
      timestamp: Math.max(1, key.at), // a clock may say 1970
      nonce: service.crypto.randomBytes(16),
      scope: SCOPE,
    },
    jsonContent({ id: key.id, origin: key.origin, secret: encodeBase64url(key.secret) }),
  );

/** A data key in use. */
export interface DataKey {
  readonly id: string;
  readonly hmac: Hmac;
}

/** A new one, and what is to be kept of it before it is used. */
export async function newDataKey(
  service: Identity,
  organization: Organization,
  origin: string,
  at: number,
): Promise<DataKey & { readonly wrapped: string }> {
  const { crypto } = service;
  const id = dataKeyId(at, crypto.randomBytes(4));
  const secret = crypto.randomBytes(32);
  const wrapped = JSON.stringify(await wrapDataKey(service, organization, { id, origin, secret, at }));
  const hmac = crypto.hmac(secret);
  secret.fill(0);
  return { id, hmac, wrapped };
}

/** The 32 bytes of a data key. Throws `AUDIT_INVALID:KEY` unless the service wrapped it under this name for this organization. */
export async function unwrapDataKey(
  organization: Identity,
  service: Did,
  wrapped: unknown,
  id: string,
  origin: string,
): Promise<Uint8Array> {
  const { crypto, x25519, mlKem768 } = organization;
  try {
    const envelope = parseEnvelope(wrapped);
    const ed25519 = await crypto.ed25519.verifier(decodeDidKey(service));
    await verifySignatures(crypto, { ed25519 }, envelope);
    const { from, to, scope, keyEpoch } = envelope.fields;
    const isOurs = from === service && to === organization.did && scope === SCOPE && keyEpoch === 0;
    const content = isOurs && (await openPayload(crypto, { ...DERIVED_KEYS, x25519, mlKem768 }, envelope));
    const payload = content ? decodePayload(content.bytes) : undefined;
    if (isMembers(payload) && payload.id === id && payload.origin === origin) {
      const secret = decodeBase64url(String(payload.secret));
      if (secret?.length === 32) return secret;
    }
  } catch (cause) {
    throw xlinkError('AUDIT_INVALID:KEY', { cause });
  }
  throw xlinkError('AUDIT_INVALID:KEY');
}
