// Succession: docs/PROTOCOL.md, section 3.3.
import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { b64u, EMPTY, LP, sha256, u64, utf8 } from './notation.mjs';

const LABEL = utf8('xlink/1 succession');
const KEYS = ['fromMlDsa65', 'toMlDsa65', 'next'];

export const successionTranscript = (claim, label = LABEL) =>
  LP(
    label,
    utf8(claim.from),
    utf8(claim.to),
    u64(claim.issuedAt),
    u64(claim.overlapMs),
    ...KEYS.map((name) => claim[name] ?? EMPTY),
  );

/**
 * The statement that `to` takes the place of `from`. `more` replaces members, byte strings as bytes; `by`: who signs in place of
 * them (`from`, `to`), over which label (`label`), with which context (`pqContext`).
 */
export function signSuccession(from, to, times, more = {}, by = {}) {
  const claim = {
    ...{ from: from.did, to: to.did, ...times },
    fromMlDsa65: from.mlDsa65?.publicKey,
    toMlDsa65: to.mlDsa65?.publicKey,
    ...more,
  };
  const transcript = successionTranscript(claim, by.label);
  const mlDsaRandom = sha256(transcript);
  const signatures = (side, signer) => {
    const signed = { [`${side}Signature`]: b64u(ed25519.sign(transcript, signer.seed)) };
    if (!claim[`${side}MlDsa65`]) return signed;
    const options = { context: by.pqContext ?? LABEL, extraEntropy: mlDsaRandom };
    const pqSignature = ml_dsa65.sign(transcript, signer.mlDsa65.secretKey, options);
    return { ...signed, [`${side}PqSignature`]: b64u(pqSignature) };
  };
  const { issuedAt, overlapMs } = claim;
  const succession = {
    ...{ from: claim.from, to: claim.to, issuedAt, overlapMs },
    ...Object.fromEntries(KEYS.filter((name) => claim[name]).map((name) => [name, b64u(claim[name])])),
    ...signatures('from', by.from ?? from),
    ...signatures('to', by.to ?? to),
  };
  return { succession, transcript, mlDsaRandom };
}
