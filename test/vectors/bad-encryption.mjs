import { HELLO } from './envelope-maker.mjs';
import { concat, frameOf, fromHex, headerTranscript, LP, labelOf, SUITE, sign, utf8 } from './reference.mjs';
import { flipFirst, flipLast } from './text-edits.mjs';
import { alice, bob, carol, mallory } from './world.mjs';

/** Everything about encryption that can be wrong although the signature is right. */
export function sealedFaults(version, made, whole, make) {
  const decryption = 'DECRYPT_FAILED:DECRYPTION';
  const agreement = 'DECRYPT_FAILED:KEY_AGREEMENT';
  made('sealed for another X25519 key', decryption, {}, { recipientKeys: { x25519: carol.x25519 } });
  made('one bit of the ciphertext flipped, then signed', decryption, {}, { payload: flipFirst });
  made('one bit of the tag flipped, then signed', decryption, {}, { payload: flipLast });
  made('tag cut by one byte, then signed', decryption, {}, { payload: (bytes) => bytes.slice(0, -1) });
  made('ciphertext of one byte', decryption, {}, { payload: () => Uint8Array.of(0) });
  made('ciphertext of 15 bytes, less than a tag', decryption, {}, { payload: (bytes) => bytes.slice(0, 15) });
  made('IV of zeros instead of the derived one', decryption, {}, { iv: new Uint8Array(12) });
  made('no associated data', decryption, {}, { aad: new Uint8Array(0) });
  made(
    'associated data of another scope',
    decryption,
    {},
    {
      aad: headerTranscript({ ...make('associated data of another scope').members, scope: 'orders:write' }),
    },
  );
  made('key derived for another sender', decryption, {}, { keyFrom: mallory.did });
  made(
    'key derived without the label in the secret',
    decryption,
    {},
    { ikm: (parts) => concat(...parts.slice(0, -1)) },
  );
  made(
    'key derived from the secrets alone',
    decryption,
    {},
    { ikm: (parts) => concat(...parts.slice(0, version >= 2 ? 2 : 1)) },
  );
  made(
    'key derived with a wrong order of parts',
    decryption,
    {},
    { ikm: (parts) => concat(...[...parts].reverse()) },
  );
  made(
    'key derived with concatenated instead of length-prefixed info',
    decryption,
    {},
    {
      info: concat(labelOf(version, SUITE.sealed[version]), utf8(alice.did), utf8(bob.did)),
    },
  );
  if (version >= 2) {
    made(
      'sealed for another ML-KEM key',
      decryption,
      {},
      { recipientKeys: { mlKem768: carol.mlKem768.publicKey } },
    );
    const { kemCiphertext } = make('KEM ciphertext flipped, then signed').members;
    made('KEM ciphertext flipped, then signed', decryption, {}, { kemCiphertext: flipFirst(kemCiphertext) });
  }
  const zero = { x25519Secret: new Uint8Array(32) };
  const smallOrder = {
    zero: '0000000000000000000000000000000000000000000000000000000000000000',
    one: '0100000000000000000000000000000000000000000000000000000000000000',
    'p - 1': 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    p: 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'of order 8': 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  };
  for (const [name, point] of Object.entries(smallOrder))
    made(
      `ephemeralPub ${name}, sealed for the all-zero secret`,
      agreement,
      {},
      { ...zero, ephemeralPub: fromHex(point) },
    );

  const sender = 'DECRYPT_FAILED:SENDER_MISMATCH';
  made('another sender inside the ciphertext', sender, {}, { frame: frameOf(mallory.did, HELLO) });
  made('no sender inside the ciphertext', sender, {}, { frame: HELLO });
  made('empty plaintext', sender, {}, { frame: new Uint8Array(0) });
  made('plaintext cut within the sender', sender, {}, { frame: LP(utf8(alice.did)).slice(0, -1) });
  made('sender inside the ciphertext without length', sender, {}, { frame: concat(utf8(alice.did), HELLO) });

  const stolen = make('signed anew by another sender');
  const anew = sign(mallory, { ...stolen.members, from: mallory.did }, stolen.random);
  whole('signature stripped, signed anew by another sender', anew.text, decryption);
}
