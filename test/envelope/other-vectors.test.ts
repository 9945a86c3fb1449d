import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BaseAgent as Agent } from '../../src/agent/agent.js';
import { Peers } from '../../src/agent/peers.js';
import { isRequest } from '../../src/envelope/fields.js';
import { recordVersion } from '../../src/envelope/negotiate.js';
import { toXlinkError, xlinkError } from '../../src/errors/errors.js';
import { err } from '../../src/errors/result.js';
import { checkRequestBinding, requestBinding } from '../../src/http/request-binding.js';
import { decodeDidKey, encodeDidKey } from '../../src/identity/did.js';
import { Identity } from '../../src/identity/identity.js';
import { assertKeyRecord, createKeyRecord } from '../../src/identity/key-record.js';
import { decodePkcs8, encodePkcs8 } from '../../src/identity/pkcs8.js';
import type { TrustRegistry } from '../../src/types/ports.js';
import type { KeyRecord, RegistryEntry, Version } from '../../src/types/protocol.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { type Hex, hex, toHex as hexOf } from '../vectors/replay.mjs';

import { providers } from './vectors-support.js';

const FOLDER = new URL('../vectors/', import.meta.url);
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T;
const toHex = (bytes: Uint8Array | undefined): Hex | undefined => bytes && hexOf(bytes);

const registryOf = (lookup: TrustRegistry['lookup']): TrustRegistry => ({
  lookup,
  register: () => err(xlinkError('REGISTRATION_FAILED')),
  updateKeys: () => err(xlinkError('REGISTRATION_FAILED')),
});

/** `ok`, or the id of what a call throws. */
async function outcome(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'ok';
  } catch (error) {
    return toXlinkError(error).id;
  }
}

// ---------------------------------------------------------------------------------------------------------- identities

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

// --------------------------------------------------------------------------------------------------------- key records

describe('key-record.json', () => {
  const file = load<{
    good: { name: string; seed: Hex; version: Version; transcript: Hex; record: KeyRecord }[];
    bad: { name: string; record: KeyRecord; error: string }[];
    sequences: {
      name: string;
      did: string;
      steps: { record?: KeyRecord | null; forget?: true; error?: string }[];
    }[];
    unusable: { name: string; record: KeyRecord; now: number; error: string }[];
  }>('key-record.json');

  describe.each(providers)('%s', (_, crypto) => {
    test('good records are accepted, and made again from the seed', async () => {
      expect(file.good.length).toBeGreaterThanOrEqual(5);
      for (const { seed, version, transcript, record } of file.good) {
        await assertKeyRecord(record, crypto);
        expect(recordVersion(record)).toBe(version);
        const identity = await Identity.fromSeed(hex(seed), { maxVersion: version, crypto });
        expect(await createKeyRecord(identity, { epoch: record.epoch })).toEqual(record);
        const verifier = await crypto.ed25519.verifier(identity.publicKey);
        expect(await verifier.verify(hex(transcript), decodeBase64url(record.signature)!)).toBe(true);
      }
    });

    test('bad records are refused', async () => {
      expect(file.bad.length).toBeGreaterThanOrEqual(46);
      const wrong: string[] = [];
      for (const { name, record, error } of file.bad) {
        const id = await outcome(() => assertKeyRecord(record, crypto));
        if (id !== error) wrong.push(`${name}: ${id} instead of ${error}`);
      }
      expect(wrong).toEqual([]);
    });

    test('records that follow each other', async () => {
      expect(file.sequences.length).toBeGreaterThanOrEqual(10);
      const wrong: string[] = [];
      for (const { name, did, steps } of file.sequences) {
        let keys: KeyRecord | null | undefined;
        const entry = (): RegistryEntry => ({ did, status: 'active', ...(keys ? { keys } : {}) });
        const peers = new Peers(registryOf(entry), crypto);
        const errors = { unknown: 'INTERNAL', revoked: 'INTERNAL' } as const;
        for (const [index, step] of steps.entries()) {
          if (step.forget) peers.forget(did);
          keys = step.forget ? keys : step.record;
          const id = step.forget ? 'ok' : await outcome(() => peers.resolve(did, errors));
          if (id !== (step.error ?? 'ok')) wrong.push(`${name}, step ${index + 1}: ${id}`);
        }
      }
      expect(wrong).toEqual([]);
    });

    test('keys that cannot be used stop the sender', async () => {
      expect(file.unusable.length).toBeGreaterThanOrEqual(3);
      const identity = await Identity.fromSeed(hex(file.good[0]!.seed), { maxVersion: 3, crypto });
      for (const { name, record, now, error } of file.unusable) {
        const registry = registryOf((did) => ({ did, status: 'active', keys: record }));
        const agent = new Agent({ identity, registry, crypto, clock: () => now });
        const id = await outcome(() => agent.createEnvelope({ to: record.did, payload: 1 }));
        expect([name, id]).toEqual([name, error]);
      }
    });
  });
});

// ----------------------------------------------------------------------------------------------------- request binding

describe('request-binding.json', () => {
  const file = load<{
    canonical: { method: string; target: string; request: string }[];
    checks: { name: string; signed?: string; actual: string; required: boolean; error?: string }[];
  }>('request-binding.json');

  test('canonical texts', () => {
    expect(file.canonical.length).toBeGreaterThanOrEqual(15);
    for (const { method, target, request } of file.canonical) {
      expect(requestBinding(method, target)).toBe(request);
      expect([request, isRequest(request)]).toEqual([request, true]);
    }
  });

  test('comparison', async () => {
    expect(file.checks.length).toBeGreaterThanOrEqual(12);
    for (const { name, signed, actual, required, error } of file.checks) {
      const id = await outcome(() => checkRequestBinding(signed, actual, required));
      expect([name, id]).toEqual([name, error ?? 'ok']);
    }
  });
});
