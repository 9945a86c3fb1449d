import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  Agent,
  type AgentOptions,
  createKeyRecord,
  type Did,
  type Envelope,
  type ErrorId,
  encodeDidKey,
  type Identity,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type ReceiveInput,
  type RegistryEntry,
  requestBinding,
  type TrustRegistry,
  type Version,
} from '@private.me/xlink';
import { deriveMessageKey } from '../../src/crypto/key-schedule.js';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { SUITES, suiteFor } from '../../src/crypto/suites.js';
import { openPayload } from '../../src/envelope/open.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf, seedOf } from '../support/agents.js';
import { frozenClock, NOON } from '../support/clock.js';
import { altered, type Loose, recordOf, resigned, sealed, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';
import { pair, World } from '../support/world.js';

const KEYS = {
  alice: await identityOf('alice', 3),
  bob: await identityOf('bob', 3),
  mallory: await identityOf('mallory', 3),
};
const WINDOW_MS = 30_000;

/** A registry between the agents and the real one, with somebody in it. */
class TamperedRegistry implements TrustRegistry {
  readonly real = new MemoryTrustRegistry();
  tamper: (entry: RegistryEntry) => RegistryEntry | undefined = (entry) => entry;
  lookup(did: Did) {
    const entry = this.real.lookup(did);
    return entry && this.tamper(entry);
  }
  register = this.real.register.bind(this.real);
  updateKeys = this.real.updateKeys.bind(this.real);
  /** From now on the entry of `did` shows these keys. */
  showKeys(did: Did, keys: unknown) {
    this.tamper = (entry) => (entry.did === did ? ({ ...entry, keys } as RegistryEntry) : entry);
  }
}

/** Alice, Bob and Mallory, all of them registered; keys are made once for this file. */
async function cast(forBob: AgentOptions = {}) {
  const clock = frozenClock();
  const registry = new TamperedRegistry();
  const join = async (identity: Identity, options: AgentOptions = {}) => {
    const agent = new Agent({ clock, registry, ...options, identity });
    unwrap(await registry.register({ did: agent.did, keys: await agent.keyRecord() }));
    return agent;
  };
  return {
    clock,
    registry,
    alice: await join(KEYS.alice),
    bob: await join(KEYS.bob, forBob),
    mallory: await join(KEYS.mallory),
  };
}

const fromAlice = (version: Version = 2, content = '"hi"') =>
  sealed(KEYS.alice, KEYS.bob, encodeUtf8(content), { version });

describe('fields', () => {
  test('moving text from one signed field into its neighbour breaks the signature', async () => {
    const { alice, bob } = await cast();
    const envelope = await alice.createEnvelope({
      to: bob.did,
      signedOnly: true,
      scope: 'pay.GET',
      request: 'GET /pay',
      content: encodeUtf8('body'),
      contentType: 'text/plain',
    });
    const recuts: Loose[] = [
      { scope: 'pay.GETGET', request: 'GET /pay' },
      { scope: 'pay', request: 'GET /payGET' },
      { scope: 'pay.GETG', request: 'ET /pay' },
      { request: 'GET /pa', contentType: 'ytext/plain' },
      { request: 'GET /paytext', contentType: '/plain' },
      { contentDigest: undefined, contentType: `${envelope.contentDigest}text/plain` },
      { contentDigest: undefined, inReplyTo: envelope.contentDigest?.slice(0, 22) },
      { inReplyTo: envelope.nonce },
      { contentType: undefined },
    ];
    for (const changes of recuts) {
      const result = await bob.receive(altered(envelope, changes), { allowCleartext: true });
      expect(['VERIFICATION_FAILED', 'PARSE_FAILED']).toContain(errorOf(result).code);
    }
    expect(idOf(await bob.receive(envelope, { allowCleartext: true }))).toBe('ok');
  });

  test('two different sets of fields never have the same transcript', async () => {
    const base = await sealed(KEYS.alice, KEYS.bob, encodeUtf8('1'), {
      scope: 'ab',
      request: 'AB /cd',
      contentDigest: new Uint8Array(32),
      contentType: 'ef',
    });
    const texts = ['a', 'ab', 'abc', 'b'];
    const seen = new Map<string, string>();
    for (const scope of texts) {
      for (const request of ['A b', 'A bc', 'AB c', undefined]) {
        for (const contentType of [...texts, undefined]) {
          const header = headerTranscript(parseEnvelope(altered(base, { scope, request, contentType })));
          seen.set(Buffer.from(header).toString('hex'), JSON.stringify([scope, request, contentType]));
        }
      }
    }
    expect(seen.size).toBe(4 * 4 * 5);
  });

  test('what is signed is a small fixed size, however large the payload', async () => {
    const sizes = await Promise.all(
      [1, 100_000].map(async (length) => {
        const parsed = parseEnvelope(await sealed(KEYS.alice, KEYS.bob, new Uint8Array(length)));
        return (await signatureTranscript(defaultProvider(), parsed, headerTranscript(parsed))).length;
      }),
    );
    expect(sizes[0]).toBe(sizes[1]);
    expect(sizes[0]).toBeLessThan(150);
  });
});

describe('nonces', () => {
  test('a stranger cannot burn the nonce of a message that is on its way', async () => {
    const { bob, mallory } = await cast();
    const envelope = await fromAlice();
    const forgeries = [
      altered(envelope, { signature: withBitFlipped(envelope.signature, 0) }),
      altered(envelope, { scope: 'other' }),
      altered(envelope, { payload: envelope.payload!.slice(4) }),
      await resigned(KEYS.mallory, envelope),
    ];
    for (const forgery of forgeries) {
      expect(idOf(await bob.receive(forgery))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    }
    const sameNonce = await resigned(KEYS.mallory, altered(envelope, { from: mallory.did }));
    expect(idOf(await bob.receive(sameNonce))).toBe('DECRYPT_FAILED:DECRYPTION');
    expect((await bob.receive(envelope)).value?.payload).toBe('hi');
  });

  test('strangers cannot fill the nonce store', async () => {
    const clock = frozenClock();
    const nonceStore = new MemoryNonceStore({ clock, maxEntries: 10 });
    const { bob, registry } = await cast({ nonceStore });
    const stranger = await identityOf('stranger', 1);
    const recipient = await identityOf('bob', 1);
    for (let i = 0; i < 20; i++) {
      const unknown = await sealed(stranger, recipient, encodeUtf8('1'), { version: 1 });
      expect(idOf(await bob.receive(unknown))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
      expect(idOf(await bob.receive(altered(unknown, { from: KEYS.alice.did })))).toBe(
        'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      );
    }
    await registry.register({ did: stranger.did, sendScopes: [] });
    const unauthorized = await sealed(stranger, recipient, encodeUtf8('1'), { version: 1 });
    expect(idOf(await bob.receive(unauthorized))).toBe('SCOPE_DENIED');
    expect(nonceStore.size).toBe(0);
  });

  test('a registered sender fills its own share of the nonce store and no other', async () => {
    const clock = frozenClock();
    const nonceStore = new MemoryNonceStore({ clock, maxEntries: 100, maxEntriesPerSender: 5 });
    const { bob } = await cast({ nonceStore });
    const flood = async () => idOf(await bob.receive(await sealed(KEYS.mallory, KEYS.bob, encodeUtf8('1'))));
    for (let i = 0; i < 5; i++) expect(await flood()).toBe('ok');
    for (let i = 0; i < 5; i++) expect(await flood()).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    expect(nonceStore.size).toBe(5);
    expect(idOf(await bob.receive(await fromAlice()))).toBe('ok');
  });

  test('a message dated at the far end of the window cannot be replayed for as long as its timestamp is good', async () => {
    const { bob, clock } = await cast();
    const envelope = await sealed(KEYS.alice, KEYS.bob, encodeUtf8('1'), { timestamp: NOON + WINDOW_MS });
    expect(idOf(await bob.receive(envelope))).toBe('ok');
    for (let elapsed = 0; elapsed < 2 * WINDOW_MS; elapsed += 1000) {
      expect(idOf(await bob.receive(envelope))).toBe('REPLAY_DETECTED');
      clock.advance(1000);
    }
    expect(clock()).toBe(NOON + 2 * WINDOW_MS);
    expect(idOf(await bob.receive(envelope))).toBe('REPLAY_DETECTED');
    clock.advance(1);
    expect(idOf(await bob.receive(envelope))).toBe('TIMESTAMP_EXPIRED');
  });

  test('a nonce is remembered for at least twice the window after it was claimed', async () => {
    const clock = frozenClock();
    const ttls: number[] = [];
    const store = new MemoryNonceStore({ clock });
    const nonceStore = {
      seen: store.seen.bind(store),
      claim: (...[use, ttlMs]: Parameters<MemoryNonceStore['claim']>) => {
        ttls.push(ttlMs);
        return store.claim(use, ttlMs);
      },
    };
    const { bob } = await cast({ nonceStore, timestampWindowMs: 5000 });
    await bob.receive(await fromAlice());
    expect(ttls).toEqual([11_000]);
  });

  test('what a run before a restart may have accepted is refused, and a fresh message gets through', async () => {
    const { bob, clock, registry, alice } = await cast();
    const accepted = await fromAlice();
    expect(idOf(await bob.receive(accepted))).toBe('ok');
    clock.advance(1000);
    const restarted = new Agent({ identity: KEYS.bob, registry, clock });
    expect(idOf(await restarted.receive(accepted))).toBe('NONCE_STORE_UNAVAILABLE:COLD_START');
    expect(idOf(await restarted.receive(await alice.createEnvelope({ to: bob.did, payload: 1 })))).toBe('ok');
  });

  test('a message that a fast clock dated after the restart is not covered: that takes a store that persists', async () => {
    const { bob, clock, registry } = await cast();
    const ahead = await sealed(KEYS.alice, KEYS.bob, encodeUtf8('1'), { timestamp: NOON + 5000 });
    expect(idOf(await bob.receive(ahead))).toBe('ok');
    clock.advance(1000);
    const restarted = new Agent({ identity: KEYS.bob, registry, clock });
    expect(idOf(await restarted.receive(ahead))).toBe('ok');
    expect(idOf(await restarted.receive(ahead))).toBe('REPLAY_DETECTED');
  });

  test('two instances that share a store accept a message once between them', async () => {
    const clock = frozenClock();
    const nonceStore = new MemoryNonceStore({ clock });
    const { bob, registry } = await cast({ nonceStore });
    const second = new Agent({ identity: KEYS.bob, registry, clock, nonceStore });
    const envelope = await fromAlice();
    const results = await Promise.all([bob.receive(envelope), second.receive(envelope)]);
    expect(results.map(idOf).sort()).toEqual(['REPLAY_DETECTED', 'ok']);
  });

  test('of 50 simultaneous receives of one envelope exactly one succeeds', async () => {
    for (const version of [1, 2, 3] as const) {
      const { bob } = await cast();
      const envelope = await fromAlice(version);
      const results = await Promise.all(Array.from({ length: 50 }, () => bob.receive(envelope)));
      const ids = results.map(idOf);
      expect(ids.filter((id) => id === 'ok')).toHaveLength(1);
      expect(ids.filter((id) => id === 'REPLAY_DETECTED')).toHaveLength(49);
    }
  });

  test('the same nonce from two senders is two messages', async () => {
    const { bob } = await cast();
    const nonce = new Uint8Array(16).fill(9);
    for (const sender of [KEYS.alice, KEYS.mallory]) {
      expect(idOf(await bob.receive(await sealed(sender, KEYS.bob, encodeUtf8('1'), { nonce })))).toBe('ok');
    }
    const again = await sealed(KEYS.alice, KEYS.bob, encodeUtf8('2'), { nonce });
    expect(idOf(await bob.receive(again))).toBe('REPLAY_DETECTED');
  });

  test('another signature over the same message is still a replay', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    expect(idOf(await bob.receive(envelope))).toBe('ok');
    const again = await resigned(KEYS.alice, envelope);
    expect(again.pqSignature).not.toBe(envelope.pqSignature);
    expect(idOf(await bob.receive(again))).toBe('REPLAY_DETECTED');
  });

  test('a signature with S + L in place of S does not verify', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice();
    const signature = decodeBase64url(envelope.signature)!.slice();
    let s = 0n;
    for (let i = 63; i >= 32; i--) s = (s << 8n) | BigInt(signature[i]!);
    s += ed25519.Point.Fn.ORDER;
    for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 255n);
    const twin = altered(envelope, { signature: encodeBase64url(signature) });
    expect(idOf(await bob.receive(twin))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
  });
});

describe('clocks', () => {
  test.each([
    ['behind', -1, 'TIMESTAMP_EXPIRED'],
    ['ahead', 1, 'TIMESTAMP_EXPIRED:FUTURE'],
  ] as const)(
    'a sender whose clock is %s is taken up to the window and not a millisecond further',
    async (_, sign, id) => {
      const clock = frozenClock();
      const { bob } = await cast({ nonceStore: new MemoryNonceStore({ clock, coldStart: 'accept' }) });
      const dated = (offset: number) =>
        sealed(KEYS.alice, KEYS.bob, encodeUtf8('1'), { timestamp: NOON + sign * offset });
      expect(idOf(await bob.receive(await dated(WINDOW_MS)))).toBe('ok');
      expect(idOf(await bob.receive(await dated(WINDOW_MS + 1)))).toBe(id);
    },
  );
});

describe('forward secrecy', () => {
  const opens = (keys: Identity, envelope: Envelope) => openPayload(keys, parseEnvelope(envelope));

  test('the sender’s keys do not open what it sent', async () => {
    for (const version of [1, 2, 3] as const) {
      const thrown = await thrownBy(async () => opens(KEYS.alice, await fromAlice(version)));
      expect(thrown.id).toBe('DECRYPT_FAILED:DECRYPTION');
    }
  });

  test('the recipient’s keys do open what was recorded: that is not covered', async () => {
    const content = await opens(await identityOf('bob', 3), await fromAlice(3, '"recorded"'));
    expect(Buffer.from(content!).toString()).toBe('"recorded"');
  });
});

describe('a registry that was broken into', () => {
  const substitutes: [string, () => Promise<unknown>, ErrorId][] = [
    [
      'drops the post-quantum keys of a record',
      async () => ({ ...(await createKeyRecord(KEYS.bob)), mlKem768: undefined, mlDsa65: undefined }),
      'KEY_RECORD_INVALID',
    ],
    [
      'puts its own X25519 key into a record',
      async () => ({
        ...(await createKeyRecord(KEYS.bob)),
        x25519: encodeBase64url(KEYS.mallory.x25519.publicKey),
      }),
      'KEY_RECORD_INVALID',
    ],
    ['shows the record of another DID', () => createKeyRecord(KEYS.mallory), 'KEY_RECORD_INVALID'],
    [
      'shows its own keys, signed by itself',
      () => signedAs(KEYS.bob.did, KEYS.mallory),
      'KEY_RECORD_INVALID',
    ],
    [
      'shows keys without a signature',
      async () => ({ ...(await createKeyRecord(KEYS.bob)), signature: undefined }),
      'KEY_RECORD_INVALID',
    ],
  ];
  const rollbacks: [string, () => Promise<unknown>, ErrorId][] = [
    [
      'shows an older record with the keys of that time',
      () => recordOf(KEYS.bob, keysOf(KEYS.mallory), 1),
      'KEY_RECORD_ROLLED_BACK',
    ],
    [
      'shows other keys of the same epoch, once signed by the DID',
      () => recordOf(KEYS.bob, keysOf(KEYS.mallory), NOON / 1000),
      'KEY_RECORD_ROLLED_BACK',
    ],
    [
      'shows a newer record that lost its post-quantum keys',
      async () => recordOf(KEYS.bob, await identityOf('bob', 1), NOON / 1000 + 1),
      'KEY_RECORD_DOWNGRADED',
    ],
    [
      'shows a newer record that lost its ML-DSA key',
      async () => recordOf(KEYS.bob, await identityOf('bob', 2), NOON / 1000 + 1),
      'KEY_RECORD_DOWNGRADED',
    ],
    ['shows no record any more', async () => undefined, 'KEY_RECORD_DOWNGRADED'],
  ];
  const signedAs = async (did: Did, by: Identity) =>
    recordOf({ did, ed25519: by.ed25519 } as Identity, by, NOON / 1000 + 9);

  test.each(substitutes)(
    'and %s gets nothing sealed for it, even by one who never met the owner',
    async (_, keys, id) => {
      const { alice, bob, registry } = await cast();
      registry.showKeys(bob.did, await keys());
      expect(idOf(await alice.send({ to: bob.did, payload: 'secret' }))).toBe(id);
    },
  );

  test.each([...substitutes, ...rollbacks])(
    'and %s is noticed by one who met the owner, sending and receiving',
    async (_, keys, id) => {
      const { alice, bob, registry } = await cast();
      expect(idOf(await alice.send({ to: bob.did, payload: 1 }))).toBe('ok');
      registry.showKeys(bob.did, await keys());
      expect(idOf(await alice.send({ to: bob.did, payload: 2 }))).toBe(id);
      const fromBob = await sealed(KEYS.bob, KEYS.alice, encodeUtf8('1'), { version: 3 });
      expect(idOf(await alice.receive(fromBob))).toBe(id);
    },
  );

  test('cannot bring an old record back by answering two questions at once', async () => {
    const { alice, bob, registry } = await cast();
    const records = [
      await createKeyRecord(KEYS.bob, { epoch: 2 }),
      await recordOf(KEYS.bob, keysOf(KEYS.mallory), 1),
    ];
    let asked = 0;
    registry.tamper = (entry) => ({ ...entry, keys: records[asked++]! });
    const ids = await Promise.all(
      records.map(async () => idOf(await alice.send({ to: bob.did, payload: 1 }))),
    );
    expect(ids).toEqual(['ok', 'KEY_RECORD_ROLLED_BACK']);
  });

  test('the owner can still change keys, and tell a peer to forget', async () => {
    const { alice, bob, registry } = await cast();
    await alice.send({ to: bob.did, payload: 1 });
    registry.showKeys(bob.did, await createKeyRecord(KEYS.bob, { epoch: NOON / 1000 + 1 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 2 }))).toBe('ok');
    registry.showKeys(bob.did, await recordOf(KEYS.bob, await identityOf('bob', 1), NOON / 1000 + 2));
    expect(idOf(await alice.send({ to: bob.did, payload: 3 }))).toBe('KEY_RECORD_DOWNGRADED');
    alice.forgetPeer(bob.did);
    expect((await alice.send({ to: bob.did, payload: 4 })).value?.version).toBe(1);
  });
});

const keysOf = ({ x25519, mlKem768, mlDsa65 }: Identity) => ({ x25519, mlKem768, mlDsa65 });

describe('versions', () => {
  test('a peer that has shown a version is not taken below it', async () => {
    const { bob } = await cast();
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('ok');
    expect(idOf(await bob.receive(await fromAlice(1)))).toBe('VERSION_TOO_LOW');
    expect(idOf(await bob.receive(await fromAlice(3)))).toBe('ok');
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('what was shown is remembered even if the first messages come all at once', async () => {
    const { bob } = await cast();
    const first = await Promise.all([1, 2, 3, 2, 1].map((version) => fromAlice(version as Version)));
    await Promise.all(first.map((envelope) => bob.receive(envelope)));
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('what was shown is not forgotten because the same keys are signed anew', async () => {
    const { bob, registry } = await cast();
    expect(idOf(await bob.receive(await fromAlice(3)))).toBe('ok');
    registry.showKeys(KEYS.alice.did, await createKeyRecord(KEYS.alice, { epoch: NOON / 1000 + 1 }));
    expect(idOf(await bob.receive(await fromAlice(2)))).toBe('VERSION_TOO_LOW');
  });

  test('a forged high version does not lock its owner out', async () => {
    const { bob } = await cast();
    const forged = altered(await fromAlice(3), { scope: 'forged' });
    expect(idOf(await bob.receive(forged))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    expect(idOf(await bob.receive(await fromAlice(1)))).toBe('ok');
  });

  test('a version 3 envelope relabelled as version 2 or 1 does not verify', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const suite = (version: Version, isSealed = true) => ({
      version,
      suite: suiteFor(version, isSealed).name,
    });
    const as2 = { ...suite(2), pqSignature: undefined };
    const as1 = { ...suite(1), pqSignature: undefined, kemCiphertext: undefined };
    const unsealed = { ...suite(3, false), ephemeralPub: undefined, kemCiphertext: undefined };
    for (const changes of [as2, as1, unsealed]) {
      const result = await bob.receive(altered(envelope, changes), { allowCleartext: true });
      expect(idOf(result)).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    }
    expect(idOf(await bob.receive(altered(envelope, { version: 2 })))).toBe('PARSE_FAILED:UNKNOWN_VERSION');
    expect(idOf(await bob.receive(altered(envelope, suite(2))))).toBe('PARSE_FAILED:UNKNOWN_FIELD');
  });

  test('a version 3 envelope without its second signature is malformed', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const stripped = altered(envelope, { pqSignature: undefined });
    expect(errorOf(await bob.receive(stripped))).toMatchObject({
      id: 'PARSE_FAILED:PQ_SIGNATURE_MISSING',
      field: 'pqSignature',
    });
    const emptied = altered(envelope, { pqSignature: '' });
    expect(errorOf(await bob.receive(emptied))).toMatchObject({ id: 'PARSE_FAILED', field: 'pqSignature' });
  });

  test('both signatures of version 3 must be by the sender', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(3);
    const byMallory = await resigned(KEYS.mallory, envelope);
    const { signature, pqSignature } = byMallory;
    expect(idOf(await bob.receive(altered(envelope, { signature: signature })))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(idOf(await bob.receive(altered(envelope, { pqSignature: pqSignature! })))).toBe(
      'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH',
    );
  });
});

describe('another identity', () => {
  test('that takes a sealed payload and signs it as its own does not get it opened', async () => {
    for (const version of [1, 2, 3] as const) {
      const { bob, mallory } = await cast();
      const stolen = altered(await fromAlice(version), { from: mallory.did });
      expect(idOf(await bob.receive(await resigned(KEYS.mallory, stolen)))).toBe('DECRYPT_FAILED:DECRYPTION');
    }
  });

  test('that was sent a payload cannot pass it on as sent to somebody else', async () => {
    const { alice, mallory } = await cast();
    const toBob = await fromAlice(2);
    const passedOn = altered(toBob, { from: KEYS.bob.did, to: mallory.did });
    expect(idOf(await mallory.receive(await resigned(KEYS.bob, passedOn)))).toBe('DECRYPT_FAILED:DECRYPTION');
    expect(idOf(await mallory.receive(altered(toBob, { to: mallory.did })))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(alice.did).toBe(toBob.from);
  });

  test('that registers the encryption keys of the recipient as its own cannot redirect what is sealed for it', async () => {
    const { alice, bob, mallory, registry } = await cast();
    const bobsKeys = { ...keysOf(KEYS.bob), mlDsa65: KEYS.mallory.mlDsa65 };
    registry.showKeys(mallory.did, await recordOf(KEYS.mallory, bobsKeys, NOON / 1000 + 1));
    const toMallory = await alice.createEnvelope({ to: mallory.did, payload: 'for mallory' });
    for (const from of [KEYS.mallory, KEYS.alice]) {
      const redirected = await resigned(from, altered(toMallory, { from: from.did, to: bob.did }));
      expect(idOf(await bob.receive(redirected))).toBe('DECRYPT_FAILED:DECRYPTION');
    }
  });

  test('re-encapsulating to the same recipient changes the key', async () => {
    const { bob } = await cast();
    const envelope = await fromAlice(2);
    const encapsulator = await defaultProvider().mlKem768.encapsulator(KEYS.bob.mlKem768!.publicKey);
    const { ciphertext } = await encapsulator!.encapsulate();
    const swapped = altered(envelope, { kemCiphertext: encodeBase64url(ciphertext) });
    expect(idOf(await bob.receive(await resigned(KEYS.alice, swapped)))).toBe('DECRYPT_FAILED:DECRYPTION');
  });

  test('the message key depends on both secrets, both ciphertexts, both recipient keys, the suite and both DIDs', async () => {
    const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
    const base = {
      x25519Secret: bytes(32, 1),
      ephemeralPub: bytes(32, 2),
      recipientX25519: bytes(32, 3),
      kem: { secret: bytes(32, 4), ciphertext: bytes(1088, 5), recipientKey: bytes(1184, 6) },
    };
    const [from, to, v2] = [encodeUtf8('from'), encodeUtf8('to'), suiteFor(2, true)];
    const key = async (...args: [typeof base, typeof v2, Uint8Array, Uint8Array]) => {
      const [agreement, suite, sender, recipient] = args;
      const derived = await deriveMessageKey(defaultProvider(), suite, sender, recipient, agreement);
      return Buffer.concat([derived.key, derived.iv]).toString('hex');
    };
    const keys = await Promise.all([
      key(base, v2, from, to),
      key({ ...base, x25519Secret: bytes(32, 9) }, v2, from, to),
      key({ ...base, ephemeralPub: bytes(32, 9) }, v2, from, to),
      key({ ...base, recipientX25519: bytes(32, 9) }, v2, from, to),
      key({ ...base, kem: { ...base.kem, secret: bytes(32, 9) } }, v2, from, to),
      key({ ...base, kem: { ...base.kem, ciphertext: bytes(1088, 9) } }, v2, from, to),
      key({ ...base, kem: { ...base.kem, recipientKey: bytes(1184, 9) } }, v2, from, to),
      key(base, suiteFor(3, true), from, to),
      key(base, v2, to, from),
      key(base, v2, encodeUtf8('fromt'), encodeUtf8('o')),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('a request cannot be passed off as made for another endpoint or method', async () => {
    const { alice, bob } = await cast();
    const request = requestBinding('post', '/transfers?dry=1');
    const make = () => alice.createEnvelope({ to: bob.did, payload: 1, request });
    for (const other of [
      'GET /transfers?dry=1',
      'POST /transfers',
      'POST /transfers?dry=1&',
      'POST /Transfers?dry=1',
    ]) {
      expect(idOf(await bob.receive(await make(), { request: other }))).toBe('REQUEST_BINDING_MISMATCH');
    }
    const moved = altered(await make(), { request: 'GET /transfers' });
    expect(idOf(await bob.receive(moved, { request: 'GET /transfers' }))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(idOf(await bob.receive(await make(), { request }))).toBe('ok');
  });

  test('asking for a bound request without naming it is an error, not a check that is skipped', async () => {
    const { bob } = await cast();
    const result = await bob.receive(await fromAlice(), { requireRequestBinding: true });
    expect(errorOf(result)).toMatchObject({ id: 'INVALID_OPTION', field: 'request' });
  });

  test('an answer cannot be passed off as the answer to another request', async () => {
    const { alice, bob } = await cast();
    const [first, second] = [
      await alice.send({ to: bob.did, payload: 1 }),
      await alice.send({ to: bob.did, payload: 2 }),
    ];
    const answer = await bob.createEnvelope({
      to: alice.did,
      payload: 'to the first',
      inReplyTo: first.value!.envelopeId,
    });
    const swapped = altered(answer, { inReplyTo: second.value!.envelopeId });
    expect(idOf(await alice.receive(swapped))).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    expect(idOf(await alice.receive(altered(answer, { inReplyTo: undefined })))).toBe(
      'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect((await alice.receive(answer)).value?.inReplyTo).toBe(first.value?.envelopeId);
  });
});

describe('JSON', () => {
  const json = async () => JSON.stringify(await fromAlice());
  const refused: [string, (good: string) => string, ErrorId][] = [
    ['a member twice', (good) => `{"scope":"admin",${good.slice(1)}`, 'PARSE_FAILED:DUPLICATE_FIELD'],
    ['a member twice, alike', (good) => `{"version":2,${good.slice(1)}`, 'PARSE_FAILED:DUPLICATE_FIELD'],
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
    ['a fraction of zero', (good) => good.replace('"version":2', '"version":2.0'), 'PARSE_FAILED:SYNTAX'],
    ['an exponent', (good) => good.replace(`${NOON}`, '17e11'), 'PARSE_FAILED:SYNTAX'],
    ['a negative number', (good) => good.replace(`${NOON}`, `-${NOON}`), 'PARSE_FAILED:SYNTAX'],
    ['a leading zero', (good) => good.replace(`${NOON}`, `0${NOON}`), 'PARSE_FAILED:SYNTAX'],
    ['an unsafe integer', (good) => good.replace(`${NOON}`, '9007199254740993'), 'PARSE_FAILED'],
    ['a huge integer', (good) => good.replace(`${NOON}`, '9'.repeat(400)), 'PARSE_FAILED:SYNTAX'],
    ['a number as text', (good) => good.replace('"version":2', '"version":"2"'), 'PARSE_FAILED'],
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
    const huge = `{"payload":"${'A'.repeat(2 ** 20)}"}`;
    expect(idOf(await bob.receive(huge))).toBe('ENVELOPE_TOO_LARGE');
    expect(idOf(await bob.receive(new Uint8Array(2 ** 20 + 1)))).toBe('ENVELOPE_TOO_LARGE');
    expect(idOf(await bob.receive({ payload: 'A'.repeat(2 ** 20 + 1) } as never))).toBe('ENVELOPE_TOO_LARGE');
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
    for (const version of [1, 2] as const) {
      const { bob } = await cast();
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

describe('a flipped bit', () => {
  const full = {
    request: 'POST /a?b=c',
    contentDigest: new Uint8Array(32).fill(1),
    contentType: 'text/plain',
    inReplyTo: 'AAAAAAAAAAAAAAAAAAAAAA',
  };
  const signedOnly = (version: Version) => async () => {
    const agent = new Agent({ identity: KEYS.alice, clock: () => NOON, registry: await registryOfBob() });
    return agent.createEnvelope({
      to: KEYS.bob.did,
      version,
      payload: { a: 1 },
      signedOnly: true,
      scope: 'chat',
      request: full.request,
      content: encodeUtf8('body'),
      contentType: full.contentType,
      inReplyTo: full.inReplyTo,
    });
  };
  const registryOfBob = async () => {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.register({ did: KEYS.bob.did, keys: await createKeyRecord(KEYS.bob) }));
    return registry;
  };
  const forms: [string, () => Promise<Envelope>][] = [
    ...([1, 2, 3] as const).map((version): [string, () => Promise<Envelope>] => [
      `sealed version ${version}`,
      () => sealed(KEYS.alice, KEYS.bob, encodeUtf8('{"a":1}'), { version, ...full }),
    ]),
    ...([1, 2, 3] as const).map((version): [string, () => Promise<Envelope>] => [
      `signed-only version ${version}`,
      signedOnly(version),
    ]),
  ];
  const BINARY = /^(nonce|contentDigest|inReplyTo|ephemeralPub|kemCiphertext|payload|signature|pqSignature)$/;

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
    'in any member of a %s envelope gets it refused, and leaves the original good',
    async (_, make) => {
      const { bob } = await cast({
        nonceStore: new MemoryNonceStore({ coldStart: 'accept', clock: () => NOON }),
      });
      const envelope = await make();
      const accepted: string[] = [];
      const ids = new Map<string, Set<string>>();
      for (const [name, value] of Object.entries(envelope) as [string, string | number][]) {
        for (const flipped of flips(name, value)) {
          const id = idOf(
            await bob.receive(altered(envelope, { [name]: flipped }), { allowCleartext: true }),
          );
          if (id === 'ok') accepted.push(`${name} ${flipped}`);
          ids.set(name, (ids.get(name) ?? new Set()).add(id));
        }
      }
      expect(accepted).toEqual([]);
      expect([...ids.keys()].sort()).toEqual(Object.keys(envelope).sort());
      expect([...ids.values()].flatMap((set) => [...set]).filter((id) => UNEXPECTED.test(id))).toEqual([]);
      expect(idOf(await bob.receive(envelope, { allowCleartext: true }))).toBe('ok');
    },
  );

  /** Nothing about a changed envelope is the server's fault, and none gets as far as being decrypted. */
  const UNEXPECTED = /INTERNAL|UNAVAILABLE|LOOKUP|DECRYPT|REPLAY/;

  test('covers every member there is', async () => {
    const members = new Set<string>();
    for (const [, make] of forms) for (const name of Object.keys(await make())) members.add(name);
    expect(members.size).toBe(16);
    expect(forms).toHaveLength(SUITES.filter(({ form }) => form === 'message').length);
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
    const make = (draft: object = {}) =>
      sealed(KEYS.alice, KEYS.bob, encodeUtf8(content), {
        version: 3,
        request: `GET /a?api_key=${CANARY.apiKey}`,
        contentDigest: new Uint8Array(32),
        contentType: CANARY.apiKey,
        ...draft,
      });
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
      const error = errorOf(await agents.bob.receive(input as ReceiveInput, { onProgress, ...options }));
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
    await failing(() => undefined, { maxEnvelopeBytes: 1024 });
    await failing((_, { clock }) => clock.advance(WINDOW_MS + 1));
    await failing((_, { clock }) => clock.advance(-WINDOW_MS - 1));
    await failing(async (e, { bob }) => void (await bob.receive(e)));
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

    expect(ids.size).toBeGreaterThan(20);
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
