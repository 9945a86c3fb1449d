import { defaultProvider } from '#provider';
import { lengthPrefixed } from '../crypto/bytes.js';
import { below } from '../http/base-url.js';
import { requestBinding, targetOf } from '../http/request-binding.js';
import { Identity } from '../identity/identity.js';
import { recordTranscript } from '../identity/key-record.js';
import type { Did, KeyRecord, Scope } from '../types/protocol.js';
import { encodeBase64url } from '../util/base64url.js';
import { encodeUtf8 } from '../util/utf8.js';

/** Scope of the envelope that accepts an invite. */
export const INVITE_SCOPE = 'xlink:invite';

const KEY_LABEL = encodeUtf8('xlink/1 invite key');
const PROOF_LABEL = encodeUtf8('xlink/1 invite proof');
const ANSWER_LABEL = encodeUtf8('xlink/1 invite accepted');

/** The payload of the envelope that accepts, which is signed by the one who accepts and not encrypted. */
export interface Acceptance {
  readonly keyRecord: KeyRecord;
  /** 64 bytes, base64url: the key of the invite has signed for this DID, so that no other can use what is seen on the way. */
  readonly proof: string;
  readonly name?: string;
  /** Where the one who accepts takes messages. */
  readonly url?: string;
}

/** The answer of the one who invites, signed. */
export interface AcceptanceAnswer {
  readonly keyRecord: KeyRecord;
  readonly scopes: readonly Scope[];
  readonly receives: readonly Scope[];
  /** 64 bytes, base64url. */
  readonly signature: string;
}

/** Where an invite is accepted, and what its acceptance is bound to: the number is looked at before the body is read. */
export function acceptanceRoute(
  url: string,
  number: string,
): { readonly url: string; readonly request: string } {
  const place = `${below(url, '/invite')}?number=${number}`;
  return { url: place, request: requestBinding('POST', targetOf(new URL(place))) };
}

/** The key of an invite. Only its public half is kept by the one who made it. */
async function inviteKey(secret: Uint8Array): Promise<Identity> {
  const seed = await defaultProvider().sha256(lengthPrefixed([KEY_LABEL, secret]));
  return Identity.fromSeed(seed, { maxVersion: 1 });
}

/** By which an invite is known: 43 characters, the public key that belongs to its secret. */
export const inviteNumber = async (secret: Uint8Array): Promise<string> =>
  encodeBase64url((await inviteKey(secret)).publicKey);

const proofTranscript = (from: Did, accepting: Did): Uint8Array =>
  lengthPrefixed([PROOF_LABEL, from, accepting]);

/** Number and proof of an acceptance. */
export async function prove(secret: Uint8Array, from: Did, accepting: Did) {
  const { publicKey, ed25519 } = await inviteKey(secret);
  const proof = await ed25519.sign(proofTranscript(from, accepting));
  return { number: encodeBase64url(publicKey), proof: encodeBase64url(proof) };
}

/** Whether the one who accepts has the code of this number. */
export async function isProof(number: Uint8Array, proof: Uint8Array, from: Did, accepting: Did) {
  const verifier = await defaultProvider().ed25519.verifier(number);
  return verifier.verify(proofTranscript(from, accepting), proof);
}

/** What the signature of an answer covers. `nonce`: that of the acceptance. */
export const answerTranscript = (
  { keyRecord, scopes, receives }: Omit<AcceptanceAnswer, 'signature'>,
  accepting: Did,
  nonce: string,
): Uint8Array =>
  lengthPrefixed([
    ANSWER_LABEL,
    accepting,
    nonce,
    recordTranscript(keyRecord),
    scopes.join(' '),
    receives.join(' '),
  ]);
