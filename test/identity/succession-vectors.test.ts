import { describe, expect, test } from '@jest/globals';
import {
  assertSuccession,
  createKeyRecord,
  createSuccession,
  type Did,
  Identity,
  type KeyRecord,
  MemoryTrustRegistry,
  type Succession,
  type Version,
} from '@private.me/xlink';
import { type KnownDid, successionTranscript, verifyChain } from '../../src/identity/succession.js';
import { idOf, unwrap } from '../support/results.js';
import { load, outcome, providers, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';

interface Good {
  readonly name: string;
  readonly fromSeed: Hex;
  readonly fromVersion: Version;
  readonly toSeed: Hex;
  readonly toVersion: Version;
  readonly randomness?: { mlDsaRandom: Hex };
  readonly transcript: Hex;
  readonly succession: Succession;
}

type Step =
  | { readonly revoke: Did }
  | {
      readonly succession: Succession;
      readonly keys: KeyRecord;
      readonly at?: number;
      readonly error?: string;
    };

const file = load<{
  now: number;
  good: Good[];
  bad: { name: string; succession: unknown; error: string }[];
  chains: { name: string; chain: Succession[]; from: KnownDid; to: KeyRecord; error?: string }[];
  registry: { name: string; entries: KeyRecord[]; steps: Step[] }[];
}>('succession.json');

describe('succession.json', () => {
  test('good statements are made again from the seeds', async () => {
    const { crypto, queue } = scripted();
    for (const one of file.good) {
      const { name, fromSeed, fromVersion, toSeed, toVersion, randomness, transcript, succession } = one;
      const from = await Identity.fromSeed(hex(fromSeed), { maxVersion: fromVersion, crypto });
      const to = await Identity.fromSeed(hex(toSeed), { maxVersion: toVersion, crypto });
      const { issuedAt, overlapMs, next } = succession;
      const version3 = [fromVersion, toVersion].filter((version) => version === 3);
      const record = await createKeyRecord(await Identity.fromSeed(hex(toSeed), { maxVersion: 1, crypto }));
      for (const _ of version3) queue.push(hex(randomness!.mlDsaRandom));
      const keys = next === undefined ? record : { ...record, next };
      const made = await createSuccession(from, to, { clock: () => issuedAt, overlapMs, keys });
      expect([name, made]).toEqual([name, succession]);
      expect(toHex(successionTranscript(made))).toBe(transcript);
      expect(queue).toEqual([]);
    }
  });

  describe.each(providers)('%s', (_, crypto) => {
    test('good statements are accepted', async () => {
      expect(file.good.length).toBeGreaterThanOrEqual(8);
      for (const { succession } of file.good) await assertSuccession(succession, crypto);
    });

    test('bad statements are refused', async () => {
      expect(file.bad.length).toBeGreaterThanOrEqual(90);
      const wrong: string[] = [];
      for (const { name, succession, error } of file.bad) {
        const id = await outcome(() => assertSuccession(succession, crypto));
        if (id !== error) wrong.push(`${name}: ${id} instead of ${error}`);
      }
      expect(wrong).toEqual([]);
    });

    test('chains are followed where they lead', async () => {
      expect(file.chains.length).toBeGreaterThanOrEqual(18);
      for (const { name, chain, from, to, error } of file.chains) {
        const id = await outcome(() => verifyChain(chain, from, to, crypto));
        expect([name, id]).toEqual([name, error ?? 'ok']);
      }
    });

    test('a registry answers one statement after the other', async () => {
      expect(file.registry.length).toBeGreaterThanOrEqual(19);
      for (const { name, entries, steps } of file.registry) {
        let now = file.now;
        const registry = new MemoryTrustRegistry({ crypto, clock: () => now });
        for (const keys of entries) unwrap(await registry.register({ did: keys.did, keys }));
        for (const [at, step] of steps.entries()) {
          if ('revoke' in step) {
            unwrap(await registry.revoke(step.revoke));
            continue;
          }
          now = step.at ?? file.now;
          const id = idOf(await registry.succeed(step.succession, step.keys));
          expect([name, at, id]).toEqual([name, at, step.error ?? 'ok']);
        }
      }
    });
  });
});
