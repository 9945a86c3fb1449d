import {
  type CryptoProvider,
  createKeyRecord,
  LoopbackTransport,
  type RegistryEntry,
  type SendOptions,
} from '@private.me/xlink';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { identityOf } from '../support/agents.js';
import { NOON } from '../support/clock.js';
import { keysOf, recordOf } from '../support/forge.js';
import { unwrap } from '../support/results.js';
import { type Attempt, type Bench, OTHER_KIND, WEAK } from './lifecycle-bench.js';

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
export const deaf = new LoopbackTransport();
export const SEND_ATTEMPTS: Record<string, readonly SendAttempt[]> = {
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
      last: 'key record, ed25519',
      arrange: showing((entry) => ({ ...entry, keys: { ...entry.keys, epoch: 7 } })),
    },
    {
      id: 'KEY_RECORD_ROLLED_BACK',
      last: 'key record, mlDsa65',
      met: true,
      arrange: afterSending((b) => recordOf(b.bobKeys, b.aliceKeys, 1)),
    },
    {
      id: 'KEY_RECORD_DOWNGRADED',
      by: 'a record without post-quantum keys',
      last: 'key record, ed25519',
      noPqKey: true,
      met: true,
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
      last: 'key record, mlDsa65',
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
      last: 'key record, ed25519',
      noPqKey: true,
      agent: { minVersion: 3 },
      arrange: showing(async (entry, b) => ({
        ...entry,
        keys: await recordOf(b.bobKeys, await identityOf('bob', 2), 5),
      })),
    },
  ],
  encrypting: [
    {
      id: 'KEY_RECORD_EXPIRED',
      last: 'encrypting',
      arrange: showing(async (entry, { bobKeys: { x25519, mlKem768 }, bobKeys }) => {
        const encryption = { keyEpoch: 0, notBefore: 0, notAfter: NOON - 1, x25519, mlKem768 };
        return { ...entry, keys: await createKeyRecord(bobKeys, { epoch: 5, encryption }) };
      }),
    },
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
