import { defaultProvider } from '../../src/crypto/native/index.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { type EnvelopeDraft, sealEnvelope } from '../../src/envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import type { Identity } from '../../src/identity/identity.js';
import { createKeyRecord } from '../../src/identity/key-record.js';
import type { Envelope, KeyRecord } from '../../src/types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';
import { NOON } from './clock.js';

// What somebody can do who has the code and keys of their own, or one who was broken into.

export type Loose = Record<string, string | number | undefined>;

/** The envelope with some members changed; `undefined` removes one. */
export function altered(envelope: Envelope, changes: Loose): Envelope {
  const members = Object.entries({ ...envelope, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as Envelope;
}

/** The members as they stand, signed anew by `identity`. */
export async function resigned(identity: Identity, envelope: Envelope): Promise<Envelope> {
  const parsed = parseEnvelope(envelope);
  const transcript = await signatureTranscript(identity.crypto, parsed, headerTranscript(parsed));
  const signature = encodeBase64url(await identity.ed25519.sign(transcript));
  if (!parsed.suite.pqSignature) return altered(envelope, { signature });
  const pqSignature = encodeBase64url(await identity.mlDsa65!.sign(transcript, parsed.suite.label));
  return altered(envelope, { signature, pqSignature });
}

/** An envelope with any content, JSON or not, and any draft. */
export async function sealed(
  from: Identity,
  to: Identity,
  content: Uint8Array,
  draft: Partial<EnvelopeDraft> = {},
): Promise<Envelope> {
  const crypto = defaultProvider();
  const bytes = to.mlKem768?.publicKey;
  const encapsulator = bytes && (await crypto.mlKem768.encapsulator(bytes));
  return sealEnvelope(
    from,
    {
      x25519: await crypto.x25519.publicKey(to.x25519.publicKey),
      mlKem768: bytes && encapsulator && { bytes, encapsulator },
    },
    { version: 2, to: to.did, timestamp: NOON, nonce: crypto.randomBytes(16), scope: 'chat', ...draft },
    content,
  );
}

/** A key record that `signer` signs, over keys that need not be its own. */
export const recordOf = (signer: Identity, keysOf: Partial<Identity>, epoch: number): Promise<KeyRecord> =>
  createKeyRecord(
    {
      did: signer.did,
      ed25519: signer.ed25519,
      x25519: keysOf.x25519,
      mlKem768: keysOf.mlKem768,
      mlDsa65: keysOf.mlDsa65,
    } as Identity,
    { epoch },
  );

/** base64url text of the same bytes with one bit turned. */
export function withBitFlipped(text: string, bit: number): string {
  const bytes = decodeBase64url(text)!.slice();
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return encodeBase64url(bytes);
}

/** The public keys of an identity, for a record of another. */
export const keysOf = ({ x25519, mlKem768, mlDsa65 }: Identity) => ({ x25519, mlKem768, mlDsa65 });
