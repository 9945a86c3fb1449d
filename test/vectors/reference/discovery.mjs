// Discovery documents: docs/PROTOCOL.md, section 12.6.
import { ed25519 } from '@noble/curves/ed25519.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { recordTranscript } from './identity.mjs';
import { b64u, EMPTY, fromB64u, LP, sha256, u64, utf8 } from './notation.mjs';
import { successionTranscript } from './succession.mjs';

const LABEL = utf8('xlink/1 discovery');
const BINARY = ['x25519', 'mlKem768', 'mlDsa65', 'next', 'fromMlDsa65', 'toMlDsa65'];

/** Members as the transcripts of records and successions have them: keys and hashes as bytes. */
const withBytes = (members) =>
  Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, BINARY.includes(name) ? fromB64u(value) : value]),
  );
const list = (texts) => LP(...texts.map(utf8));
/** By UTF-16 code units, as JavaScript compares. */
const byName = (object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));

export const documentTranscript = (document, label = LABEL) =>
  LP(
    label,
    list(document.hosts),
    utf8(document.did),
    utf8(document.name ?? ''),
    sha256(recordTranscript(withBytes(document.keyRecord))),
    list(document.versions.map(String)),
    utf8(document.mode),
    document.acceptsEnvelopes ? Uint8Array.of(1) : EMPTY,
    list(byName(document.endpoints ?? {}).flat()),
    list(document.publicPaths),
    document.succession
      ? sha256(LP(...document.succession.map((step) => successionTranscript(withBytes(step)))))
      : EMPTY,
    u64(document.issuedAt),
    u64(document.notAfter),
  );

/** A document that `identity` signed. `by`: who signs in its place (`signer`, `pqSigner`), over which label, with which context. */
export function signDocument(identity, document, by = {}) {
  const transcript = documentTranscript(document, by.label);
  const signed = {
    ...document,
    signature: b64u(ed25519.sign(transcript, (by.signer ?? identity).seed)),
  };
  const { mlDsa65 } = by.pqSigner ?? identity;
  if (!mlDsa65) return { document: signed, transcript };
  const mlDsaRandom = sha256(transcript);
  const options = { context: by.pqContext ?? LABEL, extraEntropy: mlDsaRandom };
  const pqSignature = b64u(ml_dsa65.sign(transcript, mlDsa65.secretKey, options));
  return { document: { ...signed, pqSignature }, transcript, mlDsaRandom };
}
