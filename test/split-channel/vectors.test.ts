import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { draftGroupTranscript, sealEnvelope, signXchangeEnvelope } from '../../src/envelope/seal.js';
import { sealXchange } from '../../src/envelope/xchange.js';
import { err } from '../../src/errors/result.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import { decodeBundle, encodeBundle } from '../../src/split-channel/bundle.js';
import { splitForChannel } from '../../src/split-channel/split.js';
import type { TrustRegistry } from '../../src/types/ports.js';
import type { AgentMessage, RegistryEntry, Version } from '../../src/types/protocol.js';

type Hex = string;

interface Settings {
  readonly xchange?: boolean;
  readonly request?: string;
  readonly minVersion?: Version;
}
interface Case {
  readonly name: string;
  readonly envelopes: readonly string[];
  readonly results: readonly string[];
  readonly settings?: Settings;
  readonly message?: AgentMessage;
}
interface GoodCase extends Case {
  readonly message: AgentMessage;
  readonly senderSeed: Hex;
  readonly version: Version;
  readonly xchange: boolean;
  readonly content: Hex;
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
interface ShareFile {
  readonly now: number;
  readonly receiver: {
    seed: Hex;
    maxVersion: Version;
    minVersion: Version;
    timestampWindowMs: number;
    receiveScopes: readonly string[];
  };
  readonly registry: readonly RegistryEntry[];
  readonly good: readonly GoodCase[];
  readonly bad: readonly Case[];
}

const file = JSON.parse(
  readFileSync(new URL('../vectors/shares.json', import.meta.url), 'utf8'),
) as ShareFile;
const hex = (text: Hex): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): Hex => Buffer.from(bytes).toString('hex');

const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', native()],
  ['portable', createPortableProvider()],
  ['portable, noble alone', createPortableProvider({ subtle: false })],
];

const registry: TrustRegistry = {
  lookup: (did) => file.registry.find((entry) => entry.did === did),
  register: () => err(new Error('not here') as never),
  updateKeys: () => err(new Error('not here') as never),
};

/** What one receiver answers to the envelopes of a case, and the message that it got. */
async function play(crypto: CryptoProvider, identity: Identity, { envelopes, settings = {} }: Case) {
  const { minVersion, timestampWindowMs, receiveScopes } = { ...file.receiver, ...settings };
  const clock = () => file.now;
  const agent = new Agent({
    ...{ identity, registry, clock, crypto, minVersion, timestampWindowMs, receiveScopes },
    nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
    xchange: minVersion < 3 && (settings.xchange ?? true),
    onWarning: () => undefined,
  });
  const results: string[] = [];
  let message: AgentMessage | undefined;
  for (const envelope of envelopes) {
    const { request } = settings;
    const received = await agent.receive(envelope, request === undefined ? {} : { request });
    results.push(received.ok ? 'message' : received.error.id);
    if (received.ok) message = received.value;
  }
  return { results, message };
}

test('holds at least 19 good and 50 bad cases, with different names', () => {
  expect(file.good.length).toBeGreaterThanOrEqual(19);
  expect(file.bad.length).toBeGreaterThanOrEqual(50);
  const names = [...file.good, ...file.bad].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(providers)('%s', (_, crypto) => {
  const { seed, maxVersion } = file.receiver;
  const receiver = Identity.fromSeed(hex(seed), { maxVersion, crypto });

  test('good messages come through once, whatever the order', async () => {
    for (const one of file.good) {
      const { results, message } = await play(crypto, await receiver, one);
      expect([one.name, ...results]).toEqual([one.name, ...one.results]);
      expect(message).toEqual(one.message);
    }
  });

  test('bad ones do not, each with its errors', async () => {
    const wrong: string[] = [];
    for (const one of file.bad) {
      const { results } = await play(crypto, await receiver, one);
      if (String(results) !== String(one.results))
        wrong.push(`${one.name}: ${results.join(', ')} instead of ${one.results.join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

test('the same randomness makes the same envelopes', async () => {
  const reproducible = file.good.filter(({ randomness }) => randomness);
  expect(reproducible.length).toBeGreaterThan(10);
  const queue: Uint8Array[] = [];
  const crypto = createPortableProvider({ subtle: false, randomBytes: () => queue.shift()! });
  const to = await Identity.fromSeed(hex(file.receiver.seed), { maxVersion: 3, crypto });
  const recipient = {
    x25519: await crypto.x25519.publicKey(to.x25519.publicKey),
    mlKem768: {
      bytes: to.mlKem768!.publicKey,
      encapsulator: (await crypto.mlKem768.encapsulator(to.mlKem768!.publicKey))!,
    },
  };
  for (const one of reproducible) {
    const { name, version, xchange, content, totalShares, threshold, routes, randomness, steps, made } = one;
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
      const { fields, bytes } = parseEnvelope(made![at]!);
      const { timestamp, scope, request, contentType, inReplyTo } = fields;
      const { nonce, ephemeralSecret, kemCoins, mlDsaRandom } = envelopes[at]!;
      const draft = {
        ...{ version, to: to.did, timestamp, nonce: hex(nonce), scope, request },
        ...{ contentDigest: bytes.contentDigest, contentType, inReplyTo },
      };
      queue.push(...[ephemeralSecret, kemCoins, mlDsaRandom].filter((each) => each !== undefined).map(hex));
      const group = draftGroupTranscript(identity, draft, hex(groupId));
      const ciphertext = xchange
        ? await sealXchange(crypto, shared, group, identity.did, hex(content))
        : undefined;
      if (ciphertext)
        expect([toHex(group), toHex(ciphertext)]).toEqual([steps!.groupTranscript, steps!.ciphertext]);
      const envelope = ciphertext
        ? await signXchangeEnvelope(identity, draft, Buffer.concat([bundle, ciphertext]))
        : await sealEnvelope(identity, recipient, draft, bundle, undefined, 'shares');
      expect([name, JSON.stringify(envelope)]).toEqual([name, made![at]]);
      expect(queue).toEqual([]);
    }
  }
});
