import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BaseAgent as Agent } from '../../src/agent/agent.js';
import { deriveMessageKey } from '../../src/crypto/key-schedule.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { SUITES } from '../../src/crypto/suites.js';
import { FIELD_NAMES } from '../../src/envelope/fields.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { sealEnvelope, signOnlyEnvelope } from '../../src/envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { ERROR_TABLE, type ErrorId } from '../../src/errors/table.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import type { AgentMessage } from '../../src/types/protocol.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { idOf } from '../support/results.js';
import { generate } from '../vectors/generate.mjs';
import {
  type Hex,
  hex,
  toHex as hexOf,
  player,
  type ReplayFile,
  type Settings,
  type Source,
} from '../vectors/replay.mjs';

import { providers } from './vectors-support.js';

// ---------------------------------------------------------------------------------------------- what is in the files

interface GoodCase extends Source {
  readonly name: string;
  readonly settings?: Settings;
  readonly envelope: string;
  readonly message: AgentMessage;
  readonly senderSeed?: Hex;
  readonly reproducible?: boolean;
  readonly randomness?: { nonce: Hex; ephemeralSecret?: Hex; kemCoins?: Hex; mlDsaRandom?: Hex };
  readonly content?: Hex;
  readonly steps?: Record<
    'label' | 'headerTranscript' | 'signatureTranscript' | 'signature' | (string & {}),
    Hex
  >;
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

const FOLDER = new URL('../vectors/', import.meta.url);
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T;
const toHex = (bytes: Uint8Array | undefined): Hex | undefined => bytes && hexOf(bytes);

const idsAndCodes = new Set(Object.keys(ERROR_TABLE).flatMap((id) => [id, id.split(':')[0]!]));

/** How many cases there have to be: a file that lost its cases must not pass. */
const ENVELOPE_FILES = [
  ['v1.json', 14, 260],
  ['v2.json', 14, 272],
  ['v3.json', 14, 287],
  ['signed-only.json', 42, 687],
] as const;

/** The intermediate values of encryption, from the recipient's side. */
async function sealedSteps(
  crypto: CryptoProvider,
  recipient: Identity,
  { suite, fields, bytes }: ReturnType<typeof parseEnvelope>,
  steps: Record<string, Hex>,
): Promise<Record<string, Hex | undefined>> {
  const x25519Secret = (await recipient.x25519.agree(await crypto.x25519.publicKey(bytes.ephemeralPub!)))!;
  const ciphertext = bytes.kemCiphertext;
  const kem = ciphertext && {
    secret: await recipient.mlKem768!.decapsulate(ciphertext),
    ciphertext,
    recipientKey: recipient.mlKem768!.publicKey,
  };
  const { key, iv } = await deriveMessageKey(crypto, suite, encodeUtf8(fields.from), encodeUtf8(fields.to), {
    x25519Secret,
    ephemeralPub: bytes.ephemeralPub!,
    recipientX25519: recipient.x25519.publicKey,
    ...(kem ? { kem } : {}),
  });
  const header = headerTranscript({ suite, fields, bytes });
  const okm = toHex(await crypto.hkdf(hex(steps['ikm']!), hex(steps['info']!), 44))!;
  return {
    x25519Secret: toHex(x25519Secret),
    kemSecret: toHex(kem?.secret),
    ikm: steps['ikm'],
    info: steps['info'],
    okm: okm === `${toHex(key)}${toHex(iv)}` ? okm : 'not what deriveMessageKey makes',
    key: toHex(key),
    iv: toHex(iv),
    plaintext: toHex(await crypto.aes256gcm.open(key, iv, header, bytes.payload!)),
  };
}

test('the files are what the generator makes, byte for byte', () => {
  const files = generate();
  expect(Object.keys(files).sort()).toEqual(
    readdirSync(FOLDER)
      .filter((name) => name.endsWith('.json'))
      .sort(),
  );
  for (const [name, text] of Object.entries(files)) {
    expect([name, readFileSync(new URL(name, FOLDER), 'utf8') === text]).toEqual([name, true]);
  }
});

describe('docs/PROTOCOL.md', () => {
  const page = readFileSync(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  /** The hex digits at the beginning of each line of the fence behind a text. */
  const hexBehind = (text: string): Hex => {
    const [, fence] = /```text\n([0-9a-f]{8} [\s\S]*?)```/.exec(page.slice(page.indexOf(text)))!;
    return fence!.replaceAll(/ {2,}.*$/gm, '').replaceAll(/\s/g, '');
  };

  test('quotes the transcripts of the first vector', () => {
    const { steps } = load<EnvelopeFile>('v1.json').good[0]!;
    expect(hexBehind('### 6.1')).toBe(steps!['headerTranscript']);
    expect(hexBehind('### 6.2')).toBe(steps!['signatureTranscript']);
  });

  test('names every member and suite there is, and no error that is not', () => {
    for (const name of FIELD_NAMES) expect(page).toContain(`| \`${name}\` |`);
    for (const { version, name } of SUITES) expect(page).toContain(`| ${version} | \`${name}\` |`);
    const ids = [...page.matchAll(/`([A-Z]+_[A-Z_]+(?::[A-Z_]+)?)`/g)].map(([, id]) => id!);
    expect(new Set(ids).size).toBeGreaterThan(40);
    for (const id of ids) expect([id, idsAndCodes.has(id)]).toEqual([id, true]);
  });

  test('gives each check on receipt the status of its error', () => {
    const rows = page.slice(page.indexOf('### 10.1'), page.indexOf('### 10.2')).split('\n');
    const seen = rows.flatMap((row) => {
      const status = Number(/\| (\d{3}) \|$/.exec(row)?.[1]);
      const ids = [...row.matchAll(/`([A-Z]+_[A-Z_]+(?::[A-Z_]+)?)`/g)].map(([, id]) => id as ErrorId);
      return status ? ids.map((id) => [id, status] as const) : [];
    });
    expect(seen.length).toBeGreaterThan(20);
    for (const [id, status] of seen) expect([id, ERROR_TABLE[id].status]).toEqual([id, status]);
  });
});

// ---------------------------------------------------------------------------------------------------------- envelopes

describe.each(ENVELOPE_FILES)('%s', (fileName, goodCount, badCount) => {
  const file = load<EnvelopeFile>(fileName);
  const withSteps = file.good.filter(({ steps }) => steps);

  test(`holds at least ${goodCount} good and ${badCount} bad envelopes, with different names`, () => {
    expect(file.good.length).toBeGreaterThanOrEqual(goodCount);
    expect(file.bad.length).toBeGreaterThanOrEqual(badCount);
    const names = [...file.good, ...file.bad].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  describe.each(providers)('%s', (_, crypto) => {
    const receiver = Identity.fromSeed(hex(file.receiver.seed), {
      maxVersion: file.receiver.maxVersion,
      crypto,
    });
    const playing = receiver.then((identity) =>
      player({ Agent, MemoryNonceStore }, file, identity, { crypto }),
    );

    test('good envelopes are accepted, with the message they carry', async () => {
      const play = await playing;
      for (const one of file.good) {
        const result = await play(one);
        expect([one.name, idOf(result)]).toEqual([one.name, 'ok']);
        expect(result.value).toEqual(one.message);
      }
    });

    test('bad envelopes are refused, each with its error', async () => {
      const play = await playing;
      const wrong: string[] = [];
      for (const one of file.bad) {
        const id = idOf(await play(one));
        if (id !== one.error) wrong.push(`${one.name}: ${id} instead of ${one.error}`);
      }
      expect(wrong).toEqual([]);
    });

    test('every step of a good envelope has the bytes of the vector', async () => {
      expect(withSteps.length).toBeGreaterThan(5);
      for (const { name, envelope, steps } of withSteps) {
        const parsed = parseEnvelope(envelope);
        const { suite, fields, bytes } = parsed;
        const header = headerTranscript(parsed);
        const found: Record<string, Hex | undefined> = {
          label: toHex(suite.label),
          headerTranscript: toHex(header),
          signatureTranscript: toHex(await signatureTranscript(crypto, parsed, header)),
          payload: toHex(bytes.payload),
          signature: toHex(bytes.signature),
        };
        if (suite.sealed) Object.assign(found, await sealedSteps(crypto, await receiver, parsed, steps!));
        const present = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
        expect({ name, ...present }).toEqual({ name, ...steps });
        expect(fields.to).toBe(file.receiver.did);
      }
    });
  });

  test('the same randomness makes the same envelope', async () => {
    const reproducible = withSteps.filter((one) => one.reproducible);
    expect(reproducible.length).toBeGreaterThan(5);
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
    for (const { name, envelope, senderSeed, randomness, content } of reproducible) {
      const { fields, bytes, suite } = parseEnvelope(envelope);
      const from = await Identity.fromSeed(hex(senderSeed!), { maxVersion: fields.version, crypto });
      const { nonce, ephemeralSecret, kemCoins, mlDsaRandom } = randomness!;
      const { version, timestamp, scope, request, contentType, inReplyTo } = fields;
      const draft = {
        ...{ version, to: to.did, timestamp, nonce: hex(nonce), scope, request },
        ...{ contentDigest: bytes.contentDigest, contentType, inReplyTo },
      };
      queue.push(...[ephemeralSecret, kemCoins, mlDsaRandom].filter((one) => one !== undefined).map(hex));
      const body = content === undefined ? undefined : hex(content);
      const made = suite.sealed
        ? await sealEnvelope(from, recipient, draft, body!)
        : await signOnlyEnvelope(from, draft, body);
      expect([name, JSON.stringify(made)]).toEqual([name, envelope]);
      expect(queue).toEqual([]);
    }
  });
});
