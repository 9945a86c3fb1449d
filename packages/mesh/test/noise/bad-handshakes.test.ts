import { describe, expect, test } from '@jest/globals';
import { createKeyRecord } from '@private.me/xlink';
import { keyPairOf, newKeyPair } from '../../src/noise/dh.js';
import { Handshake } from '../../src/noise/handshake.js';
import { identityPayload, readClaim, verifyClaim } from '../../src/noise/identity-payload.js';
import { suiteOf } from '../../src/noise/suite.js';
import { assertTrusted } from '../../src/noise/trust.js';
import { bytes, failureOf, identityOf, idOfFailure, registryOf, seedOf } from '../support.js';
import { flipped } from './proxies.js';

const NAMES = ['Noise_XX_25519_ChaChaPoly_SHA256', 'Noise_XXhfs_25519+MLKEM768_ChaChaPoly_SHA256'];
const PAYLOADS = [new Uint8Array(), bytes('identity of the responder'), bytes('identity of the initiator')];

function sides(name: string) {
  const side = (isInitiator: boolean) =>
    new Handshake({ suite: suiteOf(name), isInitiator, staticKey: keyPairOf(seedOf(String(isInitiator))) });
  return [side(true), side(false)] as const;
}

/** Plays a handshake in which one message is changed on its way; the index of the message at which somebody sees it. */
function seenAt(name: string, at: number, change: (message: Uint8Array) => Uint8Array): number {
  const pair = sides(name);
  for (let index = 0; index < 3; index++) {
    const [writer, reader] = [pair[index % 2]!, pair[(index + 1) % 2]!];
    try {
      const message = writer.write(PAYLOADS[index]);
      reader.read(index === at ? change(message) : message);
    } catch (error) {
      expect((error as { code: string }).code).toMatch('NOISE_HANDSHAKE_FAILED');
      expect(() => reader.split()).toThrow();
      expect(() => reader.read(new Uint8Array(200))).toThrow();
      return index;
    }
  }
  return 3;
}

describe.each(NAMES)('%s', (name) => {
  const lengths = () => {
    const pair = sides(name);
    return PAYLOADS.map((payload, index) => {
      const message = pair[index % 2]!.write(payload);
      pair[(index + 1) % 2]!.read(message);
      return message.length;
    });
  };
  const step = name.includes('hfs') ? 37 : 1;

  test('no byte of a message can be changed: it is seen at that message, in the first one at the next', () => {
    for (const [at, length] of lengths().entries())
      for (let place = 0; place < length; place += step)
        // The highest bit of an X25519 key does not count (RFC 7748), but it is hashed.
        expect([at, place, seenAt(name, at, (message) => flipped(message, place))]).toEqual([
          at,
          place,
          Math.max(1, at),
        ]);
  });

  test('no message can be cut or made longer', () => {
    for (const [at, length] of lengths().entries()) {
      for (let end = 0; end < length; end += 7 * step)
        expect(seenAt(name, at, (message) => message.subarray(0, end))).toBe(at);
      expect(seenAt(name, at, (message) => Buffer.concat([message, Buffer.from([0])]))).toBe(Math.max(1, at));
    }
  });

  test('messages cannot be played again or in another order', () => {
    const [alice, bob] = sides(name);
    const first = alice.write();
    bob.read(first);
    expect(() => bob.read(first)).toThrow();
    const [carol, dave] = sides(name);
    dave.read(carol.write());
    const second = dave.write();
    expect(() => alice.read(second)).toThrow();
    const [erin] = sides(name);
    expect(() => erin.read(second)).toThrow();
    expect(() => erin.split()).toThrow();
  });

  test('a first message with a key of small order is refused', () => {
    const [, bob] = sides(name);
    const message = Buffer.alloc(lengths()[0]!);
    expect(() => {
      bob.read(message);
      bob.write();
    }).toThrow();
    expect(() => bob.split()).toThrow();
  });
});

