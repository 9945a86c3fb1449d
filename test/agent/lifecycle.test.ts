import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  type CryptoProvider,
  createKeyRecord,
  type Did,
  type Envelope,
  ERROR_TABLE,
  type ErrorId,
  type Identity,
  LoopbackTransport,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type NonceStore,
  type ReceiveInput,
  type ReceiveOptions,
  type RegistryEntry,
  type SendOptions,
  type Transport,
  type TrustRegistry,
} from '@private.me/xlink';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf, seedOf } from '../support/agents.js';
import { type FrozenClock, frozenClock } from '../support/clock.js';
import { altered, keysOf, type Loose, recordOf, resigned, sealed, withBitFlipped } from '../support/forge.js';
import { idOf, unwrap } from '../support/results.js';
import { type Trace, tracedNonceStore, tracedProvider, tracedRegistry } from '../support/trace.js';

/** Every step of receiving a version 3 envelope from a sender that was not met before. */
const RECEIVE = [
  'parsing',
  'checking',
  'nonceStore.seen',
  'resolving',
  'registry.lookup',
  'key record',
  'verifying',
  'ed25519.verify',
  'mlDsa65.verify',
  'authorizing',
  'claiming',
  'nonceStore.claim',
  'decrypting',
  'x25519.agree',
  'mlKem768.decapsulate',
  'hkdf',
  'aes256gcm.open',
  'complete',
] as const;

/** Every step of sending one to a recipient that was not met before. */
const SEND = [
  'resolving',
  'registry.lookup',
  'key record',
  'encrypting',
  'x25519.agree',
  'mlKem768.encapsulate',
  'hkdf',
  'aes256gcm.seal',
  'signing',
  'ed25519.sign',
  'mlDsa65.sign',
  'sending',
  'transport.send',
  'complete',
] as const;

/** A registry whose answers can be replaced, as if somebody had broken into it. */
class BrokenInto implements TrustRegistry {
  readonly real = new MemoryTrustRegistry();
  instead: ((did: Did) => unknown) | undefined;
  lookup = (did: Did) => (this.instead ? (this.instead(did) as RegistryEntry) : this.real.lookup(did));
  register = this.real.register.bind(this.real);
  updateKeys = this.real.updateKeys.bind(this.real);
}

const KEYS = { alice: await identityOf('alice', 3), bob: await identityOf('bob', 3) };

/** Alice, who sends, and Bob, who receives; one of them works with traced parts. */
interface Bench {
  readonly clock: FrozenClock;
  readonly registry: BrokenInto;
  readonly trace: Trace;
  readonly alice: Agent;
  readonly bob: Agent;
  readonly aliceKeys: Identity;
  readonly bobKeys: Identity;
  /** From Alice to Bob, version 3. */
  readonly envelope: Envelope;
}

async function bench(
  traced: 'alice' | 'bob',
  options: AgentOptions,
  nonces?: (clock: FrozenClock) => NonceStore,
) {
  const clock = frozenClock();
  const registry = new BrokenInto();
  const trace: Trace = [];
  const watched = {
    clock,
    registry: tracedRegistry(registry, trace),
    maxVersion: 3,
    crypto: tracedProvider(options.crypto ?? defaultProvider(), trace),
    transport: tracedTransport((options.transport as Transport) ?? new LoopbackTransport(), trace),
    nonceStore: tracedNonceStore(nonces?.(clock) ?? new MemoryNonceStore({ clock }), trace),
  } as const;
  const { crypto: _, transport: __, ...rest } = options;
  const make = async (name: 'alice' | 'bob') => {
    if (name === traced) return unwrap(await Agent.fromSeed({ seed: seedOf(name), ...watched, ...rest }));
    const agent = new Agent({ clock, registry, identity: KEYS[name] });
    unwrap(await registry.register({ did: agent.did, keys: await agent.keyRecord() }));
    return agent;
  };
  const made: Bench = {
    clock,
    registry,
    trace,
    alice: await make('alice'),
    bob: await make('bob'),
    aliceKeys: KEYS.alice,
    bobKeys: KEYS.bob,
    envelope: await sealed(KEYS.alice, KEYS.bob, encodeUtf8('{"n":1}'), { version: 3 }),
  };
  trace.length = 0;
  return made;
}

