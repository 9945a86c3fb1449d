import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { answerSealer, inEnvelope } from '../../src/adapters/sealed-answer.js';
import { openResponse } from '../../src/client/open-response.js';
import { deriveChunkKey, expandMessageKey } from '../../src/crypto/key-schedule.js';
import type { CryptoProvider } from '../../src/crypto/provider.js';
import { Chunks } from '../../src/envelope/chunks.js';
import { agreedWith } from '../../src/envelope/open.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { framePlaintext } from '../../src/envelope/plaintext.js';
import type { EnvelopeDraft } from '../../src/envelope/seal.js';
import { sealAnswer } from '../../src/envelope/seal-answer.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { isXlinkError, xlinkError } from '../../src/errors/errors.js';
import { ANSWER_TYPE } from '../../src/http/media-type.js';
import { Identity } from '../../src/identity/identity.js';
import { MemoryNonceStore } from '../../src/nonce/memory.js';
import { encryptionKeys, load, providers, recipientKeys, scripted } from '../vectors/load.js';
import { type Hex, hex, toHex } from '../vectors/replay.mjs';
import {
  type AnswerFile,
  type BadAnswer,
  contentOf,
  contentsOf,
  type GoodAnswer,
  goodOf,
  streamOf,
} from '../vectors/replay-answers.mjs';

const file = load<AnswerFile>('answers.json');

/** What a client hands over, and how it ends. */
interface Outcome {
  readonly status?: number;
  readonly headers?: readonly [string, string][];
  readonly body?: Buffer;
  readonly error?: string;
  readonly cause?: string;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const sha256 = (bytes: Uint8Array): Hex => createHash('sha256').update(bytes).digest('hex');

/** The bytes of a stream, in pieces that fit no frame. */
function inPieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + size));
      at = Math.min(at + size, bytes.length);
    },
  });
}

const identities = new Map<CryptoProvider, Promise<Identity>>();
function identityOf(crypto: CryptoProvider): Promise<Identity> {
  const { seed, maxVersion } = file.receiver;
  const known = identities.get(crypto) ?? Identity.fromSeed(hex(seed), { maxVersion, crypto });
  identities.set(crypto, known);
  return known;
}

/** Knows the service that is asked, and perhaps another one. */
async function client(crypto: CryptoProvider, { service, settings = {} }: GoodAnswer | BadAnswer) {
  const { timestampWindowMs } = file.receiver;
  const clock = () => file.now;
  const agent = new Agent({
    ...{ identity: await identityOf(crypto), clock, timestampWindowMs },
    registry: new MemoryTrustRegistry(),
    nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }),
    onWarning: () => {},
  });
  for (const record of file.services)
    if (record.did === service || record.did === settings.knows) await agent.adoptService(record);
  return agent;
}

function failure(error: unknown): Outcome {
  if (!isXlinkError(error)) throw error;
  return { error: error.id, ...(isXlinkError(error.cause) ? { cause: error.cause.id } : {}) };
}

async function get(
  agent: Agent,
  one: GoodAnswer | BadAnswer,
  bytes: Uint8Array,
  { size = 997, nonce = file.asked.nonce } = {},
): Promise<Outcome> {
  const answer = new Response(inPieces(bytes, size), { headers: { 'Content-Type': ANSWER_TYPE } });
  const asked = { binding: file.asked.request, nonce };
  const opening = { agent, service: { did: one.service }, maxBytes: one.settings?.maxBytes };
  try {
    const { response } = await openResponse(answer, asked as never, opening as never);
    return { status: response.status, headers: [...response.headers], ...(await read(response)) };
  } catch (error) {
    return failure(error);
  }
}

/** Reads to the end, or until it fails. */
async function read({ body }: Response): Promise<Outcome> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) parts.push(part);
  } catch (error) {
    return { body: Buffer.concat(parts), ...failure(error) };
  }
  return { body: Buffer.concat(parts) };
}

async function play(crypto: CryptoProvider, one: GoodAnswer | BadAnswer, bytes: Uint8Array, size?: number) {
  const agent = await client(crypto, one);
  const { before } = one.settings ?? {};
  if (before) {
    const good = goodOf(file, before.of);
    const earlier = streamOf(file, { frames: good.frames! }, before.count);
    await get(agent, { ...good, settings: {} }, earlier, {
      ...(before.inReplyTo ? { nonce: before.inReplyTo } : {}),
    });
  }
  return get(agent, one, bytes, size === undefined ? {} : { size });
}

/** The same answer, made with the same randomness. */
async function make(one: GoodAnswer): Promise<Uint8Array> {
  const { crypto, queue } = scripted();
  const caller = await identityOf(providers[1]![1]);
  const from = await Identity.fromSeed(hex(one.senderSeed), { maxVersion: one.version, crypto });
  const { nonce, ...random } = one.randomness;
  const draft: EnvelopeDraft = {
    ...{
      version: one.version,
      kind: 'answer' as const,
      to: caller.did,
      timestamp: one.timestamp,
      nonce: hex(nonce),
    },
    ...{ scope: one.scope, request: file.asked.request, inReplyTo: file.asked.nonce },
  };
  const keys = await recipientKeys(crypto, caller);
  queue.push(...Object.values(random).map(hex));
  const sealer = answerSealer(inEnvelope((start, isFinal) => sealAnswer(from, keys, draft, start, isFinal)));
  const type = one.contentType === '' ? [] : ([['Content-Type', one.contentType]] as const);
  const contents = contentsOf(one);
  const frames: Uint8Array[] = [];
  for (const [at, bytes] of contents.entries()) {
    const isFinal = at === contents.length - 1;
    const head = { status: one.status, headers: [...type, ...one.headers] };
    if (at === 0) frames.push(...(await sealer.begin(head, bytes, isFinal)).parts);
    else frames.push(...(await sealer.more(bytes, isFinal)));
  }
  expect(queue).toEqual([]);
  return Buffer.concat(frames);
}

