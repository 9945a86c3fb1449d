import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { draftGroupTranscript, sealEnvelope, signXchangeEnvelope } from '../../src/envelope/seal.js';
import { sealXchange } from '../../src/envelope/xchange.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import { decodeBundle, encodeBundle } from '../../src/split-channel/bundle.js';
import { splitForChannel } from '../../src/split-channel/split.js';
import type { Version } from '../../src/types/protocol.js';
import { load, providers, recipientKeys, scripted } from '../vectors/load.js';
import {
  type Hex,
  hex,
  type ReplayFile,
  receivers,
  type Settings,
  toHex,
  type WrittenMessage,
} from '../vectors/replay.mjs';

interface Case {
  readonly name: string;
  readonly envelopes: readonly string[];
  readonly results: readonly string[];
  readonly settings?: Settings;
  readonly message?: WrittenMessage;
}
interface GoodCase extends Case {
  readonly message: WrittenMessage;
  readonly senderSeed: Hex;
  readonly version: Version;
  readonly xchange: boolean;
  readonly content: Hex;
  readonly contentType: string;
  readonly totalShares: number;
  readonly threshold: number;
  readonly routes: readonly string[];
  readonly made?: readonly string[];
  readonly randomness?: {
    readonly groupId: Hex;
    readonly tagKey: Hex;
    readonly pieces: readonly Hex[];
    readonly contentKey?: Hex;
    readonly envelopes: readonly {
      nonce: Hex;
      ephemeralSecret?: Hex;
      kemCoins?: Hex;
      mlDsaRandom?: Hex;
    }[];
  };
  readonly steps?: {
    readonly bundles: readonly Hex[];
    readonly groupTranscript?: Hex;
    readonly ciphertext?: Hex;
  };
}
interface ShareFile extends ReplayFile {
  readonly good: readonly GoodCase[];
  readonly bad: readonly Case[];
}

const file = load<ShareFile>('shares.json');

test('holds at least 27 good and 75 bad cases, with different names', () => {
  expect(file.good.length).toBeGreaterThanOrEqual(27);
  expect(file.bad.length).toBeGreaterThanOrEqual(75);
  const names = [...file.good, ...file.bad].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(providers)('%s', (_, crypto) => {
  const receiverFor = receivers({ Agent, Identity, MemoryNonceStore }, file, { crypto });

  /** What one receiver answers to the envelopes of a case, and the message that it got. */
  async function play({ envelopes, settings = {} }: Case) {
    const receiver = await receiverFor(settings);
    const results: string[] = [];
    let message: WrittenMessage | undefined;
    for (const envelope of envelopes) {
      const received = await receiver.receive(envelope, {});
      results.push(received.ok ? 'message' : received.error.id);
      if (received.ok) message = received.value;
    }
    return { results, message };
  }

  test('good messages come through once, whatever the order', async () => {
    for (const one of file.good) {
      const { results, message } = await play(one);
      expect([one.name, ...results]).toEqual([one.name, ...one.results]);
      expect(message).toEqual(one.message);
    }
  });

  test('bad ones do not, each with its errors', async () => {
    const wrong: string[] = [];
    for (const one of file.bad) {
      const { results } = await play(one);
      if (String(results) !== String(one.results))
        wrong.push(`${one.name}: ${results.join(', ')} instead of ${one.results.join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('the same randomness makes the same envelopes', async () => {
  const reproducible = file.good.filter(({ randomness }) => randomness);
  expect(reproducible.length).toBeGreaterThan(10);
  const { crypto, queue } = scripted();
  const to = await Identity.fromSeed(hex(file.receiver.seed), { maxVersion: 3, crypto });
  const recipient = await recipientKeys(crypto, to);
  for (const one of reproducible) {
    const { name, version, xchange, content, contentType, routes, randomness, steps, made } = one;
    const { totalShares, threshold } = one;
    const { groupId, tagKey, pieces, contentKey, envelopes } = randomness!;
    const identity = await Identity.fromSeed(hex(one.senderSeed), { maxVersion: version, crypto });
    queue.push(hex([groupId, tagKey, ...pieces].join('')));
    const shared = hex(contentKey ?? content);
    const shares = await splitForChannel(shared, { totalShares, threshold, crypto });
    expect(queue).toEqual([]);

    for (const [at, route] of routes.map((text) => text.split(',').map(Number)).entries()) {
      const bundle = encodeBundle(route.map((index) => shares[index]!));
      expect([name, toHex(bundle)]).toEqual([name, steps!.bundles[at]]);
      expect(decodeBundle(bundle).shares).toEqual(route.map((index) => shares[index]));
      const { kind, timestamp, scope, inReplyTo } = parseEnvelope(made![at]!).fields;
      const { nonce, ephemeralSecret, kemCoins, mlDsaRandom } = envelopes[at]!;
      const draft = { version, kind, to: to.did, timestamp, nonce: hex(nonce), scope, inReplyTo };
      queue.push(...[ephemeralSecret, kemCoins, mlDsaRandom].filter((each) => each !== undefined).map(hex));
      const transcript = draftGroupTranscript(identity, draft, hex(groupId));
      const group = { from: identity.did, to: to.did, transcript };
      const ciphertext = xchange
        ? await sealXchange(crypto, shared, group, { bytes: hex(content), contentType })
        : undefined;
      if (ciphertext)
        expect([toHex(transcript), toHex(ciphertext)]).toEqual([steps!.groupTranscript, steps!.ciphertext]);
      const envelope = ciphertext
        ? await signXchangeEnvelope(identity, draft, Buffer.concat([bundle, ciphertext]))
        : await sealEnvelope(identity, recipient, draft, { bytes: bundle, contentType }, undefined, 'shares');
      expect([name, JSON.stringify(envelope)]).toEqual([name, made![at]]);
      expect(queue).toEqual([]);
    }
  }
});
