import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { expandMessageKey } from '../../src/crypto/key-schedule.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { agreedWith, openCommitted } from '../../src/envelope/open.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import type { Header } from '../../src/envelope/plaintext.js';
import { sealEnvelope, signOnlyEnvelope } from '../../src/envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import { idOf } from '../support/results.js';
import { generate } from '../vectors/generate.mjs';
import { encryptionKeys, FOLDER, load, providers, recipientKeys, scripted } from '../vectors/load.js';
import {
  type Hex,
  hex,
  toHex as hexOf,
  inputOf,
  player,
  type ReplayFile,
  type Settings,
  type Source,
  type WrittenMessage,
} from '../vectors/replay.mjs';

interface GoodCase extends Source {
  readonly name: string;
  readonly settings?: Settings;
  readonly message: WrittenMessage;
  readonly senderSeed?: Hex;
  readonly reproducible?: boolean;
  readonly randomness?: { nonce: Hex; ephemeralSecret?: Hex; kemCoins?: Hex; mlDsaRandom?: Hex };
  readonly content?: Hex;
  readonly contentType?: string;
  readonly headers?: readonly Header[];
  readonly steps?: Record<string, Hex>;
}
interface BadCase extends Source {
  readonly name: string;
  readonly settings?: Settings;
  readonly error: string;
}
interface EnvelopeFile extends ReplayFile {
  readonly good: readonly GoodCase[];
  readonly bad: readonly BadCase[];
}

const toHex = (bytes: Uint8Array | undefined): Hex | undefined => bytes && hexOf(bytes);

/** How many cases there have to be: a file that lost its cases must not pass. */
const ENVELOPE_FILES = [
  ['v1.json', 52, 371],
  ['v2.json', 23, 325],
  ['v3.json', 18, 340],
  ['signed-only.json', 86, 1053],
] as const;

test('the files are what the generator makes, byte for byte', () => {
  const files = generate();
  expect(Object.keys(files).sort()).toEqual(
    readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json'))
      .sort(),
  );
  for (const [name, text] of Object.entries(files)) {
    expect([name, readFileSync(new URL(name, FOLDER), 'utf8') === text]).toEqual([name, true]);
  }
});

describe.each(ENVELOPE_FILES)('%s', (fileName, goodCount, badCount) => {
  const file = load<EnvelopeFile>(fileName);
  const { seed, maxVersion } = file.receiver;

  test(`holds at least ${goodCount} good and ${badCount} bad envelopes, with different names`, () => {
    expect(file.good.length).toBeGreaterThanOrEqual(goodCount);
    expect(file.bad.length).toBeGreaterThanOrEqual(badCount);
    const names = [...file.good, ...file.bad].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  describe.each(providers)('%s', (_, crypto) => {
    const play = player({ Agent, Identity, MemoryNonceStore }, file, { crypto });

    test('good envelopes are accepted, with the message they carry', async () => {
      for (const one of file.good) {
        const result = await play(one);
        expect([one.name, idOf(result)]).toEqual([one.name, 'ok']);
        expect([one.name, result.value]).toEqual([one.name, one.message]);
      }
    });

    test('bad envelopes are refused, each with its error', async () => {
      const wrong: string[] = [];
      for (const one of file.bad) {
        const id = idOf(await play(one));
        if (id !== one.error) wrong.push(`${one.name}: ${id} instead of ${one.error}`);
      }
      expect(wrong).toEqual([]);
    });

    test('every step of a good envelope has the bytes of the vector', async () => {
      const withSteps = file.good.filter(({ steps }) => steps);
      expect(withSteps.length).toBeGreaterThanOrEqual(4);
      const receiver = await Identity.fromSeed(hex(seed), { maxVersion, crypto });
      for (const { name, envelope, steps } of withSteps) {
        const parsed = parseEnvelope(envelope);
        const { suite, label, bytes } = parsed;
        const header = headerTranscript(parsed);
        const found: Record<string, Hex | undefined> = {
          label: toHex(label),
          headerTranscript: toHex(header),
          signatureTranscript: toHex(await signatureTranscript(crypto, parsed, header)),
          payload: toHex(bytes.payload),
          signature: toHex(bytes.signature),
        };
        if (suite.sealed) Object.assign(found, await sealedSteps(crypto, receiver, parsed, steps!));
        const present = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
        expect({ name, ...present }).toEqual({ name, ...steps });
      }
    });
  });

  test('the same randomness makes the same envelope', async () => {
    const reproducible = file.good.filter((one) => one.reproducible);
    expect(reproducible.length).toBeGreaterThan(10);
    const { crypto, queue } = scripted();
    const recipient = await recipientKeys(crypto, await Identity.fromSeed(hex(seed), { maxVersion, crypto }));
    for (const { name, envelope, senderSeed, randomness, ...one } of reproducible) {
      const { fields, bytes, suite } = parseEnvelope(envelope);
      const from = await Identity.fromSeed(hex(senderSeed!), { maxVersion: fields.version, crypto });
      const { nonce, ephemeralSecret, kemCoins, mlDsaRandom } = randomness!;
      const { version, kind, to, timestamp, scope, request, fields: names, contentType, inReplyTo } = fields;
      const { fieldsDigest, contentDigest } = bytes;
      const draft = {
        ...{ version, kind, to, timestamp, nonce: hex(nonce), scope, request, fields: names },
        ...{ fieldsDigest, contentDigest, contentType, inReplyTo },
      };
      queue.push(...[ephemeralSecret, kemCoins, mlDsaRandom].filter((each) => each !== undefined).map(hex));
      const body = one.content === undefined ? undefined : hex(one.content);
      const made = suite.sealed
        ? await sealEnvelope(from, recipient, draft, {
            ...{ bytes: body!, contentType: one.contentType!, headers: one.headers },
          })
        : await signOnlyEnvelope(from, draft, body);
      expect([name, JSON.stringify(made)]).toEqual([name, inputOf(file, { envelope: envelope! })]);
      expect(queue).toEqual([]);
    }
  });
});

/** The intermediate values of encryption, from the recipient's side. */
async function sealedSteps(
  crypto: CryptoProvider,
  recipient: Identity,
  parsed: ReturnType<typeof parseEnvelope>,
  steps: Record<string, Hex>,
): Promise<Record<string, Hex | undefined>> {
  const { label, fields, bytes } = parsed;
  const x25519Secret = (await recipient.x25519.agree(await crypto.x25519.publicKey(bytes.ephemeralPub!)))!;
  const kemSecret = bytes.kemCiphertext && (await recipient.mlKem768!.decapsulate(bytes.kemCiphertext));
  const ikm = await agreedWith(crypto, encryptionKeys(recipient), parsed);
  const messageKey = await expandMessageKey(crypto, ikm, label, fields.from, fields.to);
  const { key, commitment, iv } = messageKey;
  const okm = toHex(await crypto.hkdf(hex(steps['ikm']!), hex(steps['info']!), 76))!;
  const joined = [key, commitment, iv].map(toHex).join('');
  const plaintext = await openCommitted(crypto, messageKey, headerTranscript(parsed), bytes.payload!);
  return {
    x25519Secret: toHex(x25519Secret),
    kemSecret: toHex(kemSecret),
    ikm: toHex(ikm),
    info: steps['info'],
    okm: okm === joined ? okm : 'not what expandMessageKey makes',
    key: toHex(key),
    commitment: toHex(commitment),
    iv: toHex(iv),
    plaintext: toHex(plaintext),
  };
}