const bytesOf = async (one: GoodAnswer) =>
  one.frames ? streamOf(file, { frames: one.frames }) : await make(one);

test('holds at least 41 good and 334 bad answers, with different names', () => {
  expect(file.good.length).toBeGreaterThanOrEqual(41);
  expect(file.bad.length).toBeGreaterThanOrEqual(334);
  const names = [...file.good, ...file.bad].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('the same randomness makes the same answer', async () => {
  for (const one of file.good) {
    if (one.frames?.some(({ spaces }) => spaces)) continue; // no sender writes that
    const made = await make(one);
    if (one.frames) expect([one.name, toHex(made)]).toEqual([one.name, toHex(await bytesOf(one))]);
    else expect([one.name, made.length, sha256(made)]).toEqual([one.name, one.length, one.sha256]);
  }
});

test('no beginning of an answer is taken for the whole', async () => {
  const [[, crypto]] = providers as [(typeof providers)[0]];
  for (const name of ['v1: in several chunks', 'v1: in two chunks, the final one empty', 'v1: empty: 204']) {
    const one = goodOf(file, name);
    const whole = await bytesOf(one);
    const head = 5 + Buffer.from(whole).readUInt32BE(1);
    for (let length = 0; length < whole.length; length += length < head - 2 ? 50 : 1) {
      const { error } = await play(crypto, one, whole.slice(0, length), whole.length);
      expect([name, length, error]).toEqual([name, length, 'ANSWER_INVALID:BROKEN_OFF']);
    }
  }
});

describe.each(providers)('%s', (_, crypto) => {
  test('good answers are opened: status, headers and body are what the service sealed', async () => {
    for (const one of file.good) {
      const headers = new Headers(one.headers as [string, string][]);
      if (one.contentType !== '') headers.set('content-type', one.contentType);
      headers.set('xlink-sealed', 'true');
      const hasBody = ![204, 205, 304].includes(one.status);
      const expected = {
        status: one.status,
        headers: [...headers],
        body: Buffer.from(contentOf(hasBody ? sum(one.contentLengths) : 0)),
      };
      const bytes = await bytesOf(one);
      expect([one.name, await play(crypto, one, bytes)]).toEqual([one.name, expected]);
      if (bytes.length > 20_000) continue;
      for (const size of [1, bytes.length])
        expect([one.name, await play(crypto, one, bytes, size)]).toEqual([one.name, expected]);
    }
  });

  test.each([1, 2, 3])(
    'bad answers of version %i are refused, each with its error and in time',
    async (version) => {
      const wrong: string[] = [];
      for (const one of file.bad.filter((bad) => bad.version === version)) {
        const { error, cause, body } = await play(crypto, one, streamOf(file, one));
        const found = JSON.stringify([error, cause, body?.length]);
        const expected = JSON.stringify([one.error, one.cause, one.handedOver]);
        if (found !== expected) wrong.push(`${one.name}: ${found} instead of ${expected}`);
        if (body && !body.equals(contentOf(body.length))) wrong.push(`${one.name}: other bytes`);
      }
      expect(wrong).toEqual([]);
    },
  );

  test('every step of a good answer has the bytes of the vector', async () => {
    const withSteps = file.good.filter(({ steps }) => steps);
    expect(withSteps.length).toBeGreaterThanOrEqual(9);
    for (const one of withSteps) {
      const steps = await stepsOf(crypto, one);
      expect({ name: one.name, ...steps }).toEqual({ name: one.name, ...one.steps });
    }
  });
});

async function stepsOf(crypto: CryptoProvider, one: GoodAnswer): Promise<Record<string, Hex>> {
  const receiver = await identityOf(crypto);
  const [head, ...rest] = one.frames!;
  const [payload, ...later] = rest.filter(({ type }) => type !== 4).map(({ bytes }) => hex(bytes!));
  const parsed = parseEnvelope(head!.text, undefined, payload);
  const { fields, label } = parsed;
  const header = headerTranscript(parsed);
  const ikm = await agreedWith(crypto, encryptionKeys(receiver), parsed);
  const { commitment } = await expandMessageKey(crypto, ikm, label, fields.from, fields.to);
  const headerDigest = await crypto.sha256(header);
  const chunks = await Chunks.of(crypto, parsed, ikm, header);
  const sealed = [payload!.subarray(32), ...later];
  for (const [at, chunk] of sealed.entries()) {
    const opened = await chunks.open(chunk, at === sealed.length - 1);
    if (!opened) throw xlinkError('DECRYPT_FAILED:DECRYPTION');
  }
  const end = chunks.end();
  const { contentType, headers, status } = one;
  const bytes = new Uint8Array(0);
  const found = {
    ...{ label, headerTranscript: header, ikm, commitment, headerDigest },
    chunkKey: await deriveChunkKey(crypto, ikm, label, headerDigest),
    frame: framePlaintext('answer', fields.from, { bytes, contentType, headers, status }),
    signatureTranscript: await signatureTranscript(crypto, parsed, header),
    ...(later.length > 0 ? { endLabel: end.label, endTranscript: end.transcript } : {}),
  };
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, toHex(value)]));
}