const tracedTransport = (transport: Transport, trace: Trace): Transport => ({
  send(envelope, to) {
    trace.push('transport.send');
    return transport.send(envelope, to);
  },
  onReceive: (handler) => transport.onReceive(handler),
  dispose: () => transport.dispose(),
});

interface Attempt {
  readonly id: ErrorId;
  /** Which of several ways, where there are several. */
  readonly by?: string;
  /** The last step that ran. */
  readonly last: string;
  readonly agent?: AgentOptions;
}

interface ReceiveAttempt extends Attempt {
  readonly nonces?: (clock: FrozenClock) => NonceStore;
  readonly options?: ReceiveOptions;
  /** Breaks something and gives what Bob receives; by default the good envelope. */
  readonly arrange?: (bench: Bench) => unknown;
  /** Whether Bob met Alice before. */
  readonly met?: true;
}

const forged = (changes: Loose) => (b: Bench) => resigned(b.aliceKeys, altered(b.envelope, changes));
const without = (name: keyof Envelope) => (b: Bench) => altered(b.envelope, { [name]: undefined });
const text = (change: (json: string) => string) => (b: Bench) => change(JSON.stringify(b.envelope));
const answering = (entry: (real: RegistryEntry, b: Bench) => unknown) => async (b: Bench) => {
  const broken = await entry(b.registry.real.lookup(b.envelope.from)!, b);
  b.registry.instead = () => broken;
};
/** Bob meets Alice; then the registry shows another record of hers. */
const afterwards = (keys: (b: Bench) => unknown) => async (b: Bench) => {
  unwrap(await b.bob.receive(b.envelope));
  const next = await b.alice.createEnvelope({ to: b.bob.did, payload: 2, scope: 'chat' });
  const entry = b.registry.real.lookup(b.alice.did)!;
  const shown = await keys(b);
  b.registry.instead = () => ({ ...entry, keys: shown });
  return next;
};
const throwing = (part: 'seen' | 'claim', what: unknown) => (clock: FrozenClock) => {
  const store = new MemoryNonceStore({ clock });
  const fail = () => {
    throw what;
  };
  return {
    seen: part === 'seen' ? fail : store.seen.bind(store),
    claim: part === 'claim' ? fail : store.claim.bind(store),
  };
};
/** Looks like the did:key of an Ed25519 key, and holds bytes of another kind. */
const OTHER_KIND = `did:key:z6Mk${'1'.repeat(44)}`;
/** 32 zero bytes, a point of order 4. */
const WEAK = 'did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP';

