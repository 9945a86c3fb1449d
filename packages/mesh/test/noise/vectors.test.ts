import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { keyPairOf } from '../../src/noise/dh.js';
import { Handshake } from '../../src/noise/handshake.js';
import { PATTERN_NAMES } from '../../src/noise/patterns.js';
import { suiteOf } from '../../src/noise/suite.js';
import { describeWithVectors } from './support.js';

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_static?: string;
  readonly resp_ephemeral?: string;
  readonly resp_remote_static?: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const file = fileURLToPath(
  new URL('../../../../../shared/vectors/noise/cacophony-25519.json', import.meta.url),
);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');

/** One side of a vector. */
function sideOf(vector: Vector, side: 'init' | 'resp'): Handshake {
  const key = (name: 'static' | 'ephemeral') => {
    const secret = vector[`${side}_${name}`];
    return secret === undefined ? undefined : keyPairOf(bytes(secret));
  };
  const [staticKey, ephemeral] = [key('static'), key('ephemeral')];
  const remote = vector[`${side}_remote_static`];
  return new Handshake({
    suite: suiteOf(vector.protocol_name),
    isInitiator: side === 'init',
    prologue: bytes(vector[`${side}_prologue`]),
    psks: (vector[`${side}_psks`] ?? []).map(bytes),
    ...(staticKey ? { staticKey } : {}),
    ...(remote ? { remoteStatic: bytes(remote) } : {}),
    ...(ephemeral ? { fixed: { ephemeral } } : {}),
  });
}

function play(vector: Vector): void {
  const sides = [sideOf(vector, 'init'), sideOf(vector, 'resp')] as const;
  const { messages, isOneWay } = suiteOf(vector.protocol_name).pattern;
  for (const [index, { payload, ciphertext }] of vector.messages.slice(0, messages.length).entries()) {
    const [writer, reader] = index % 2 === 0 ? sides : [sides[1], sides[0]];
    expect(hex(writer.write(bytes(payload)))).toBe(ciphertext);
    expect(hex(reader.read(bytes(ciphertext)).payload)).toBe(payload);
  }
  const [initiator, responder] = [sides[0].split(), sides[1].split()];
  expect(hex(initiator.hash)).toBe(vector.handshake_hash);
  expect(hex(responder.hash)).toBe(vector.handshake_hash);
  for (const [index, { payload, ciphertext }] of vector.messages.entries()) {
    if (index < messages.length) continue;
    const isFromInitiator = isOneWay || index % 2 === 0;
    const [writer, reader] = isFromInitiator ? [initiator, responder] : [responder, initiator];
    expect(hex(writer.sending.encrypt(new Uint8Array(), bytes(payload)))).toBe(ciphertext);
    expect(hex(reader.receiving.decrypt(new Uint8Array(), bytes(ciphertext)))).toBe(payload);
  }
}

describeWithVectors(file, 'published Noise vectors', () => {
  const vectors = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).vectors as Vector[]) : [];

  test(`all ${vectors.length} of cacophony pass`, () => {
    let passed = 0;
    for (const vector of vectors) {
      try {
        play(vector);
      } catch (cause) {
        throw new Error(vector.protocol_name, { cause });
      }
      passed++;
    }
    console.log(`Noise: ${passed} of ${vectors.length} published vectors passed`);
    expect(passed).toBe(236);
  });

  test('every pattern of the table is among them', () => {
    const seen = new Set(vectors.map(({ protocol_name }) => protocol_name.split('_')[1]));
    expect(PATTERN_NAMES.filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe('the names of protocols', () => {
  test.each([
    'Noise_ZZ_25519_ChaChaPoly_SHA256',
    'Noise_XX_448_ChaChaPoly_SHA256',
    'Noise_XX_25519_ChaChaPoly_SHA256_',
    'Noise_XXpsk4_25519_ChaChaPoly_SHA256',
    'Noise_XXfallback_25519_ChaChaPoly_SHA256',
    'Noise_XXhfs_25519_ChaChaPoly_SHA256',
    'Noise_XX_25519+MLKEM768_ChaChaPoly_SHA256',
    'Noise_Nhfs_25519+MLKEM768_ChaChaPoly_SHA256',
    'toString',
  ])('%s is refused', (name) => {
    expect(() => suiteOf(name)).toThrow('not known');
  });
});