describe('what an identity says of itself', () => {
  const hash = seedOf('hash');
  const key = newKeyPair().publicKey;

  test('it is good for its own static key in its own handshake alone', async () => {
    const [alice, bob] = await Promise.all([
      identityOf('alice'),
      identityOf('bob', { postQuantumSig: true }),
    ]);
    for (const [identity, withPostQuantum] of [
      [alice, false],
      [bob, true],
    ] as const) {
      const record = await createKeyRecord(identity);
      const claim = readClaim(await identityPayload(identity, record, key, hash, withPostQuantum));
      await verifyClaim(alice, claim, key, hash, true);
      const id = (...args: Parameters<typeof verifyClaim>) => idOfFailure(() => verifyClaim(...args));
      expect(await id(alice, claim, newKeyPair().publicKey, hash, true)).toBe(
        'NOISE_IDENTITY_MISMATCH:SIGNATURE',
      );
      expect(await id(alice, claim, key, seedOf('other'), true)).toBe('NOISE_IDENTITY_MISMATCH:SIGNATURE');
      const other = { ...claim, did: (await identityOf('carol')).did };
      expect(await id(alice, other, key, hash, true)).toBe('NOISE_IDENTITY_MISMATCH:SIGNATURE');
      const borrowed = { ...claim, keyRecord: await createKeyRecord(await identityOf('carol')) };
      expect(await id(alice, borrowed, key, hash, true)).toBe('NOISE_IDENTITY_MISMATCH:KEYS');
      const changed = { ...claim, keyRecord: { ...record, epoch: record.epoch + 1 } };
      expect(await id(alice, changed, key, hash, true)).toBe('NOISE_IDENTITY_MISMATCH:KEYS');
    }
  });

  test('ML-DSA-65 is asked of those who have it, where the option asks, and a wrong one is refused in any case', async () => {
    const bob = await identityOf('bob', { postQuantumSig: true });
    const record = await createKeyRecord(bob);
    const claim = readClaim(await identityPayload(bob, record, key, hash, false));
    await verifyClaim(bob, claim, key, hash, false);
    expect((await failureOf(() => verifyClaim(bob, claim, key, hash, true))).field).toBe('pqSig');
    const wrong = { ...claim, pqSig: new Uint8Array(3309) };
    expect((await failureOf(() => verifyClaim(bob, wrong, key, hash, false))).field).toBe('pqSig');
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['nothing', 'null'],
    ['no signature', '{"did":"did:key:z6MkehRgf7yJbgaGfYsdoAsKdBPE3dj2CYhowQdcjqSJgvVd","keyRecord":{}}'],
    ['no DID', '{"did":"did:web:example.com","keyRecord":{},"sig":"AA"}'],
    ['another member', '{"did":"x","keyRecord":{},"sig":"AA","admin":true}'],
    ['too much', JSON.stringify({ did: 'x'.repeat(40_000) })],
  ])('%s', async (_, text) => {
    expect(await idOfFailure(() => readClaim(bytes(text)))).toBe('NOISE_HANDSHAKE_FAILED:MALFORMED');
  });

  test('what is no UTF-8', async () => {
    expect(await idOfFailure(() => readClaim(Uint8Array.of(0xff, 0xfe)))).toBe(
      'NOISE_HANDSHAKE_FAILED:MALFORMED',
    );
  });
});

describe('what the trust registry is asked', () => {
  test('it must know the DID, as active, with these very keys', async () => {
    const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
    const registry = await registryOf(alice);
    const record = await createKeyRecord(alice);
    const id = (did: string, keys = record) =>
      idOfFailure(() => assertTrusted(registry, did, keys, Date.now()));
    await assertTrusted(registry, alice.did, { ...record, epoch: 1 }, Date.now());
    expect(await id(bob.did)).toBe('NOISE_IDENTITY_MISMATCH:UNKNOWN');
    expect(await id(alice.did, await createKeyRecord(bob))).toBe('NOISE_IDENTITY_MISMATCH:KEYS');
    const down = { lookup: () => Promise.reject(new Error('down')) };
    expect(await idOfFailure(() => assertTrusted(down, alice.did, record, 0))).toBe(
      'NOISE_IDENTITY_MISMATCH:REGISTRY',
    );
    await registry.revoke(alice.did);
    expect(await id(alice.did)).toBe('NOISE_IDENTITY_MISMATCH:REVOKED');
  });

  test('a DID that was succeeded is good until the overlap is over', async () => {
    const alice = await identityOf('alice');
    const keys = await createKeyRecord(alice);
    const succeededBy = { issuedAt: 1_000, overlapMs: 500 } as never;
    const registry = { lookup: () => ({ did: alice.did, keys, status: 'active' as const, succeededBy }) };
    await assertTrusted(registry, alice.did, keys, 1_500);
    expect(await idOfFailure(() => assertTrusted(registry, alice.did, keys, 1_501))).toBe(
      'NOISE_IDENTITY_MISMATCH:REVOKED',
    );
  });
});
