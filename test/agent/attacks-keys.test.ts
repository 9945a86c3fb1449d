import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  type AgentOptions,
  createKeyRecord,
  type Envelope,
  encodeDidKey,
  MemoryNonceStore,
  type ReceiveInput,
} from '@private.me/xlink';
import { signOnlyEnvelope } from '../../src/envelope/seal.js';
import { encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { seedOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { altered, keysOf, recordOf, resigned, sealed, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';
import { cast, fromAlice, KEYS } from './attacks-support.js';

const WINDOW_MS = 30_000;

describe('keys', () => {
  /** Order 1, 2, 4 and 8; every one gives an all-zero secret. */
  const SMALL_ORDER_X25519 = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ];

  test.each(SMALL_ORDER_X25519)('an ephemeral X25519 key of small order is refused: %s', async (hex) => {
    for (const version of [1, 2, 3] as const) {
      const { bob } = await cast({}, version);
      const weak = altered(await fromAlice(version), {
        ephemeralPub: encodeBase64url(Buffer.from(hex, 'hex')),
      });
      expect(idOf(await bob.receive(await resigned(KEYS.alice, weak)))).toBe('DECRYPT_FAILED:KEY_AGREEMENT');
    }
  });

  test('an ML-KEM key that fails the modulus check is not encrypted to', async () => {
    const { alice, bob, registry } = await cast();
    const mlKem768 = { ...KEYS.bob.mlKem768!, publicKey: new Uint8Array(1184).fill(0xff) };
    registry.showKeys(bob.did, await recordOf(KEYS.bob, { ...keysOf(KEYS.bob), mlKem768 }, NOON / 1000 + 1));
    expect(errorOf(await alice.send({ to: bob.did, payload: 1 }))).toMatchObject({
      id: 'KEY_AGREEMENT_FAILED',
      field: 'mlKem768',
    });
  });

  const hexBytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
  const ORDER_8 = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const WEAK_ED25519: [string, Uint8Array][] = [
    ['the neutral element', ed25519.Point.ZERO.toBytes()],
    ['order 2', hexBytes('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')],
    ['order 4', new Uint8Array(32)],
    ['order 8', ORDER_8.toBytes()],
    ['a torsion component', ed25519.Point.BASE.add(ORDER_8).toBytes()],
    [
      'y = p + 1, a second spelling',
      hexBytes('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'),
    ],
    [
      'x = 0 with the sign bit set',
      hexBytes('0100000000000000000000000000000000000000000000000000000000000080'),
    ],
    ['no point at all', hexBytes('0200000000000000000000000000000000000000000000000000000000000000')],
  ];

  test.each(WEAK_ED25519)('a DID whose Ed25519 key is weak is refused everywhere: %s', async (_, key) => {
    const { alice, bob, registry } = await cast();
    const did = encodeDidKey(key);
    expect(idOf(await registry.real.register({ did }))).toBe('INVALID_DID:WEAK_KEY');
    const lookup = registry.lookup.bind(registry);
    registry.lookup = (asked) => (asked === did ? { did, status: 'active' } : lookup(asked));
    expect(idOf(await alice.send({ to: did, payload: 1 }))).toBe('INVALID_DID:WEAK_KEY');
    const forged = altered(await fromAlice(), {
      from: did,
      signature: encodeBase64url(Uint8Array.of(1, ...new Uint8Array(63))),
    });
    expect(idOf(await bob.receive(forged))).toBe('INVALID_DID:WEAK_KEY');
  });
});

describe('secrets', () => {
  const CANARY = {
    payload: 'PAYLOAD-CANARY-4711',
    apiKey: 'sk_live_CANARY0815',
    member: 'MEMBERCANARY',
  };
  const SEED = seedOf('bob');

  /** What each failure says in every form in which an error leaves the process. */
  function spoken(error: ReturnType<typeof errorOf>): string {
    return [
      error.message,
      error.hint,
      error.field,
      error.stack,
      JSON.stringify(error),
      JSON.stringify(error.details),
      String(error),
      inspect(error, { depth: 20, showHidden: true, getters: true }),
    ].join('\n');
  }

  test('never show in what a failing receive says or reports', async () => {
    const said: string[] = [];
    const told: string[] = [];
    const ids = new Set<string>();
    const onProgress = (event: unknown) => void told.push(inspect(event));
    const content = JSON.stringify({ secret: CANARY.payload });
    const bound = `GET /a?api_key=${CANARY.apiKey}`;
    const contentType = `application/json; key=${CANARY.apiKey}`;
    const make = () => sealed(KEYS.alice, KEYS.bob, encodeUtf8(content), { request: bound }, contentType);
    const signedOnly = async () =>
      signOnlyEnvelope(
        KEYS.alice,
        {
          ...{ version: 3, kind: 'request', to: KEYS.bob.did, timestamp: NOON, nonce: new Uint8Array(16) },
          ...{ scope: 'chat', request: bound, contentDigest: new Uint8Array(32), contentType: CANARY.apiKey },
          ...{ fields: CANARY.member.toLowerCase(), fieldsDigest: new Uint8Array(32) },
        },
        encodeUtf8(content),
      );
    const hidden = new Set<string>();
    const failing = async (
      change: (envelope: Envelope, agents: Awaited<ReturnType<typeof cast>>) => unknown,
      forBob: AgentOptions = {},
      options: object = {},
    ) => {
      const agents = await cast(forBob);
      const envelope = await make();
      const input = (await change(envelope, agents)) ?? envelope;
      for (const name of [
        'nonce',
        'payload',
        'signature',
        'pqSignature',
        'kemCiphertext',
        'ephemeralPub',
      ] as const) {
        const value = typeof input === 'object' && (input as Envelope)[name];
        if (value) hidden.add(value);
      }
      const error = errorOf(
        await agents.bob.receive(input as ReceiveInput, { onProgress, request: bound, ...options }),
      );
      ids.add(error.id);
      said.push(spoken(error));
    };

    const request = { request: 'GET /b' };
    await failing((e) => JSON.stringify(e).slice(0, -1));
    await failing((e) => JSON.stringify(e).replace('"chat"', `"${CANARY.apiKey}\\n"`));
    await failing((e) => `{"nonce":"${e.nonce}",${JSON.stringify(e).slice(1)}`);
    await failing((e) => ({ ...e, [CANARY.member]: CANARY.apiKey }));
    await failing((e) => ({ ...e, scope: `${CANARY.apiKey} ` }));
    await failing((e) => ({ ...e, suite: CANARY.apiKey }));
    await failing((e) => ({ ...e, from: CANARY.apiKey }));
    await failing((e) => altered(e, { scope: undefined }));
    await failing((e) => altered(e, { pqSignature: undefined }));
    await failing((e, { alice }) => altered(e, { to: alice.did }));
    await failing(() => undefined, {}, request);
    await failing((e) => altered(e, { request: undefined }), {}, { ...request, requireRequestBinding: true });
    await failing(() => undefined, {}, { request: undefined });
    await failing(() => undefined, { maxEnvelopeBytes: 1024 });
    await failing((_, { clock }) => clock.advance(WINDOW_MS + 1));
    await failing((_, { clock }) => clock.advance(-WINDOW_MS - 1));
    await failing(async (e, { bob }) => void (await bob.receive(e, { request: bound })));
    await failing(async (_, { alice, registry }) => void (await registry.real.revoke(alice.did)));
    await failing(
      async (_, { alice, registry }) => void (await registry.real.updateScopes(alice.did, { scopes: [] })),
    );
    await failing((_, { alice, registry }) => registry.showKeys(alice.did, { x25519: CANARY.apiKey }));
    await failing(async (_, { alice, registry }) =>
      registry.showKeys(alice.did, await createKeyRecord(KEYS.mallory)),
    );
    await failing((e) => altered(e, { scope: 'other' }));
    await failing((e) => altered(e, { pqSignature: withBitFlipped(e.pqSignature!, 3) }));
    await failing(() => undefined, { receiveScopes: [] });
    await failing(() => undefined, { nonceStore: { seen: () => false, claim: () => 'CANARY' as never } });
    await failing(() => undefined, { nonceStore: new MemoryNonceStore({ clock: () => NOON + 1 }) });
    await failing((e) => resigned(KEYS.alice, altered(e, { payload: withBitFlipped(e.payload!, 3) })));
    await failing((e) => resigned(KEYS.alice, altered(e, { ephemeralPub: 'A'.repeat(43) })));
    await failing(async () => sealed(KEYS.alice, KEYS.bob, encodeUtf8(`{"a":"${CANARY.payload}`)));
    await failing(signedOnly); // of another kind than is taken
    await failing(async () => altered(await signedOnly(), { kind: CANARY.member }));
    await failing(async () => altered(await signedOnly(), { kind: 'message', fields: undefined }));
    await failing((e) => altered(e, { keyEpoch: undefined }));
    await failing((e) => resigned(KEYS.alice, altered(e, { keyEpoch: 4711 })));

    expect(ids.size).toBeGreaterThan(25);
    const seedForms = [
      Buffer.from(SEED).toString('hex'),
      Buffer.from(SEED).toString('base64'),
      encodeBase64url(SEED),
      SEED.join(', '),
      SEED.join(','),
      inspect(SEED).slice(16, 60),
    ];
    const secrets = [...Object.values(CANARY), ...hidden, ...seedForms];
    const all = [...said, ...told].join('\n');
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    expect(told.length).toBeGreaterThan(50);
  });

  test('the cause of a failure stays out of what is sent: JSON, message and hint', async () => {
    const { bob } = await cast({
      nonceStore: {
        seen() {
          throw new Error(`redis://:${CANARY.apiKey}@cache`);
        },
        claim: () => true,
      },
    });
    const error = errorOf(await bob.receive(await fromAlice()));
    expect(error.cause).toBeInstanceOf(Error);
    expect(JSON.stringify(error) + error.message + error.hint).not.toContain(CANARY.apiKey);
  });

  test('an agent and a message that are printed show no key', async () => {
    const { alice, bob } = await pair();
    const received = unwrap(await bob.receive(await alice.send({ to: bob.did, payload: 1 })));
    const printed = [alice, bob, new World(), received].map((value) =>
      [inspect(value, { depth: 20, showHidden: true, getters: true }), JSON.stringify(value)].join('\n'),
    );
    for (const seed of [seedOf('alice'), seedOf('bob')]) {
      const forms = [
        Buffer.from(seed).toString('hex'),
        seed.join(', '),
        seed.join(','),
        encodeBase64url(seed),
      ];
      expect(printed.filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);
    }
  });
});