const RECEIVE_ATTEMPTS: Record<string, readonly ReceiveAttempt[]> = {
  parsing: [
    { id: 'ENVELOPE_TOO_LARGE', last: 'parsing', agent: { maxEnvelopeBytes: 2048 }, arrange: text((t) => t) },
    { id: 'PARSE_FAILED', last: 'parsing', arrange: ({ envelope }) => altered(envelope, { nonce: 'short' }) },
    { id: 'PARSE_FAILED:SYNTAX', last: 'parsing', arrange: text((t) => t.slice(0, -1)) },
    {
      id: 'PARSE_FAILED:DUPLICATE_FIELD',
      last: 'parsing',
      arrange: text((t) => `{"version":3,${t.slice(1)}`),
    },
    {
      id: 'PARSE_FAILED:UNKNOWN_FIELD',
      last: 'parsing',
      arrange: ({ envelope }) => ({ ...envelope, role: 'x' }),
    },
    { id: 'PARSE_FAILED:MISSING_FIELD', last: 'parsing', arrange: without('scope') },
    { id: 'PARSE_FAILED:PQ_SIGNATURE_MISSING', last: 'parsing', arrange: without('pqSignature') },
    {
      id: 'PARSE_FAILED:UNKNOWN_VERSION',
      last: 'parsing',
      arrange: ({ envelope }) => altered(envelope, { version: 4 }),
    },
  ],
  checking: [
    { id: 'RECIPIENT_MISMATCH', last: 'checking', arrange: (b) => forged({ to: b.alice.did })(b) },
    {
      id: 'VERSION_TOO_LOW',
      last: 'checking',
      agent: { minVersion: 3 },
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1')),
    },
    {
      id: 'CLEARTEXT_NOT_ALLOWED',
      last: 'checking',
      arrange: (b) => b.alice.createEnvelope({ to: b.bob.did, payload: 1, signedOnly: true }),
    },
    {
      id: 'REQUEST_BINDING_REQUIRED',
      last: 'checking',
      options: { request: 'GET /a', requireRequestBinding: true },
    },
    {
      id: 'REQUEST_BINDING_MISMATCH',
      last: 'checking',
      options: { request: 'GET /a' },
      arrange: (b) => b.alice.createEnvelope({ to: b.bob.did, payload: 1, request: 'GET /b' }),
    },
    { id: 'TIMESTAMP_EXPIRED', last: 'checking', arrange: (b) => b.clock.advance(30_001) },
    { id: 'TIMESTAMP_EXPIRED:FUTURE', last: 'checking', arrange: (b) => b.clock.advance(-30_001) },
    {
      id: 'NONCE_STORE_UNAVAILABLE',
      last: 'nonceStore.seen',
      nonces: throwing('seen', new Error('store is down')),
    },
    {
      id: 'NONCE_STORE_UNAVAILABLE:COLD_START',
      last: 'nonceStore.seen',
      nonces: (clock) => new MemoryNonceStore({ clock: () => clock() + 1 }),
    },
    {
      id: 'REPLAY_DETECTED',
      last: 'nonceStore.seen',
      arrange: async (b) => void unwrap(await b.bob.receive(b.envelope)),
    },
  ],
  resolving: [
    {
      id: 'LOOKUP_FAILED',
      by: 'a registry that throws',
      last: 'registry.lookup',
      arrange: (b) => {
        b.registry.instead = () => {
          throw new Error('registry is down');
        };
      },
    },
    {
      id: 'LOOKUP_FAILED',
      by: 'the entry of another DID',
      last: 'registry.lookup',
      arrange: answering((_, b) => b.registry.real.lookup(b.bob.did)),
    },
    {
      id: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
      last: 'registry.lookup',
      arrange: async (b) =>
        sealed(await identityOf('stranger', 3), b.bobKeys, encodeUtf8('1'), { version: 3 }),
    },
    {
      id: 'VERIFICATION_FAILED:DID_REVOKED',
      last: 'registry.lookup',
      arrange: async (b) => void unwrap(await b.registry.real.revoke(b.alice.did)),
    },
    {
      id: 'INVALID_DID',
      last: 'registry.lookup',
      arrange: (b) => {
        b.registry.instead = (did) => ({ did, status: 'active' });
        return altered(b.envelope, { from: OTHER_KIND });
      },
    },
    {
      id: 'INVALID_DID:WEAK_KEY',
      last: 'registry.lookup',
      arrange: (b) => {
        b.registry.instead = (did) => ({ did, status: 'active' });
        return altered(b.envelope, { from: WEAK });
      },
    },
    {
      id: 'KEY_RECORD_INVALID',
      by: 'keys of somebody else',
      last: 'key record',
      arrange: answering(async (entry, b) => {
        const { signature } = entry.keys!;
        return { ...entry, keys: { ...(await createKeyRecord(b.bobKeys)), did: entry.did, signature } };
      }),
    },
    {
      id: 'KEY_RECORD_INVALID',
      by: 'a record of another DID',
      last: 'registry.lookup',
      arrange: answering(async (entry, b) => ({ ...entry, keys: await createKeyRecord(b.bobKeys) })),
    },
    {
      id: 'KEY_RECORD_ROLLED_BACK',
      last: 'key record',
      met: true,
      arrange: afterwards((b) => recordOf(b.aliceKeys, b.bobKeys, 1)),
    },
    {
      id: 'KEY_RECORD_DOWNGRADED',
      last: 'key record',
      met: true,
      arrange: afterwards(async (b) => recordOf(b.aliceKeys, await identityOf('alice', 1), 2 ** 40)),
    },
    {
      id: 'VERSION_TOO_LOW',
      last: 'registry.lookup',
      met: true,
      arrange: async (b) => {
        unwrap(await b.bob.receive(b.envelope));
        return sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { version: 2 });
      },
    },
  ],
  verifying: [
    {
      id: 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      last: 'ed25519.verify',
      arrange: (b) => altered(b.envelope, { scope: 'admin' }),
    },
    {
      id: 'VERIFICATION_FAILED:NO_PQ_KEY',
      last: 'ed25519.verify',
      arrange: answering(async (entry, b) => ({
        ...entry,
        keys: await recordOf(b.aliceKeys, await identityOf('alice', 2), 5),
      })),
    },
    {
      id: 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH',
      last: 'mlDsa65.verify',
      arrange: ({ envelope }) =>
        altered(envelope, { pqSignature: withBitFlipped(envelope.pqSignature!, 1000) }),
    },
  ],
  authorizing: [
    {
      id: 'SCOPE_DENIED',
      last: 'authorizing',
      arrange: async (b) =>
        void unwrap(await b.registry.real.updateScopes(b.alice.did, { scopes: ['mail'] })),
    },
    {
      id: 'SCOPE_NOT_ALLOWED',
      last: 'authorizing',
      agent: { receiveScopes: ['mail'] },
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { version: 3, scope: 'chat' }),
    },
  ],
  claiming: [
    {
      id: 'REPLAY_DETECTED',
      last: 'nonceStore.claim',
      by: 'another took it between looking and claiming',
      met: true,
      nonces: (clock) => {
        const store = new MemoryNonceStore({ clock });
        return { seen: () => false, claim: store.claim.bind(store) };
      },
      arrange: async (b) => void unwrap(await b.bob.receive(b.envelope)),
    },
    {
      id: 'NONCE_STORE_UNAVAILABLE',
      last: 'nonceStore.claim',
      nonces: throwing('claim', new Error('store went down')),
    },
    {
      id: 'NONCE_STORE_UNAVAILABLE:FULL',
      last: 'nonceStore.claim',
      met: true,
      nonces: (clock) => new MemoryNonceStore({ clock, maxEntries: 1, maxEntriesPerSender: 2 }),
      arrange: async (b) => {
        unwrap(await b.bob.receive(b.envelope));
        return b.alice.createEnvelope({ to: b.bob.did, payload: 2 });
      },
    },
    {
      id: 'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA',
      last: 'nonceStore.claim',
      met: true,
      nonces: (clock) => new MemoryNonceStore({ clock, maxEntries: 10, maxEntriesPerSender: 1 }),
      arrange: async (b) => {
        unwrap(await b.bob.receive(b.envelope));
        return b.alice.createEnvelope({ to: b.bob.did, payload: 2 });
      },
    },
  ],
  decrypting: [
    {
      id: 'DECRYPT_FAILED:KEY_AGREEMENT',
      last: 'x25519.agree',
      arrange: forged({ ephemeralPub: encodeBase64url(new Uint8Array(32)) }),
    },
    {
      id: 'DECRYPT_FAILED:DECRYPTION',
      last: 'aes256gcm.open',
      arrange: (b) => forged({ payload: withBitFlipped(b.envelope.payload!, 7) })(b),
    },
    {
      id: 'DECRYPT_FAILED:SENDER_MISMATCH',
      last: 'aes256gcm.open',
      arrange: async (b) => {
        const { aes256gcm, ...rest } = b.aliceKeys.crypto;
        const framedAsBob = (frame: Uint8Array) =>
          encodeUtf8(Buffer.from(frame).toString().replace(b.alice.did, b.bob.did));
        const crypto: CryptoProvider = {
          ...rest,
          aes256gcm: { ...aes256gcm, seal: (k, iv, aad, p) => aes256gcm.seal(k, iv, aad, framedAsBob(p)) },
        };
        const { did, ed25519, mlDsa65 } = b.aliceKeys;
        return sealed({ did, ed25519, mlDsa65, crypto } as Identity, b.bobKeys, encodeUtf8('1'), {
          version: 3,
        });
      },
    },
    {
      id: 'DECRYPT_FAILED:PARSE',
      last: 'aes256gcm.open',
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('{"a":'), { version: 3 }),
    },
  ],
};

