// Frozen vectors of the derivation, the same derived by Python from the README alone, and the statements of a registrar checked by it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Identity } from '@private.me/xlink';
import { seedInfo } from '../src/identity/seed-info.js';
import { EphemeralIdentity, requestToken } from '../src/index.js';
import { deriveSeed } from '../src/master/recombine.js';
import { afterTest, clockAt, describeWhere, NOON, registrarAt, seedOf } from './support.js';

interface Vector {
  readonly master: string;
  readonly verifier: string;
  readonly epoch: number;
  readonly device?: string;
  readonly seed: string;
  readonly did: string;
  readonly x25519: string;
  readonly mlKem768: string;
  readonly mlDsa65: string;
}

const HERE = join(process.cwd(), 'packages/xid/test');
const FILE = join(HERE, 'vectors.json');
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as readonly Vector[];
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Debian's Python sees Debian's packages; one in front of it in the PATH may not. */
const PYTHON = '/usr/bin/python3';
const hasPython = existsSync('/usr/lib/python3/dist-packages/cryptography');
const python = (input: unknown): unknown[] =>
  execFileSync(PYTHON, [join(HERE, 'derive.py')], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    stdio: 'pipe',
  })
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

/** Public keys are long: their SHA-256 stands for them. */
async function made({ master, verifier, epoch, device }: Vector): Promise<Omit<Vector, 'master'>> {
  const seed = deriveSeed(Buffer.from(master, 'hex'), seedInfo({ verifier, epoch, device }));
  const identity = await Identity.fromSeed(seed, { maxVersion: 3 });
  const hashOf = async (key: Uint8Array) => hex(await identity.crypto.sha256(key));
  return {
    verifier,
    epoch,
    ...(device === undefined ? {} : { device }),
    seed: hex(seed),
    did: identity.did,
    x25519: hex(identity.x25519.publicKey),
    mlKem768: await hashOf(identity.mlKem768!.publicKey),
    mlDsa65: await hashOf(identity.mlDsa65!.publicKey),
  };
}

describe('the vectors', () => {
  test.each(vectors.map((vector) => [vector.verifier, vector.epoch, vector] as const))(
    '%s in epoch %i',
    async (_, __, { master, ...vector }) => {
      expect(await made({ master, ...vector })).toEqual(vector);
    },
  );

  test('are what an EphemeralIdentity derives', async () => {
    const [vector] = vectors as [Vector];
    const masterSeed = new Uint8Array(Buffer.from(vector.master, 'hex'));
    const me = await EphemeralIdentity.create({ masterSeed, clock: clockAt() });
    afterTest(() => me.close());
    expect(await me.deriveForVerifier(vector.verifier, vector.epoch)).toBe(vector.did);
  });
});

describeWhere(hasPython, 'python3-cryptography', 'a second derivation, in Python', () => {
  test('gives the same', () => {
    expect(python(vectors)).toEqual(vectors.map(({ seed, did, x25519 }) => ({ seed, did, x25519 })));
  });

  test('checks what a registrar signs, and the token of a holder', async () => {
    const registrar = await registrarAt(clockAt());
    const { did } = await Identity.fromSeed(seedOf('ann'), { maxVersion: 1 });
    const audience = 'https://api.example';
    const certificate = await registrar.certify({ did, audience, class: 'members' });
    const issuerKey = await registrar.issuerKey('members');
    const sign = (blinded: Uint8Array) => registrar.blindSign('members', issuerKey.epoch, blinded, 'ann');
    const token = await requestToken({ did, audience, issuerKey, registrar: { did: registrar.did }, sign });
    expect(NOON).toBeGreaterThan(certificate.notBefore);
    const statements = [
      certificate,
      await registrar.revoke(certificate),
      issuerKey,
      { ...token, spki: issuerKey.spki },
    ];
    expect(python(statements.map((statement) => ({ statement })))).toEqual(
      statements.map(() => ({ signed: true })),
    );
    expect(() => python([{ statement: { ...certificate, epoch: certificate.epoch + 1 } }])).toThrow();
  });
});
