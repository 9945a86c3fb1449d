// Signatures of the wrong key, over the wrong bytes or in the wrong form (sections 2.3 and 8).
import { envelopeText, headerTranscript, labelOf, SUITE } from '../reference/envelope.mjs';
import { dave, mallories } from '../world.mjs';
import { raiseS } from './edits.mjs';

const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
const PQ_MISMATCH = 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH';

export function signatureFaults(book) {
  const { version, sealed } = book;
  const signer = mallories[version];
  const suites = sealed ? SUITE.sealed : SUITE.signedOnly;
  const labelFor = (v) => labelOf({ kind: 'message', version: v, suite: suites[v] });
  const refuse = (name, change, error = MISMATCH) => book.refuse(name, error, {}, change);
  refuse('signed by another key', { signer });
  refuse('S of the signature raised by the group order', { signature: raiseS });
  const over = 'signature over the header transcript';
  refuse(over, { signed: headerTranscript(book.make(over).members) });
  for (const v of [1, 2, 3].filter((v) => v !== version))
    refuse(`signed with the label of version ${v}`, { signatureLabel: labelFor(v) });
  if (version < 3) return;
  refuse('ML-DSA without context', { pqContext: new Uint8Array(0) }, PQ_MISMATCH);
  refuse('ML-DSA with the context of version 2', { pqContext: labelFor(2) }, PQ_MISMATCH);
  refuse('ML-DSA by another key', { pqSigner: signer }, PQ_MISMATCH);
  refuse('both signatures wrong', { signer, pqSigner: signer });
  book.refuse('from a sender without an ML-DSA key on record', 'VERIFICATION_FAILED:NO_PQ_KEY', {
    sender: dave,
  });
  const name = 'pqSignature of another message';
  const { pqSignature } = book.make('minimal').members;
  book.refuseText(name, envelopeText({ ...book.make(name).members, pqSignature }), PQ_MISMATCH);
}
