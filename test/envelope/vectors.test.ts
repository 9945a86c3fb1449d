import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Agent } from '@private.me/xlink';
import { Peers } from '../../src/agent/peers.js';
import { deriveMessageKey } from '../../src/crypto/key-schedule.js';
import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { SUITES } from '../../src/crypto/suites.js';
import { FIELD_NAMES, isRequest } from '../../src/envelope/fields.js';
import { recordVersion } from '../../src/envelope/negotiate.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { sealEnvelope, signOnlyEnvelope } from '../../src/envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { toXlinkError, xlinkError } from '../../src/errors/errors.js';
import { err, type Result } from '../../src/errors/result.js';
import { ERROR_TABLE, type ErrorId } from '../../src/errors/table.js';
import { checkRequestBinding, requestBinding } from '../../src/http/request-binding.js';
import { decodeDidKey, encodeDidKey } from '../../src/identity/did.js';
import { Identity } from '../../src/identity/identity.js';
import { assertKeyRecord, createKeyRecord } from '../../src/identity/key-record.js';
import { decodePkcs8, encodePkcs8 } from '../../src/identity/pkcs8.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import type { TrustRegistry } from '../../src/types/ports.js';
import type { AgentMessage, KeyRecord, RegistryEntry, Version } from '../../src/types/protocol.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { idOf } from '../support/results.js';
import { generate } from '../vectors/generate.mjs';

// ---------------------------------------------------------------------------------------------- what is in the files

type Hex = string;

/** An envelope: in full, or as a replacement of some characters in that of a good case. */
interface Source {
  readonly envelope?: string;
  readonly envelopeHex?: Hex;
  readonly of?: string;
  readonly at?: number;
  readonly cut?: number;
  readonly insert?: string;
}
interface Settings {
  readonly now?: number;
  readonly minVersion?: Version;
  readonly receiveScopes?: readonly string[];
  readonly sendScopes?: readonly string[];
  readonly maxEnvelopeBytes?: number;
  readonly allowCleartext?: boolean;
  readonly request?: string;
  readonly requireRequestBinding?: boolean;
  readonly revoked?: string;
  readonly before?: readonly (Source & { readonly now?: number; readonly error?: string })[];
}
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
interface EnvelopeFile {
  readonly now: number;
  readonly receiver: {
    seed: Hex;
    did: string;
    maxVersion: Version;
    minVersion: Version;
    timestampWindowMs: number;
    receiveScopes: readonly string[];
    allowCleartext: boolean;
  };
  readonly registry: readonly RegistryEntry[];
  readonly good: readonly GoodCase[];
  readonly bad: readonly BadCase[];
}

const FOLDER = new URL('../vectors/', import.meta.url);
const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T;
const hex = (text: Hex): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array | undefined): Hex | undefined => bytes && Buffer.from(bytes).toString('hex');

const idsAndCodes = new Set(Object.keys(ERROR_TABLE).flatMap((id) => [id, id.split(':')[0]!]));

const providers: readonly (readonly [string, CryptoProvider])[] = [
  ['native', native()],
  ['portable', createPortableProvider()],
  ['portable, noble alone', createPortableProvider({ subtle: false })],
];

/** How many cases there have to be: a file that lost its cases must not pass. */
const ENVELOPE_FILES = [
  ['v1.json', 14, 260],
  ['v2.json', 14, 272],
  ['v3.json', 14, 287],
  ['signed-only.json', 42, 687],
] as const;

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
  const goodByName = new Map(file.good.map((one) => [one.name, one]));
  const withSteps = file.good.filter(({ steps }) => steps);

  const inputOf = (source: Source): string | Uint8Array => {
    if (source.envelopeHex !== undefined) return hex(source.envelopeHex);
    if (source.envelope !== undefined) return source.envelope;
    const base = goodByName.get(source.of!)!.envelope;
    const { at = 0, cut = 0, insert = '' } = source;
    return base.slice(0, at) + insert + base.slice(at + cut);
  };

  /** Plays a case on a receiver of its own: what came before, then the envelope. */
  async function play(
    crypto: CryptoProvider,
    identity: Identity,
    { settings = {}, ...source }: Source & { readonly settings?: Settings },
  ): Promise<Result<AgentMessage>> {
    let now = file.now;
    const revoked = new Set<string>();
    const clock = () => now;
    const { minVersion, timestampWindowMs, receiveScopes } = { ...file.receiver, ...settings };
    const agent = new Agent({
      identity,
      registry: registryOf((did) => {
        const entry = file.registry.find((one) => one.did === did);
        if (!entry) return undefined;
        const { sendScopes = entry.sendScopes } = settings;
        return {
          ...entry,
          ...(sendScopes ? { sendScopes } : {}),
          ...(revoked.has(did) ? { status: 'revoked' } : {}),
        };
      }),
      nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
      clock,
      crypto,
      minVersion,
      timestampWindowMs,
      receiveScopes,
      ...(settings.maxEnvelopeBytes ? { maxEnvelopeBytes: settings.maxEnvelopeBytes } : {}),
    });
    const options = {
      allowCleartext: settings.allowCleartext ?? file.receiver.allowCleartext,
      ...(settings.request === undefined ? {} : { request: settings.request }),
      ...(settings.requireRequestBinding === undefined
        ? {}
        : { requireRequestBinding: settings.requireRequestBinding }),
    };
    for (const step of settings.before ?? []) {
      now = step.now ?? file.now;
      const before = await agent.receive(inputOf(step), options);
      if (idOf(before) !== (step.error ?? 'ok'))
        return err(xlinkError('INTERNAL', { cause: `before: ${idOf(before)}` }));
    }
    now = settings.now ?? file.now;
    if (settings.revoked) revoked.add(settings.revoked);
    return agent.receive(inputOf(source), options);
  }

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

    test('good envelopes are accepted, with the message they carry', async () => {
      for (const one of file.good) {
        const result = await play(crypto, await receiver, one);
        expect([one.name, idOf(result)]).toEqual([one.name, 'ok']);
        expect(result.value).toEqual(one.message);
      }
    });

    test('bad envelopes are refused, each with its error', async () => {
      const wrong: string[] = [];
      for (const one of file.bad) {
        const id = idOf(await play(crypto, await receiver, one));
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
