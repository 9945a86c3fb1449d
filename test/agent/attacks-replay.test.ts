import { describe, expect, test } from '@jest/globals';
import { ed25519 } from '@noble/curves/ed25519.js';
import { Agent, createKeyRecord, MemoryNonceStore } from '@private.me/xlink';
import { decodeBase64url, encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { frozenClock, NOON } from '../support/clock.js';
import { altered, resigned, sealed, withBitFlipped } from '../support/forge.js';
import { idOf } from '../support/results.js';
import { cast, fromAlice, KEYS } from './attacks-support.js';

const WINDOW_MS = 30_000;

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
    const stranger = await identityOf('stranger', 3);
    const recipient = KEYS.bob;
    for (let i = 0; i < 20; i++) {
      const unknown = await sealed(stranger, recipient, encodeUtf8('1'));
      expect(idOf(await bob.receive(unknown))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
      expect(idOf(await bob.receive(altered(unknown, { from: KEYS.alice.did })))).toBe(
        'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      );
    }
    const keys = await createKeyRecord(stranger);
    await registry.register({ did: stranger.did, keys, sendScopes: [] });
    const unauthorized = await sealed(stranger, recipient, encodeUtf8('1'));
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

  test('a nonce is remembered for twice the window and as long as a body may take to arrive, after it was claimed', async () => {
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
    expect(ttls).toEqual([5000 + 5000 + 300_000 + 1000]);
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
      const { bob } = await cast({}, version);
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
