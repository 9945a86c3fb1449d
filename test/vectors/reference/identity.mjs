// Identities and key records: docs/PROTOCOL.md, sections 2 and 3.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { base58 } from '@scure/base';
import { b64u, concat, EMPTY, fromHex, hkdfSha256, LP, sha256, u64, utf8 } from './notation.mjs';

// 2 Identity
export const IDENTITY_INFO = {
  x25519: 'xlink/1 identity x25519',
  mlKem768: 'xlink/1 identity ml-kem-768',
  mlDsa65: 'xlink/1 identity ml-dsa-65',
};

export const didOf = (publicKey) => `did:key:z${base58.encode(concat(Uint8Array.of(0xed, 0x01), publicKey))}`;
export const pkcs8Of = (seed) => concat(fromHex('302e020100300506032b657004220420'), seed);

export function identityOf(seed, maxVersion = 3) {
  const derive = (name, length) => hkdfSha256(seed, utf8(IDENTITY_INFO[name]), length);
  const derived = {
    x25519: derive('x25519', 32),
    mlKem768: derive('mlKem768', 64),
    mlDsa65: derive('mlDsa65', 32),
  };
  const publicKey = ed25519.getPublicKey(seed);
  return {
    seed,
    maxVersion,
    publicKey,
    did: didOf(publicKey),
    derived,
    x25519: x25519.getPublicKey(derived.x25519),
    mlKem768: maxVersion >= 2 ? ml_kem768.keygen(derived.mlKem768) : undefined,
    mlDsa65: maxVersion >= 3 ? ml_dsa65.keygen(derived.mlDsa65) : undefined,
  };
}

// 3 Key records
/** `notAfter` of keys without end. */
export const NO_END = Number.MAX_SAFE_INTEGER;
const LABEL = utf8('xlink/1 key-record');
const NUMBERS = ['epoch', 'keyEpoch', 'notBefore', 'notAfter'];
const KEYS = ['x25519', 'mlKem768', 'mlDsa65', 'next'];

export const recordTranscript = (content) =>
  LP(
    LABEL,
    utf8(content.did),
    ...NUMBERS.map((name) => u64(content[name])),
    ...KEYS.map((name) => content[name] ?? EMPTY),
  );

/**
 * The record of an identity. `more` replaces members, byte strings as bytes; `by`: who signs in place of the identity (`signer`,
 * `pqSigner`), with which context (`pqContext`).
 */
export function signRecord(identity, epoch, more = {}, by = {}) {
  const content = {
    ...{ did: identity.did, epoch, keyEpoch: 0, notBefore: 0, notAfter: NO_END },
    x25519: identity.x25519,
    mlKem768: identity.mlKem768?.publicKey,
    mlDsa65: identity.mlDsa65?.publicKey,
    ...more,
  };
  const transcript = recordTranscript(content);
  const mlDsaRandom = content.mlDsa65 && sha256(transcript);
  const record = {
    did: content.did,
    ...Object.fromEntries(NUMBERS.map((name) => [name, content[name]])),
    ...Object.fromEntries(KEYS.filter((name) => content[name]).map((name) => [name, b64u(content[name])])),
    signature: b64u(ed25519.sign(transcript, (by.signer ?? identity).seed)),
  };
  if (mlDsaRandom) {
    const { secretKey } = (by.pqSigner ?? identity).mlDsa65;
    const context = by.pqContext ?? LABEL;
    const pqSignature = ml_dsa65.sign(transcript, secretKey, { context, extraEntropy: mlDsaRandom });
    record.pqSignature = b64u(pqSignature);
  }
  return { record, transcript, mlDsaRandom };
}
