import { hkdfSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ristretto255_oprf } from '@noble/curves/ed25519.js';
import { Identity } from '@private.me/xlink';
import { Vault } from '../src/fusion/vault.js';
import { nobleArgon2, nodeArgon2, wasmArgon2 } from '../src/signals/argon2.js';
import { totp } from '../src/signals/totp.js';
import { platformCrypto } from '../src/util/sealing.js';
import { keyOf } from './fusion-support.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('published vectors', () => {
  test('one-time codes: RFC 6238, appendix B', () => {
    const secrets = { sha1: 20, sha256: 32, sha512: 64 } as const;
    const rows = [
      [59, '94287082', '46119246', '90693936'],
      [1111111109, '07081804', '68084774', '25091201'],
      [1111111111, '14050471', '67062674', '99943326'],
      [1234567890, '89005924', '91819424', '93441116'],
      [2000000000, '69279037', '90698825', '38618901'],
      [20000000000, '65353130', '77737706', '47863826'],
    ] as const;
    for (const [seconds, ...codes] of rows)
      for (const [at, hash] of (['sha1', 'sha256', 'sha512'] as const).entries()) {
        const secret = Buffer.from('1234567890'.repeat(7)).subarray(0, secrets[hash]);
        expect(totp(secret, seconds * 1000, { hash, digits: 8 })).toBe(codes[at]);
      }
  });

  test('argon2id: the vectors of the reference implementation, in every implementation that is here', async () => {
    const all = [nodeArgon2(), await wasmArgon2(), await nobleArgon2()].filter((one) => one !== undefined);
    expect(all.length).toBeGreaterThanOrEqual(2);
    const rows = [
      [256, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe', all],
      [65_536, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7', all.slice(0, 1)],
    ] as const;
    for (const [memoryKiB, expected, implementations] of rows)
      for (const argon2id of implementations) {
        const cost = { memoryKiB, passes: 2, parallelism: 1 };
        expect(hex(await argon2id(Buffer.from('password'), Buffer.from('somesalt'), cost))).toBe(expected);
      }
  });

  const file = fileURLToPath(new URL('../../../../shared/vectors/voprf/allVectors.json', import.meta.url));
  const isThere = existsSync(file);
  const published = isThere || process.env['CI'] ? test : test.skip;

  published('VOPRF with ristretto255-SHA512: RFC 9497, appendix A.1.2', () => {
    const suites = JSON.parse(readFileSync(file, 'utf8')) as {
      identifier: string;
      mode: number;
      seed: string;
      keyInfo: string;
      skSm: string;
      pkSm: string;
      vectors: Record<
        'Batch' | 'Input' | 'Blind' | 'BlindedElement' | 'EvaluationElement' | 'Output',
        string
      >[];
    }[];
    const suite = suites.find(({ identifier, mode }) => identifier === 'ristretto255-SHA512' && mode === 1)!;
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
    const { voprf } = ristretto255_oprf;
    const keys = voprf.deriveKeyPair(bytes(suite.seed), bytes(suite.keyInfo));
    expect([hex(keys.secretKey), hex(keys.publicKey)]).toEqual([suite.skSm, suite.pkSm]);
    let checked = 0;
    for (const vector of suite.vectors) {
      if (Number(vector.Batch) !== 1) continue;
      const [input, blind] = [bytes(vector.Input), bytes(vector.Blind)];
      const { evaluated, proof } = voprf.blindEvaluate(
        keys.secretKey,
        keys.publicKey,
        bytes(vector.BlindedElement),
      );
      expect(hex(evaluated)).toBe(vector.EvaluationElement);
      const output = voprf.finalize(
        input,
        blind,
        evaluated,
        bytes(vector.BlindedElement),
        keys.publicKey,
        proof,
      );
      expect(hex(output)).toBe(vector.Output);
      checked += 1;
    }
    expect(checked).toBe(2);
  });
});

describe('own vectors, derived a second time', () => {
  const hkdf = (secret: Uint8Array, info: Uint8Array) =>
    new Uint8Array(hkdfSync('sha256', secret, '', info, 32));
  const prefixed = (...parts: string[]) =>
    Buffer.concat(
      parts.flatMap((part) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(Buffer.byteLength(part));
        return [length, Buffer.from(part)];
      }),
    );

  test('the DIDs of a secret', async () => {
    const secret = keyOf('vector');
    const vault = await Vault.of(await platformCrypto(), secret.slice());
    const root = await Identity.fromSeed(hkdf(secret, Buffer.from('xlink/1 xfuse root')));
    expect(vault.fused.did).toBe(root.did);
    expect(vault.fused.did).toBe('did:key:z6Mkk5v3b1BCQkqYEiiPCPK4tUQkKQNFwVeH6BQVFrBCuidv');
    const session = await vault.session('https://api.example', 'nonce-1');
    const seed = hkdf(secret, prefixed('xlink/1 xfuse session', 'https://api.example', 'nonce-1'));
    expect(session.did).toBe((await Identity.fromSeed(seed)).did);
    expect(session.did).toBe('did:key:z6MkwDVS6hcdqujerETgn89viqFbLJgi3uDR1N2ox65AfTYQ');
  });
});
