import { defaultProvider } from '../../src/crypto/native/index.js';
import { openPayload } from '../../src/envelope/open.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import type { Header } from '../../src/envelope/plaintext.js';
import { type EnvelopeDraft, type RecipientKeys, sealEnvelope } from '../../src/envelope/seal.js';
import { type AnswerStart, type SealedAnswer, sealAnswer } from '../../src/envelope/seal-answer.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { derivedKeyRing } from '../../src/identity/encryption-keys.js';
import type { Identity } from '../../src/identity/identity.js';
import { createKeyRecord } from '../../src/identity/key-record.js';
import type { Envelope, KeyRecord, Kind, Version } from '../../src/types/protocol.js';
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
  const pqSignature = encodeBase64url(await identity.mlDsa65!.sign(transcript, parsed.label));
  return altered(envelope, { signature, pqSignature });
}

/** The highest version that both have keys for: what a sender takes, and what a receiver wants (4.3, 4.4). */
const versionOf = (from: Identity, to: Identity): Version =>
  from.mlDsa65 && to.mlDsa65 ? 3 : from.mlKem768 && to.mlKem768 ? 2 : 1;

async function keysFor(to: Identity): Promise<RecipientKeys> {
  const crypto = defaultProvider();
  const bytes = to.mlKem768?.publicKey;
  const encapsulator = bytes && (await crypto.mlKem768.encapsulator(bytes));
  return {
    keyEpoch: 0,
    x25519: await crypto.x25519.publicKey(to.x25519.publicKey),
    mlKem768: bytes && encapsulator && { bytes, encapsulator },
  };
}

const draftOf = (from: Identity, to: Identity, kind: Kind, draft: Partial<EnvelopeDraft>): EnvelopeDraft => ({
  version: versionOf(from, to),
  kind,
  to: to.did,
  timestamp: NOON,
  nonce: defaultProvider().randomBytes(16),
  scope: 'chat',
  ...draft,
});

/** An envelope with any content, JSON or not, and any draft; of the highest version unless said otherwise. */
export async function sealed(
  from: Identity,
  to: Identity,
  content: Uint8Array,
  draft: Partial<EnvelopeDraft> = {},
  contentType = 'application/json',
  headers: readonly Header[] = [],
): Promise<Envelope> {
  const filled = draftOf(from, to, 'message', draft);
  return sealEnvelope(from, await keysFor(to), filled, { bytes: content, contentType, headers });
}

/** The beginning of an answer with any content. 200, and all of it, unless said otherwise. */
export async function answered(
  from: Identity,
  to: Identity,
  bytes: Uint8Array,
  draft: Partial<EnvelopeDraft> = {},
  start: Partial<AnswerStart> = {},
  isFinal = true,
): Promise<SealedAnswer> {
  const content = { status: 200, contentType: 'text/plain', headers: [], bytes, ...start };
  return sealAnswer(from, await keysFor(to), draftOf(from, to, 'answer', draft), content, isFinal);
}

/** What the bearer of these keys reads. */
export async function opened(keys: Identity, envelope: Envelope): Promise<Uint8Array | undefined> {
  const content = await openPayload(
    keys.crypto,
    await derivedKeyRing(keys).current(),
    parseEnvelope(envelope),
  );
  return content?.bytes;
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