const upTo = (steps: readonly string[], last: string, met: boolean) =>
  steps.slice(0, steps.indexOf(last) + 1).filter((step) => !met || step !== 'key record' || step === last);

describe('receive', () => {
  test('runs every step of a version 3 envelope once, in this order', async () => {
    const { bob, envelope, trace } = await bench('bob', {});
    const onProgress = ({ stage }: { stage: string }) => void trace.push(stage);
    expect(idOf(await bob.receive(envelope, { onProgress }))).toBe('ok');
    expect(trace).toEqual(RECEIVE);
  });

  for (const [stage, attempts] of Object.entries(RECEIVE_ATTEMPTS)) {
    describe(`fails while ${stage}`, () => {
      test.each(
        attempts.map((attempt) => [[attempt.id, attempt.by].filter(Boolean).join(', '), attempt] as const),
      )(
        '%s, and nothing after it runs',
        async (_, { id, last, agent = {}, nonces, options = {}, arrange, met }) => {
          const b = await bench('bob', agent, nonces);
          const input = ((await arrange?.(b)) ?? b.envelope) as ReceiveInput;
          b.trace.length = 0;
          const onProgress = (event: { stage: string }) => void b.trace.push(event.stage);
          const result = await b.bob.receive(input, { ...options, onProgress });
          expect(idOf(result)).toBe(id);
          expect(b.trace).toEqual(upTo(RECEIVE, last, met ?? false));
          expect(b.trace.findLast((step) => step in RECEIVE_ATTEMPTS)).toBe(stage);
        },
      );
    });
  }

  test.each([1, 2] as const)('an envelope of version %i costs no ML-DSA', async (version) => {
    const b = await bench('bob', {});
    const content = encodeUtf8('1');
    const envelope = await sealed(b.aliceKeys, b.bobKeys, content, { version });
    expect(idOf(await b.bob.receive(envelope))).toBe('ok');
    expect(b.trace).not.toContain('mlDsa65.verify');
    expect(b.trace.includes('mlKem768.decapsulate')).toBe(version === 2);
  });

  test('a signed-only envelope decrypts nothing', async () => {
    const b = await bench('bob', {});
    const envelope = await b.alice.createEnvelope({ to: b.bob.did, payload: 1, signedOnly: true });
    expect(idOf(await b.bob.receive(envelope, { allowCleartext: true }))).toBe('ok');
    expect(b.trace.slice(-1)).toEqual(['nonceStore.claim']);
  });

  test('a key record is verified once, not with every message', async () => {
    const b = await bench('bob', {});
    for (let i = 0; i < 3; i++) {
      unwrap(await b.bob.receive(await b.alice.createEnvelope({ to: b.bob.did, payload: i })));
    }
    expect(b.trace.filter((step) => step === 'key record')).toHaveLength(1);
    expect(b.trace.filter((step) => step === 'registry.lookup')).toHaveLength(3);
  });
});

