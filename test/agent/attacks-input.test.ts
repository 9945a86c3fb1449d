import { describe, expect, test } from '@jest/globals';
import {
  type Envelope,
  type ErrorId,
  type Kind,
  MemoryNonceStore,
  type ReceiveInput,
  type Version,
} from '@private.me/xlink';
import type { ReceiveRules } from '../../src/agent/receive.js';
import { SUITES, suiteFor } from '../../src/crypto/suites.js';
import { FIELD_NAMES } from '../../src/envelope/fields.js';
import { KINDS, suiteHasKind } from '../../src/envelope/kinds.js';
import { DEFAULT_MAX_ENVELOPE_BYTES } from '../../src/envelope/parse.js';
import { signOnlyEnvelope } from '../../src/envelope/seal.js';
import { decodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { NOON } from '../support/clock.js';
import { altered, answered, sealed, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf } from '../support/results.js';
import { cast, fromAlice, KEYS } from './attacks-support.js';

describe('JSON', () => {
  const json = async () => JSON.stringify(await fromAlice());
  const refused: [string, (good: string) => string, ErrorId][] = [
    ['a member twice', (good) => `{"scope":"admin",${good.slice(1)}`, 'PARSE_FAILED:DUPLICATE_FIELD'],
    ['a member twice, alike', (good) => `{"version":3,${good.slice(1)}`, 'PARSE_FAILED:DUPLICATE_FIELD'],
    ['__proto__', (good) => `{"__proto__":"x",${good.slice(1)}`, 'PARSE_FAILED:UNKNOWN_FIELD'],
    [
      '__proto__ as an object',
      (good) => `{"__proto__":{"scope":"x"},${good.slice(1)}`,
      'PARSE_FAILED:SYNTAX',
    ],
    ['constructor', (good) => `{"constructor":"x",${good.slice(1)}`, 'PARSE_FAILED:UNKNOWN_FIELD'],
    ['toString', (good) => `{"toString":"x",${good.slice(1)}`, 'PARSE_FAILED:UNKNOWN_FIELD'],
    ['a nested object', (good) => good.replace(/"chat"/, '{"a":1}'), 'PARSE_FAILED:SYNTAX'],
    ['an array', (good) => good.replace(/"chat"/, '["chat"]'), 'PARSE_FAILED:SYNTAX'],
    ['deep nesting', () => '['.repeat(100_000), 'PARSE_FAILED:SYNTAX'],
    ['deep objects', () => '{"a":'.repeat(100_000), 'PARSE_FAILED:SYNTAX'],
    ['an escaped name', (good) => good.replace('"scope"', '"\\u0073cope"'), 'PARSE_FAILED:SYNTAX'],
    ['an escaped value', (good) => good.replace('"chat"', '"ch\\u0061t"'), 'PARSE_FAILED:SYNTAX'],
    ['a name with a null byte', (good) => good.replace('"scope"', '"scope\0"'), 'PARSE_FAILED:SYNTAX'],
    ['a name in another case', (good) => good.replace('"scope"', '"Scope"'), 'PARSE_FAILED:UNKNOWN_FIELD'],
    ['null', (good) => good.replace('"chat"', 'null'), 'PARSE_FAILED:SYNTAX'],
    ['a boolean', (good) => good.replace('"chat"', 'true'), 'PARSE_FAILED:SYNTAX'],
    ['a fraction', (good) => good.replace(`${NOON}`, `${NOON}.5`), 'PARSE_FAILED:SYNTAX'],
    ['a fraction of zero', (good) => good.replace('"version":3', '"version":3.0'), 'PARSE_FAILED:SYNTAX'],
    ['an exponent', (good) => good.replace(`${NOON}`, '17e11'), 'PARSE_FAILED:SYNTAX'],
    ['a negative number', (good) => good.replace(`${NOON}`, `-${NOON}`), 'PARSE_FAILED:SYNTAX'],
    ['a leading zero', (good) => good.replace(`${NOON}`, `0${NOON}`), 'PARSE_FAILED:SYNTAX'],
    ['an unsafe integer', (good) => good.replace(`${NOON}`, '9007199254740993'), 'PARSE_FAILED'],
    ['a huge integer', (good) => good.replace(`${NOON}`, '9'.repeat(400)), 'PARSE_FAILED:SYNTAX'],
    ['a number as text', (good) => good.replace('"version":3', '"version":"3"'), 'PARSE_FAILED'],
    ['a text as number', (good) => good.replace('"chat"', '7'), 'PARSE_FAILED'],
    ['a comment', (good) => `/**/${good}`, 'PARSE_FAILED:SYNTAX'],
    ['a trailing comma', (good) => good.replace(/}$/, ',}'), 'PARSE_FAILED:SYNTAX'],
    ['something after it', (good) => `${good}{}`, 'PARSE_FAILED:SYNTAX'],
    ['a byte-order mark', (good) => `\ufeff${good}`, 'PARSE_FAILED:SYNTAX'],
    ['nothing', () => '', 'PARSE_FAILED:SYNTAX'],
    ['an empty object', () => '{}', 'PARSE_FAILED:SYNTAX'],
    ['a non-breaking space', (good) => `\u00a0${good}`, 'PARSE_FAILED:SYNTAX'],
    ['characters beyond ASCII', (good) => good.replace('"chat"', '"chät"'), 'PARSE_FAILED:SYNTAX'],
    ['padding', (good) => good.replace(/("nonce":"[^"]+)"/, '$1=="'), 'PARSE_FAILED'],
    [
      'another alphabet',
      (good) => good.replace(/("nonce":").{22}/, '$1++++++++++++++++++++++'),
      'PARSE_FAILED',
    ],
  ];

  test.each(refused)('with %s is refused', async (_, change, id) => {
    const { bob } = await cast();
    const changed = change(await json());
    expect(idOf(await bob.receive(changed))).toBe(id);
    expect(idOf(await bob.receive(encodeUtf8(changed)))).toBe(id);
  });

  test('cut short anywhere is refused, and whole it is taken', async () => {
    const { bob } = await cast();
    const good = await json();
    const lengths = [...Array(400).keys(), ...Array.from({ length: 200 }, (_, i) => good.length - 1 - i)];
    for (const length of lengths) {
      expect(idOf(await bob.receive(good.slice(0, length)))).toBe('PARSE_FAILED:SYNTAX');
    }
    expect(idOf(await bob.receive(good))).toBe('ok');
  });

  test('larger than the limit is refused before it is read, whatever it holds', async () => {
    const { bob } = await cast();
    const most = DEFAULT_MAX_ENVELOPE_BYTES;
    const huge = `{"payload":"${'A'.repeat(most)}"}`;
    expect(idOf(await bob.receive(huge))).toBe('ENVELOPE_TOO_LARGE');
    expect(idOf(await bob.receive(new Uint8Array(most + 1)))).toBe('ENVELOPE_TOO_LARGE');
    expect(idOf(await bob.receive({ payload: 'A'.repeat(most + 1) } as never))).toBe('ENVELOPE_TOO_LARGE');
    expect(idOf(await bob.receive(new Uint8Array(most).fill(0x20)))).toBe('PARSE_FAILED:SYNTAX');
  });

  test('that is not UTF-8 is refused', async () => {
    const { bob } = await cast();
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x7b, 0x22, 0xc3]]) {
      expect(idOf(await bob.receive(Uint8Array.from(bytes)))).toBe('PARSE_FAILED:SYNTAX');
    }
  });
});

