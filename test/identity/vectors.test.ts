import { describe, expect, test } from '@jest/globals';
import { BaseAgent as Agent } from '../../src/agent/agent.js';
import { Peers } from '../../src/agent/peers.js';
import { recordVersion } from '../../src/envelope/negotiate.js';
import { xlinkError } from '../../src/errors/errors.js';
import { err } from '../../src/errors/result.js';
import { decodeDidKey, encodeDidKey } from '../../src/identity/did.js';
import { Identity } from '../../src/identity/identity.js';
import { assertKeyRecord, createKeyRecord, recordTranscript } from '../../src/identity/key-record.js';
import { decodePkcs8, encodePkcs8 } from '../../src/identity/pkcs8.js';
import type { TrustRegistry } from '../../src/types/ports.js';
import type { KeyRecord, RegistryEntry, Version } from '../../src/types/protocol.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { load, outcome, providers, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';

describe('identity.json', () => {
  const file = load<{
    identities: Record<
      | 'seed'
      | 'ed25519'
      | 'did'
      | 'pkcs8'
      | 'x25519Secret'
      | 'x25519'
      | 'mlKem768Seed'
      | 'mlKem768'
      | 'mlDsa65Seed'
      | 'mlDsa65',
      Hex
    >[];
    infos: Record<'x25519' | 'mlKem768' | 'mlDsa65', string>;
    badDids: { name: string; did: string; key?: Hex; error: string }[];
    badPkcs8: { name: string; pkcs8: Hex; error: string }[];
    signatures: { name: string; publicKey: Hex; message: Hex; signature: Hex; valid: boolean }[];
  }>('identity.json');

  test.each(providers)('seeds give these keys and DIDs, %s', async (_, crypto) => {
    expect(file.identities.length).toBeGreaterThanOrEqual(5);
    for (const one of file.identities) {
      const seed = hex(one.seed);
      const identity = await Identity.fromSeed(seed, { maxVersion: 3, crypto });
      const derive = async (name: keyof typeof file.infos, length: number) =>
        toHex(await crypto.hkdf(seed, encodeUtf8(file.infos[name]), length));
      expect({
        seed: toHex(decodePkcs8(hex(one.pkcs8))),
        ed25519: toHex(decodeDidKey(one.did)),
        did: identity.did,
        pkcs8: toHex(encodePkcs8(seed)),
        x25519Secret: await derive('x25519', 32),
        x25519: toHex(identity.x25519.publicKey),
        mlKem768Seed: await derive('mlKem768', 64),
        mlKem768: toHex(identity.mlKem768!.publicKey),
        mlDsa65Seed: await derive('mlDsa65', 32),
        mlDsa65: toHex(identity.mlDsa65!.publicKey),
      }).toEqual(one);
      expect(toHex(identity.publicKey)).toBe(one.ed25519);
    }
  });

  test('bad DIDs are refused', async () => {
    expect(file.badDids.length).toBeGreaterThanOrEqual(54);
    for (const { name, did, key, error } of file.badDids) {
      expect([name, await outcome(() => decodeDidKey(did))]).toEqual([name, error]);
      if (key) expect(encodeDidKey(hex(key))).toBe(did);
    }
  });

  test('bad PKCS#8 files are refused', async () => {
    expect(file.badPkcs8.length).toBeGreaterThanOrEqual(7);
    for (const { name, pkcs8, error } of file.badPkcs8)
      expect([name, await outcome(() => decodePkcs8(hex(pkcs8)))]).toEqual([name, error]);
  });

  test.each(providers)('Ed25519 signatures are judged alike, %s', async (_, crypto) => {
    expect(file.signatures.length).toBeGreaterThanOrEqual(12);
    for (const { name, publicKey, message, signature, valid } of file.signatures) {
      const verifier = await crypto.ed25519.verifier(hex(publicKey));
      expect([name, await verifier.verify(hex(message), hex(signature))]).toEqual([name, valid]);
    }
  });
});

interface GoodRecord {
  readonly name: string;
  readonly seed: Hex;
  /** Whose encryption keys they are. Absent: those of `seed`. */
  readonly encryptionSeed?: Hex;
  readonly version: Version;
  readonly randomness?: { mlDsaRandom: Hex };
  readonly transcript: Hex;
  readonly record: KeyRecord;
}