interface SendAttempt extends Attempt {
  readonly options?: Partial<SendOptions>;
  readonly arrange?: (bench: Bench) => unknown;
  readonly met?: true;
}

/** What the registry shows Alice of Bob. */
const showing = (entry: (real: RegistryEntry, b: Bench) => unknown) => async (b: Bench) => {
  const broken = await entry(b.registry.real.lookup(b.bob.did)!, b);
  b.registry.instead = () => broken;
};
const afterSending = (keys: (b: Bench) => unknown) => async (b: Bench) => {
  unwrap(await b.alice.send({ to: b.bob.did, payload: 1 }));
  return showing(async (entry) => ({ ...entry, keys: await keys(b) }))(b);
};
const anyDid = (b: Bench) => {
  b.registry.instead = (did) => ({ did, status: 'active' });
};
/** A real provider whose signer fails once it is told to. */
function failingSigner(): { crypto: CryptoProvider; fail: () => void } {
  const real = defaultProvider();
  let failing = false;
  const signer: CryptoProvider['ed25519']['signer'] = async (seed) => {
    const inner = await real.ed25519.signer(seed);
    return {
      ...inner,
      sign: (message) => {
        if (failing) throw new Error('the KMS is down');
        return inner.sign(message);
      },
    };
  };
  return {
    crypto: { ...real, ed25519: { ...real.ed25519, signer } },
    fail: () => {
      failing = true;
    },
  };
}
const kms = failingSigner();
const deaf = new LoopbackTransport();
deaf.onReceive(() => {
  throw new Error('nobody there');
});

