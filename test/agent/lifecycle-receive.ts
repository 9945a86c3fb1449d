import {
  type CryptoProvider,
  createKeyRecord,
  type Envelope,
  type Identity,
  MemoryNonceStore,
  type NonceStore,
  type ReceiveOptions,
  type RegistryEntry,
} from '@private.me/xlink';
import type { ReceiveRules } from '../../src/agent/receive.js';
import { encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import type { FrozenClock } from '../support/clock.js';
import {
  altered,
  answered,
  keysOf,
  type Loose,
  recordOf,
  resigned,
  sealed,
  withBitFlipped,
} from '../support/forge.js';
import { unwrap } from '../support/results.js';
import { type Attempt, type Bench, OTHER_KIND, WEAK } from './lifecycle-bench.js';

interface ReceiveAttempt extends Attempt {
  readonly nonces?: (clock: FrozenClock) => NonceStore;
  readonly options?: ReceiveOptions;
  /** Breaks something and gives what Bob receives; by default the good envelope. */
  readonly arrange?: (bench: Bench) => unknown;
  /** Whether Bob met Alice before. */
  readonly met?: true;
}

const forged = (changes: Loose) => (b: Bench) => resigned(b.aliceKeys, altered(b.envelope, changes));
export const without = (name: keyof Envelope) => (b: Bench) => altered(b.envelope, { [name]: undefined });
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
const answer = async (b: Bench) => {
  const inReplyTo = b.envelope.nonce;
  return (await answered(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { inReplyTo })).envelope;
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
export const RECEIVE_ATTEMPTS: Record<string, readonly ReceiveAttempt[]> = {
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
    {
      id: 'PARSE_FAILED:MISSING_FIELD',
      by: 'an answer without its first chunk',
      last: 'parsing',
      arrange: answer,
    },
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
      id: 'KIND_NOT_ACCEPTED',
      by: 'a request',
      last: 'checking',
      arrange: (b) => {
        const request = 'GET /a';
        return sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { kind: 'request', request });
      },
    },
    {
      id: 'KIND_NOT_ACCEPTED',
      by: 'an answer that nobody waits for',
      last: 'checking',
      options: { first: { payload: new Uint8Array(48), isFinal: true } } as ReceiveRules,
      arrange: answer,
    },
    {
      id: 'VERSION_TOO_LOW',
      last: 'checking',
      agent: { minVersion: 3 },
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { version: 2 }),
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
      arrange: async (b) => sealed(await identityOf('stranger', 3), b.bobKeys, encodeUtf8('1')),
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
      last: 'key record, ed25519',
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
      id: 'KEY_RECORD_INVALID',
      by: 'an ML-DSA key that did not sign it',
      last: 'key record, mlDsa65',
      arrange: answering(async (entry, b) => {
        const pqSignature = (await createKeyRecord(b.bobKeys)).pqSignature!;
        return { ...entry, keys: { ...(await createKeyRecord(b.aliceKeys)), pqSignature } };
      }),
    },
    {
      id: 'KEY_RECORD_INVALID',
      by: 'another ML-DSA key than was there',
      last: 'key record, mlDsa65',
      met: true,
      arrange: afterwards(({ aliceKeys, bobKeys }) =>
        recordOf(aliceKeys, { ...keysOf(aliceKeys), mlDsa65: bobKeys.mlDsa65 }, 2 ** 40),
      ),
    },
    {
      id: 'KEY_RECORD_ROLLED_BACK',
      last: 'key record, mlDsa65',
      met: true,
      arrange: afterwards((b) => recordOf(b.aliceKeys, b.bobKeys, 1)),
    },
    {
      id: 'KEY_RECORD_DOWNGRADED',
      last: 'key record, ed25519',
      noPqKey: true,
      met: true,
      arrange: afterwards(async (b) => recordOf(b.aliceKeys, await identityOf('alice', 1), 2 ** 40)),
    },
    {
      id: 'VERSION_TOO_LOW',
      by: 'below the record of the sender',
      last: 'key record, mlDsa65',
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { version: 2 }),
    },
    {
      id: 'VERSION_TOO_LOW',
      by: 'below what was shown',
      last: 'registry.lookup',
      agent: { versionFloor: 'shown' },
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
      noPqKey: true,
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
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('1'), { scope: 'chat' }),
    },
    {
      id: 'KEY_EPOCH_UNKNOWN',
      last: 'authorizing',
      arrange: forged({ keyEpoch: 7 }),
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
      by: 'a key commitment that does not match',
      last: 'hkdf',
      arrange: (b) => forged({ payload: withBitFlipped(b.envelope.payload!, 7) })(b),
    },
    {
      id: 'DECRYPT_FAILED:DECRYPTION',
      by: 'a tag that does not match',
      last: 'aes256gcm.open',
      arrange: (b) => forged({ payload: withBitFlipped(b.envelope.payload!, 32 * 8) })(b),
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
      arrange: (b) => sealed(b.aliceKeys, b.bobKeys, encodeUtf8('{"a":')),
    },
  ],
};
