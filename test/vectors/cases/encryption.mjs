// Everything about encryption that can be wrong although the signature is right (section 7).
import { headerTranscript, labelOf, sign } from '../reference/envelope.mjs';
import { concat, EMPTY, fromHex, LP, utf8 } from '../reference/notation.mjs';
import { alices, bob, carol, fixed, mallories } from '../world.mjs';
import { HELLO } from './book.mjs';
import { flipFirst, flipLast } from './edits.mjs';

const DECRYPTION = 'DECRYPT_FAILED:DECRYPTION';

export function encryptionFaults(book) {
  const { version, suite } = book;
  const refuse = (name, change) => book.refuse(name, DECRYPTION, {}, change);
  refuse('sealed for another X25519 key', { recipientKeys: { x25519: carol.x25519 } });
  payloadFaults(book, refuse);
  refuse('IV of zeros instead of the derived one', { iv: new Uint8Array(12) });
  refuse('no associated data', { aad: EMPTY });
  const other = 'associated data of another scope';
  const aad = headerTranscript({ ...book.make(other).members, scope: 'orders:write' });
  refuse(other, { aad });
  refuse('key derived for another sender', { keyFrom: mallories[version].did });
  refuse('key derived without the label in the secret', { ikm: (parts) => concat(...parts.slice(0, -1)) });
  const secrets = version >= 2 ? 2 : 1;
  refuse('key derived from the secrets alone', { ikm: (parts) => concat(...parts.slice(0, secrets)) });
  refuse('key derived with a wrong order of parts', { ikm: (parts) => concat(...[...parts].reverse()) });
  const label = labelOf({ kind: 'message', version, suite });
  const plain = concat(label, utf8(alices[version].did), utf8(bob.did));
  refuse('key derived with concatenated instead of length-prefixed info', { info: plain });
  if (version >= 2) {
    refuse('sealed for another ML-KEM key', { recipientKeys: { mlKem768: carol.mlKem768.publicKey } });
    const flipped = 'KEM ciphertext flipped, then signed';
    refuse(flipped, { kemCiphertext: flipFirst(book.make(flipped).members.kemCiphertext) });
  }
  const epoch = (name, keyEpoch) => book.refuse(`key epoch: ${name}`, 'KEY_EPOCH_UNKNOWN', { keyEpoch });
  epoch('one that the receiver does not have', 1);
  epoch('the highest', Number.MAX_SAFE_INTEGER);
  smallOrder(book);
  senders(book);
}

/** 7.3: commitment, ciphertext, tag. */
function payloadFaults(book, refuse) {
  refuse('first bit of the commitment flipped, then signed', { payload: flipFirst });
  refuse('last bit of the commitment flipped, then signed', { payload: (bytes) => flipAt(bytes, 31) });
  refuse('one bit of the ciphertext flipped, then signed', { payload: (bytes) => flipAt(bytes, 32) });
  refuse('one bit of the tag flipped, then signed', { payload: flipLast });
  refuse('tag cut by one byte, then signed', { payload: (bytes) => bytes.slice(0, -1) });
  refuse('no commitment', { commitment: () => EMPTY });
  refuse('commitment of zeros', { commitment: (own) => new Uint8Array(own.length) });
  refuse('commitment to another key', { commitment: () => fixed('another key') });
  const others = book.make('the same content, sealed anew').steps.commitment;
  refuse('commitment of another envelope', { commitment: () => others });
  refuse('commitment behind the ciphertext', { payload: (b) => concat(b.slice(32), b.slice(0, 32)) });
  for (const length of [1, 31, 32, 33, 47])
    refuse(`payload of ${length} bytes, less than commitment and tag`, {
      payload: (b) => b.slice(0, length),
    });
}

const flipAt = (bytes, at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

function smallOrder(book) {
  const points = {
    zero: '0000000000000000000000000000000000000000000000000000000000000000',
    one: '0100000000000000000000000000000000000000000000000000000000000000',
    'p - 1': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    p: 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'of order 8': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  };
  for (const [name, point] of Object.entries(points))
    book.refuse(
      `ephemeralPub ${name}, sealed for the all-zero secret`,
      'DECRYPT_FAILED:KEY_AGREEMENT',
      {},
      { x25519Secret: new Uint8Array(32), ephemeralPub: fromHex(point) },
    );
}

function senders(book) {
  const own = utf8(alices[book.version].did);
  const other = mallories[book.version];
  const type = utf8('application/json');
  const refuse = (name, plaintext) => book.refuse(name, 'DECRYPT_FAILED:SENDER_MISMATCH', {}, { plaintext });
  refuse('another sender inside the ciphertext', concat(LP(utf8(other.did), type), HELLO));
  refuse('no sender inside the ciphertext', HELLO);
  refuse('empty plaintext', EMPTY);
  refuse('plaintext cut within the sender', LP(own).slice(0, -1));
  refuse('sender inside the ciphertext without length', concat(own, LP(type), HELLO));

  const name = 'signature stripped, signed anew by another sender';
  const stolen = book.make(name);
  const anew = sign(other, { ...stolen.members, from: other.did }, stolen.random);
  book.refuseText(name, anew.text, DECRYPTION);
}