const SEND_ATTEMPTS: Record<string, readonly SendAttempt[]> = {
  start: [
    { id: 'INVALID_OPTION', last: '', options: { scope: 'with space' } },
    { id: 'SCOPE_DENIED', last: '', agent: { sendScopes: ['mail'] } },
    { id: 'PAYLOAD_NOT_SERIALIZABLE', last: '', options: { payload: 1n } },
  ],
  resolving: [
    {
      id: 'LOOKUP_FAILED',
      last: 'registry.lookup',
      arrange: (b) => {
        b.registry.instead = () => Promise.reject(new Error('registry is down'));
      },
    },
    { id: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY', last: 'registry.lookup', options: { to: OTHER_KIND } },
    {
      id: 'LOOKUP_FAILED:DID_REVOKED',
      last: 'registry.lookup',
      arrange: async (b) => void unwrap(await b.registry.real.revoke(b.bob.did)),
    },
    { id: 'INVALID_DID', last: 'registry.lookup', options: { to: 'did:web:example.com' }, arrange: anyDid },
    { id: 'INVALID_DID:WEAK_KEY', last: 'registry.lookup', options: { to: WEAK }, arrange: anyDid },
    {
      id: 'KEY_RECORD_INVALID',
      last: 'key record',
      arrange: showing((entry) => ({ ...entry, keys: { ...entry.keys, epoch: 7 } })),
    },
    {
      id: 'KEY_RECORD_ROLLED_BACK',
      last: 'key record',
      arrange: afterSending((b) => recordOf(b.bobKeys, b.aliceKeys, 1)),
    },
    {
      id: 'KEY_RECORD_DOWNGRADED',
      by: 'a record without post-quantum keys',
      last: 'key record',
      arrange: afterSending(async (b) => recordOf(b.bobKeys, await identityOf('bob', 1), 2 ** 40)),
    },
    {
      id: 'KEY_RECORD_DOWNGRADED',
      by: 'no record at all',
      last: 'registry.lookup',
      met: true,
      arrange: afterSending(() => undefined),
    },
    {
      id: 'RECEIVER_SCOPE_DENIED',
      last: 'key record',
      arrange: async (b) =>
        void unwrap(await b.registry.real.updateScopes(b.bob.did, { receiveScopes: ['mail'] })),
    },
    {
      id: 'KEY_AGREEMENT_FAILED:NO_KEY_RECORD',
      last: 'registry.lookup',
      arrange: showing(({ keys: _, ...entry }) => entry),
    },
    {
      id: 'KEY_AGREEMENT_FAILED:NO_COMMON_VERSION',
      last: 'key record',
      agent: { minVersion: 3 },
      arrange: showing(async (entry, b) => ({
        ...entry,
        keys: await recordOf(b.bobKeys, await identityOf('bob', 2), 5),
      })),
    },
  ],
  encrypting: [
    {
      id: 'KEY_AGREEMENT_FAILED',
      by: 'an X25519 key of small order',
      last: 'x25519.agree',
      arrange: showing(async (entry, b) => {
        const x25519 = { ...b.bobKeys.x25519, publicKey: new Uint8Array(32) };
        return { ...entry, keys: await recordOf(b.bobKeys, { ...keysOf(b.bobKeys), x25519 }, 5) };
      }),
    },
    {
      id: 'KEY_AGREEMENT_FAILED',
      by: 'an ML-KEM key that fails the modulus check',
      last: 'encrypting',
      arrange: showing(async (entry, b) => {
        const mlKem768 = { ...b.bobKeys.mlKem768!, publicKey: new Uint8Array(1184).fill(255) };
        return { ...entry, keys: await recordOf(b.bobKeys, { ...keysOf(b.bobKeys), mlKem768 }, 5) };
      }),
    },
  ],
  signing: [{ id: 'INTERNAL', last: 'ed25519.sign', agent: { crypto: kms.crypto }, arrange: kms.fail }],
  sending: [{ id: 'SEND_FAILED', last: 'transport.send', agent: { transport: deaf } }],
};

describe('send', () => {
  test('runs every step of a version 3 envelope once, in this order', async () => {
    const { alice, bob, trace } = await bench('alice', {});
    const onProgress = ({ stage }: { stage: string }) => void trace.push(stage);
    expect(idOf(await alice.send({ to: bob.did, payload: 1, onProgress }))).toBe('ok');
    expect(trace).toEqual(SEND);
  });

  for (const [stage, attempts] of Object.entries(SEND_ATTEMPTS)) {
    describe(`fails at ${stage}`, () => {
      test.each(
        attempts.map((attempt) => [[attempt.id, attempt.by].filter(Boolean).join(', '), attempt] as const),
      )('%s, and nothing after it runs', async (_, { id, last, agent = {}, options = {}, arrange, met }) => {
        const b = await bench('alice', agent);
        await arrange?.(b);
        b.trace.length = 0;
        const onProgress = (event: { stage: string }) => void b.trace.push(event.stage);
        const result = await b.alice.send({
          to: b.bob.did,
          payload: 1,
          scope: 'chat',
          ...options,
          onProgress,
        });
        expect(idOf(result)).toBe(id);
        expect(b.trace).toEqual(upTo(SEND, last, met ?? false));
        expect(b.trace.findLast((step) => step in SEND_ATTEMPTS) ?? 'start').toBe(stage);
      });
    });
  }
});

describe('docs/lifecycle.md', () => {
  const page = readFileSync(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8');
  const drawing = (name: string) => page.split(`## ${name}\n`)[1]!.split('```')[1]!;

  /** `stage id status` of every line with a cross, under the stage above it. */
  function drawn(name: string): { stage: string; id: string; status: number }[] {
    let stage = '';
    return drawing(name)
      .split('\n')
      .flatMap((line) => {
        stage = /▼ (\w+)/.exec(line)?.[1] ?? stage;
        const [, id, status] = /✗ (\S+) +(\d{3})$/.exec(line) ?? [];
        return id ? [{ stage, id, status: Number(status) }] : [];
      });
  }

  test.each<[string, Record<string, readonly Attempt[]>]>([
    ['send', SEND_ATTEMPTS],
    ['receive', RECEIVE_ATTEMPTS],
  ])('draws for %s exactly the errors that are driven above, stage by stage', (name, attempts) => {
    const driven = Object.entries(attempts).flatMap(([stage, list]) =>
      list.map(({ id }) => `${stage} ${id}`),
    );
    const lines = drawn(name).map(({ stage, id }) => `${stage} ${id}`);
    expect(new Set(lines)).toEqual(new Set(driven));
    expect(lines).toHaveLength(new Set(lines).size);
  });

  test.each(['send', 'receive'])('gives for %s the status of the error table', (name) => {
    const lines = drawn(name);
    expect(lines.length).toBeGreaterThan(15);
    expect(lines).toEqual(
      lines.map((line) => ({ ...line, status: ERROR_TABLE[line.id as ErrorId]?.status })),
    );
  });

  test.each([
    ['send', SEND],
    ['receive', RECEIVE],
  ])('draws the stages of %s in the order they run', (name, steps) => {
    const stages = [...drawing(name).matchAll(/▼ (\w+)/g)].map(([, stage]) => stage!);
    expect(stages.filter((stage) => stage !== 'start')).toEqual(
      steps.filter((step) => stages.includes(step)),
    );
  });
});