describe('hostile objects in place of an envelope', () => {
  const boom = () => {
    throw new Error('boom');
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  const hostile: [string, unknown][] = [
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['a bigint', 7n],
    ['a boolean', true],
    ['a symbol', Symbol('envelope')],
    ['a function', () => ({})],
    ['an array', [1, 2]],
    ['an array of pairs', [['version', 2]]],
    ['a Map', new Map([['version', 2]])],
    ['a Set', new Set([1])],
    ['a Date', new Date(0)],
    ['a String object', Object('{}')],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['a promise', Promise.resolve({})],
    ['an empty object', {}],
    ['an object without prototype', Object.create(null)],
    ['a circular object', circular],
    ['a getter that throws', Object.defineProperty({}, 'version', { enumerable: true, get: boom })],
    ['a getter for ok that throws', Object.defineProperty({}, 'ok', { enumerable: true, get: boom })],
    ['members with toString', { version: { toString: boom, valueOf: boom }, suite: { toString: boom } }],
    ['a proxy that throws at everything', new Proxy({}, new Proxy({}, { get: () => boom }))],
    ['a proxy that lies about its keys', new Proxy({}, { ownKeys: () => ['version', 'version'] })],
    ['a revoked proxy', revoked.proxy],
    ['a proxy around bytes', new Proxy(new Uint8Array(8), {})],
    ['a proxy around an array', new Proxy([], {})],
    ['a success without a value', { ok: true }],
    ['a success without an envelope', { ok: true, value: {} }],
    ['a failure without an error', { ok: false }],
    ['a failure that names an id', { ok: false, error: 'NONCE_STORE_UNAVAILABLE' }],
    ['a value that is no text', { ok: true, value: { envelope: [] } }],
  ];

  test.each(hostile)('%s is refused as malformed', async (_, input) => {
    const { bob } = await cast();
    const error = errorOf(await bob.receive(input as ReceiveInput));
    expect(error.code).toBe('PARSE_FAILED');
    expect(error.cause).toBeUndefined();
  });

  test('a getter that answers differently each time is read once', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice();
    let reads = 0;
    const shifty = Object.defineProperty({ ...envelope }, 'scope', {
      enumerable: true,
      get: () => (reads++ === 0 ? envelope.scope : 'admin'),
    });
    expect((await bob.receive(shifty)).value?.scope).toBe('chat');
    expect(reads).toBe(1);
  });

  test('members of a prototype do not count', async () => {
    const { bob } = await cast();
    const inherited = Object.create(await fromAlice());
    expect(idOf(await bob.receive(inherited))).toBe('PARSE_FAILED:MISSING_FIELD');
  });

  test('an object with too many members is refused by its size', async () => {
    const { bob } = await cast({ maxEnvelopeBytes: 1024 });
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, 1]));
    expect(idOf(await bob.receive(many as never))).toBe('ENVELOPE_TOO_LARGE');
  });
});

