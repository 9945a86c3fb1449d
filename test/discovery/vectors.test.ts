import { describe, expect, test } from '@jest/globals';
import { Identity, type Version } from '@private.me/xlink';
import { AgentSource } from '../../src/client/caller.js';
import { KnownServices } from '../../src/client/known-services.js';
import { ServiceCache } from '../../src/client/service-cache.js';
import { checkDocument } from '../../src/discovery/check-document.js';
import type { DiscoveryDocument, SignedDiscoveryDocument } from '../../src/discovery/document.js';
import { documentTranscript, signDocument, verifyDocument } from '../../src/discovery/signed-document.js';
import { load, outcome, providers, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';

interface Rules {
  readonly name: string;
  readonly origin?: string;
  readonly pinnedDid?: string;
  readonly now?: number;
}
interface Good extends Rules {
  readonly seed: Hex;
  readonly version: Version;
  readonly randomness?: { mlDsaRandom: Hex };
  readonly transcript: Hex;
  readonly document: Omit<SignedDiscoveryDocument, 'endpoints'> & Partial<DiscoveryDocument>;
}

const file = load<{
  now: number;
  origin: string;
  good: Good[];
  bad: (Rules & { document: unknown; error: string })[];
  sequences: { name: string; steps: { now?: number; document: SignedDiscoveryDocument; error?: string }[] }[];
}>('discovery.json');

const check = (document: unknown, { origin = file.origin, now = file.now, pinnedDid }: Rules) =>
  checkDocument(document, { origin, now, pinnedDid });

describe('discovery.json', () => {
  test('has good and bad documents and sequences, with different names', () => {
    expect(file.good.length).toBeGreaterThanOrEqual(23);
    expect(file.bad.length).toBeGreaterThanOrEqual(130);
    expect(file.sequences.length).toBeGreaterThanOrEqual(20);
    const names = [...file.good, ...file.bad, ...file.sequences].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('good documents are made again from the seeds', async () => {
    const { crypto, queue } = scripted();
    for (const { name, seed, version, randomness, transcript, document } of file.good) {
      const identity = await Identity.fromSeed(hex(seed), { maxVersion: version, crypto });
      if (randomness) queue.push(hex(randomness.mlDsaRandom));
      const { signature: _, pqSignature: __, ...content } = document;
      const whole = { endpoints: {}, ...content } as DiscoveryDocument;
      expect([name, toHex(await documentTranscript(whole, crypto))]).toEqual([name, transcript]);
      expect([name, await signDocument(whole, identity, crypto)]).toEqual([
        name,
        { endpoints: {}, ...document },
      ]);
      expect(queue).toEqual([]);
    }
  });

  test('good documents are accepted', async () => {
    for (const { document, ...rules } of file.good)
      expect([rules.name, await outcome(() => check(document, rules))]).toEqual([rules.name, 'ok']);
  });

  test.each(providers)('good documents verify, %s', async (_, crypto) => {
    for (const { document } of file.good) await verifyDocument({ endpoints: {}, ...document }, crypto);
  });

  test('bad documents are refused', async () => {
    const wrong: string[] = [];
    for (const { document, error, ...rules } of file.bad) {
      const id = await outcome(() => check(document, rules));
      if (id !== error) wrong.push(`${rules.name}: ${id} instead of ${error}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each(file.sequences)('a client with a memory, at one origin: $name', async ({ steps }) => {
    let [served, now]: [unknown, number] = [undefined, file.now];
    const options = { fetch: async () => Response.json(served), clock: () => now };
    const cache = new ServiceCache(options, new AgentSource(options), new KnownServices(undefined));
    for (const [at, step] of steps.entries()) {
      [served, now] = [step.document, step.now ?? file.now];
      const id = await outcome(() => cache.of(file.origin));
      expect([at, id]).toEqual([at, step.error ?? 'ok']);
      cache.forget(file.origin);
    }
  });
});