describe('key-record.json', () => {
  const file = load<{
    good: GoodRecord[];
    bad: { name: string; record: KeyRecord; error: string }[];
    sequences: {
      name: string;
      did: string;
      steps: { record?: KeyRecord | null; forget?: true; error?: string }[];
    }[];
    recipients: { name: string; record: KeyRecord; now: number; error?: string }[];
  }>('key-record.json');

  test('good records are made again from the seed', async () => {
    const { crypto, queue } = scripted();
    for (const { name, seed, encryptionSeed, version, randomness, transcript, record } of file.good) {
      const of = (text: Hex) => Identity.fromSeed(hex(text), { maxVersion: version, crypto });
      const identity = await of(seed);
      const { epoch, keyEpoch, notBefore, notAfter, next } = record;
      const { x25519, mlKem768 } = await of(encryptionSeed ?? seed);
      if (randomness) queue.push(hex(randomness.mlDsaRandom));
      const made = await createKeyRecord(identity, {
        epoch,
        encryption: { keyEpoch, notBefore, notAfter, x25519, mlKem768 },
        ...(next ? { next: decodeBase64url(next)! } : {}),
      });
      expect([name, made]).toEqual([name, record]);
      expect(toHex(recordTranscript(made))).toBe(transcript);
      expect(queue).toEqual([]);
    }
  });

  describe.each(providers)('%s', (_, crypto) => {
    test('good records are accepted', async () => {
      expect(file.good.length).toBeGreaterThanOrEqual(11);
      expect(new Set(file.good.map(({ name }) => name)).size).toBe(file.good.length);
      for (const { seed, version, transcript, record } of file.good) {
        await assertKeyRecord(record, crypto);
        expect(recordVersion(record)).toBe(version);
        const { publicKey } = await Identity.fromSeed(hex(seed), { crypto });
        const verifier = await crypto.ed25519.verifier(publicKey);
        expect(await verifier.verify(hex(transcript), decodeBase64url(record.signature)!)).toBe(true);
      }
    });

    test('bad records are refused', async () => {
      expect(file.bad.length).toBeGreaterThanOrEqual(100);
      const wrong: string[] = [];
      for (const { name, record, error } of file.bad) {
        const id = await outcome(() => assertKeyRecord(record, crypto));
        if (id !== error) wrong.push(`${name}: ${id} instead of ${error}`);
      }
      expect(wrong).toEqual([]);
    });

    test('records that follow each other', async () => {
      expect(file.sequences.length).toBeGreaterThanOrEqual(24);
      const wrong: string[] = [];
      for (const { name, did, steps } of file.sequences) {
        let keys: KeyRecord | null | undefined;
        const entry = (): RegistryEntry => ({ did, status: 'active', ...(keys ? { keys } : {}) });
        const peers = new Peers(registryOf(entry), crypto);
        for (const [index, step] of steps.entries()) {
          if (step.forget) peers.forget(did);
          keys = step.forget ? keys : step.record;
          const id = step.forget ? 'ok' : await outcome(() => peers.resolve(did, 'recipient'));
          if (id !== (step.error ?? 'ok')) wrong.push(`${name}, step ${index + 1}: ${id}`);
        }
      }
      expect(wrong).toEqual([]);
    });

    test('recipients to whom something can be sealed, and others', async () => {
      expect(file.recipients.length).toBeGreaterThanOrEqual(6);
      const identity = await Identity.fromSeed(hex(file.good[0]!.seed), { maxVersion: 3, crypto });
      for (const { name, record, now, error } of file.recipients) {
        const anyScope = { receiveScopes: ['*'] };
        const registry = registryOf((did) => ({ did, status: 'active', keys: record, ...anyScope }));
        const agent = new Agent({ identity, registry, crypto, clock: () => now });
        const id = await outcome(() => agent.createEnvelope({ to: record.did, payload: 1 }));
        expect([name, id]).toEqual([name, error ?? 'ok']);
      }
    });
  });
});

const registryOf = (lookup: TrustRegistry['lookup']): TrustRegistry => ({
  lookup,
  register: () => err(xlinkError('REGISTRATION_FAILED')),
  updateKeys: () => err(xlinkError('REGISTRATION_FAILED')),
});
