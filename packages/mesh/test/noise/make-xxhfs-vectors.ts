// What is in xxhfs.vectors.json. With WRITE_VECTORS=1, python.integration.test.ts writes the file.
import { createHash } from 'node:crypto';
import { keyPairOf } from '../../src/noise/dh.js';
import { Handshake } from '../../src/noise/handshake.js';
import { kemKeyPair } from '../../src/noise/kem.js';
import { suiteOf } from '../../src/noise/suite.js';

const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
const secret = (name: string, length = 32) =>
  new Uint8Array(createHash('sha512').update(`xxhfs ${name}`).digest().subarray(0, length));

/** The vector of one protocol, from keys that follow from its name. */
export function makeVector(protocol_name: string) {
  const secrets = {
    init_prologue: secret('prologue', 16),
    init_static: secret(`${protocol_name} init static`),
    init_ephemeral: secret(`${protocol_name} init ephemeral`),
    init_kem_seed: secret(`${protocol_name} kem seed`, 64),
    resp_prologue: secret('prologue', 16),
    resp_static: secret(`${protocol_name} resp static`),
    resp_ephemeral: secret(`${protocol_name} resp ephemeral`),
    resp_kem_coins: secret(`${protocol_name} kem coins`),
  };
  const side = (isInitiator: boolean) => {
    const name = isInitiator ? 'init' : 'resp';
    return new Handshake({
      suite: suiteOf(protocol_name),
      isInitiator,
      prologue: secrets[`${name}_prologue`],
      staticKey: keyPairOf(secrets[`${name}_static`]),
      fixed: {
        ephemeral: keyPairOf(secrets[`${name}_ephemeral`]),
        kem: kemKeyPair(secrets.init_kem_seed),
        coins: secrets.resp_kem_coins,
      },
    });
  };
  const sides = [side(true), side(false)] as const;
  const messages: { payload: string; ciphertext: string }[] = [];
  for (let index = 0; index < 3; index++) {
    const payload = secret(`payload ${index}`, 10 + index);
    const ciphertext = sides[index % 2]!.write(payload);
    sides[(index + 1) % 2]!.read(ciphertext);
    messages.push({ payload: hex(payload), ciphertext: hex(ciphertext) });
  }
  const ends = [sides[0].split(), sides[1].split()] as const;
  // Numbers go on in each direction: the first transport message is the responder's, as the fourth message of a handshake would be.
  for (let index = 3; index < 6; index++) {
    const payload = secret(`payload ${index}`, 10 + index);
    const ciphertext = ends[index % 2]!.sending.encrypt(new Uint8Array(), payload);
    messages.push({ payload: hex(payload), ciphertext: hex(ciphertext) });
  }
  const texts = Object.fromEntries(Object.entries(secrets).map(([name, value]) => [name, hex(value)]));
  return { protocol_name, ...texts, handshake_hash: hex(ends[0].hash), messages };
}

/** The protocols of the file. */
export const HYBRID_NAMES = ['ChaChaPoly', 'AESGCM'].flatMap((cipher) =>
  ['SHA256', 'BLAKE2s'].map((hash) => `Noise_XXhfs_25519+MLKEM768_${cipher}_${hash}`),
);