describe('a flipped bit', () => {
  const REQUEST = 'POST /a?b=c';
  const IN_REPLY_TO = 'AAAAAAAAAAAAAAAAAAAAAA';
  const digest = new Uint8Array(32).fill(1);
  const beside = { contentDigest: digest, contentType: 'text/plain' };
  const signed = { fields: 'prefer x-tenant', fieldsDigest: digest };
  const content = encodeUtf8('{"a":1}');

  interface Form {
    readonly name: string;
    readonly version: Version;
    /** The payload of an answer is beside it. */
    readonly make: () => Promise<{ readonly envelope: Envelope; readonly payload?: Uint8Array }>;
    readonly options: ReceiveRules;
  }
  /** Every kind in every suite that has it, with every member that it may have. */
  const forms: Form[] = ([1, 2, 3] as const).flatMap((version) => {
    const draft = (kind: Kind) => ({
      ...{
        version,
        kind,
        to: KEYS.bob.did,
        timestamp: NOON,
        nonce: new Uint8Array(16).fill(2),
        scope: 'chat',
      },
      ...(kind === 'receipt' ? {} : { request: REQUEST }),
      ...(kind === 'request' ? {} : { inReplyTo: IN_REPLY_TO }),
    });
    const bySender = KEYS.alice;
    const form = (kind: Kind, isSealed: boolean): Form => ({
      name: `${isSealed ? 'sealed' : 'signed-only'} ${kind} of version ${version}`,
      version,
      make: async () => {
        if (kind === 'answer') return answered(bySender, KEYS.bob, content, draft(kind));
        if (isSealed) return { envelope: await sealed(bySender, KEYS.bob, content, draft(kind)) };
        const more = {
          ...(kind === 'request' || kind === 'message' ? beside : {}),
          ...(kind === 'request' ? signed : {}),
        };
        return { envelope: await signOnlyEnvelope(bySender, { ...draft(kind), ...more }, content) };
      },
      options: {
        kind,
        allowCleartext: true,
        ...(kind === 'receipt' ? {} : { request: REQUEST, requireRequestBinding: true }),
        ...(kind === 'answer' || kind === 'refusal' ? { inReplyTo: IN_REPLY_TO } : {}),
      },
    });
    return [true, false].flatMap((isSealed) =>
      KINDS.filter((kind) => suiteHasKind(suiteFor(version, isSealed), kind)).map((kind) =>
        form(kind, isSealed),
      ),
    );
  });
  const BINARY =
    /^(nonce|fieldsDigest|contentDigest|inReplyTo|ephemeralPub|kemCiphertext|payload|signature|pqSignature)$/;

  /** The value with one bit changed, in several places; numbers and text change in every bit or character. */
  function flips(name: string, value: string | number): (string | number)[] {
    if (typeof value === 'number')
      return Array.from({ length: 41 }, (_, bit) => Number(BigInt(value) ^ (1n << BigInt(bit))));
    if (!BINARY.test(name)) {
      return [...value].map(
        (c, i) => value.slice(0, i) + String.fromCharCode(c.charCodeAt(0) ^ 1) + value.slice(i + 1),
      );
    }
    const bits = decodeBase64url(value)!.length * 8;
    return [0, 1, bits >> 1, bits - 8, bits - 1].map((bit) => withBitFlipped(value, bit));
  }

  test.each(forms)(
    'in any member of a $name gets it refused, and leaves the original good',
    async ({ version, make, options }) => {
      const nonceStore = new MemoryNonceStore({ coldStart: 'accept', clock: () => NOON });
      const { bob } = await cast({ nonceStore }, version);
      const { envelope, payload } = await make();
      const receive = (input: Envelope, beside = payload) =>
        bob.receiveContent(input, {
          ...options,
          ...(beside ? { first: { payload: beside, isFinal: true } } : {}),
        });
      const accepted: string[] = [];
      const ids = new Map<string, Set<string>>();
      for (const [name, value] of Object.entries(envelope) as [string, string | number][]) {
        for (const flipped of flips(name, value)) {
          const id = idOf(await receive(altered(envelope, { [name]: flipped })));
          if (id === 'ok') accepted.push(`${name} ${flipped}`);
          ids.set(name, (ids.get(name) ?? new Set()).add(id));
        }
      }
      for (let bit = 0; payload && bit < payload.length * 8; bit++) {
        const flipped = Uint8Array.from(payload, (byte, at) =>
          at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte,
        );
        expect(idOf(await receive(envelope, flipped))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
      }
      expect(accepted).toEqual([]);
      expect([...ids.keys()].sort()).toEqual(Object.keys(envelope).sort());
      expect([...ids.values()].flatMap((set) => [...set]).filter((id) => UNEXPECTED.test(id))).toEqual([]);
      expect(idOf(await receive(envelope))).toBe('ok');
    },
  );

  /** Nothing about a changed envelope is the server's fault, and none gets as far as being decrypted. */
  const UNEXPECTED = /INTERNAL|UNAVAILABLE|LOOKUP|DECRYPT|REPLAY/;

  test('covers every member there is, and every kind and suite of whole messages', async () => {
    const members = new Set<string>();
    const labels = new Set<string>();
    for (const { make } of forms) {
      const { envelope } = await make();
      for (const name of Object.keys(envelope)) members.add(name);
      labels.add(`${envelope.kind} v${envelope.version} ${envelope.suite}`);
    }
    expect([...members].sort()).toEqual([...FIELD_NAMES].sort());
    expect(members.size).toBe(20);
    const suites = SUITES.filter(({ form }) => form === 'message');
    const all = suites.flatMap((suite) => KINDS.filter((kind) => suiteHasKind(suite, kind)));
    expect(labels.size).toBe(all.length);
    expect(forms).toHaveLength(all.length);
    expect(all).toHaveLength(3 * (3 + 4));
  });
});
