// Sealed answers: docs/PROTOCOL.md, section 12.5.
import { gcm } from '@noble/ciphers/aes.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { agree, frameOf, headerTranscript, labelOf, messageKey, sign } from './envelope.mjs';
import { concat, hkdfSha256, LP, sha256, u32, u64, utf8 } from './notation.mjs';

export const TYPE = { head: 1, chunk: 2, finalChunk: 3, end: 4 };
export const frameBytes = ({ type, bytes }) => concat(Uint8Array.of(type), u32(bytes.length), bytes);

const ivOf = (number, isFinal) => concat(Uint8Array.of(isFinal ? 1 : 0, 0, 0, 0), u64(number));

/**
 * Makes an answer: its frames and everything on the way. `change` replaces single steps, as in `seal`: also `chunkKey` (of the
 * parts of its info), `aad`, `flag` and `number` (of a chunk), `plaintext` (of the first chunk), `endLabel`, `endParts`, and who signs
 * the end (`endSigner`, `endPqSigner`) with which context (`endContext`).
 *
 * @param {object} message as for `agree`, and status, contentType, headers, and the contents of the chunks
 * @param {object} random as for `agree`, and mlDsaRandom and endMlDsaRandom, 32 bytes each
 */
export function sealAnswer({ status, contentType, headers, contents, ...message }, random, change = {}) {
  const { sender, version } = message;
  const { header, label, steps } = agree({ ...message, kind: 'answer' }, random, change);
  const headerBytes = headerTranscript(header);
  const headerDigest = sha256(headerBytes);
  const { commitment: own } = messageKey(steps.ikm, steps.info);
  const commitment = change.commitment?.(own) ?? own;
  const keyParts = [label, utf8('chunks'), headerDigest];
  const chunkKey = hkdfSha256(steps.ikm, LP(...(change.chunkKey?.(keyParts) ?? keyParts)), 32);
  const frame = frameOf({ ...header, status, contentType, headers });
  const chunks = contents.map((content, i) => {
    const isFinal = i === contents.length - 1;
    const iv = ivOf(change.number?.(i) ?? i, change.flag?.(i) ?? isFinal);
    const plaintext = i > 0 ? content : (change.plaintext ?? concat(frame, content));
    return gcm(chunkKey, iv, change.aad ?? headerDigest).encrypt(plaintext);
  });
  const payload = concat(commitment, chunks[0]);
  const head = sign(sender, { ...header, payload }, random, change);

  const endLabel = change.endLabel ?? utf8(`xlink/1 answer end v${version} ${header.suite}`);
  const endParts = [endLabel, headerDigest, u64(chunks.length), sha256(concat(...chunks))];
  const endTranscript = LP(...(change.endParts?.(endParts, chunks) ?? endParts));
  const signatures = [ed25519.sign(endTranscript, (change.endSigner ?? sender).seed)];
  if (version >= 3)
    signatures.push(
      ml_dsa65.sign(endTranscript, (change.endPqSigner ?? sender).mlDsa65.secretKey, {
        context: change.endContext ?? endLabel,
        extraEntropy: random.endMlDsaRandom,
      }),
    );
  const end = concat(...signatures);
  const sealed = chunks.map((chunk, i) => ({
    type: i === chunks.length - 1 ? TYPE.finalChunk : TYPE.chunk,
    bytes: i === 0 ? payload : chunk,
  }));
  const last = chunks.length > 1 ? [{ type: TYPE.end, bytes: end }] : [];
  return {
    head,
    frames: [{ type: TYPE.head, bytes: utf8(head.text) }, ...sealed, ...last],
    steps: {
      ...{ label, headerTranscript: headerBytes, ikm: steps.ikm, commitment, headerDigest, chunkKey, frame },
      ...{ signatureTranscript: head.transcript, endLabel, endTranscript },
    },
  };
}

export const labelOfAnswer = (version, suite, kind = 'answer') => labelOf({ kind, version, suite });
