import { describe, expect, test } from '@jest/globals';
import { type Envelope, type Identity, MemoryNonceStore, requestBinding } from '@private.me/xlink';
import { agreedSecret, expandMessageKey } from '../../src/crypto/key-schedule.js';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { suiteFor } from '../../src/crypto/suites.js';
import { labelOf } from '../../src/envelope/kinds.js';
import { parseEnvelope } from '../../src/envelope/parse.js';
import { signOnlyEnvelope } from '../../src/envelope/seal.js';
import { headerTranscript, signatureTranscript } from '../../src/envelope/transcript.js';
import { encodeBase64url } from '../../src/util/base64url.js';
import { encodeUtf8 } from '../../src/util/utf8.js';
import { identityOf } from '../support/agents.js';
import { frozenClock, NOON } from '../support/clock.js';
import { altered, keysOf, type Loose, opened, recordOf, resigned, sealed } from '../support/forge.js';
import { errorOf, idOf, thrownBy } from '../support/results.js';
import { cast, fromAlice, KEYS } from './attacks-support.js';

const WINDOW_MS = 30_000;

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
      const cut = altered(envelope, changes);
      const result = await bob.receive(cut, { allowCleartext: true, request: cut.request! });
      expect(['VERIFICATION_FAILED', 'PARSE_FAILED']).toContain(errorOf(result).code);
    }
    const { request } = envelope;
    expect(idOf(await bob.receive(envelope, { allowCleartext: true, request: request! }))).toBe('ok');
  });

  test('two different sets of fields never have the same transcript', async () => {
    const base = await signOnlyEnvelope(KEYS.alice, {
      version: 3,
      kind: 'request',
      to: KEYS.bob.did,
      timestamp: NOON,
      nonce: new Uint8Array(16),
      scope: 'ab',
      request: 'AB /cd',
      fields: 'ab',
      fieldsDigest: new Uint8Array(32),
      contentDigest: new Uint8Array(32),
      contentType: 'ef',
    });
    const texts = ['a', 'ab', 'abc', 'b'];
    const seen = new Set<string>();
    for (const scope of texts)
      for (const request of ['A b', 'A bc', 'AB c', 'A a'])
        for (const fields of [...texts, undefined])
          for (const contentType of [...texts, undefined]) {
            const fieldsDigest = fields === undefined ? undefined : base.fieldsDigest;
            const cut = altered(base, { scope, request, fields, fieldsDigest, contentType });
            seen.add(Buffer.from(headerTranscript(parseEnvelope(cut))).toString('hex'));
          }
    expect(seen.size).toBe(4 * 4 * 5 * 5);
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
  const opens = (keys: Identity, envelope: Envelope) => opened(keys, envelope);

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

describe('another identity', () => {
  test('that takes a sealed payload and signs it as its own does not get it opened', async () => {
    for (const version of [1, 2, 3] as const) {
      const { bob, mallory } = await cast({}, version);
      const stolen = altered(await fromAlice(version), { from: mallory.did });
      expect(idOf(await bob.receive(await resigned(KEYS.mallory, stolen)))).toBe('DECRYPT_FAILED:DECRYPTION');
    }
  });

  test('that was sent a payload cannot pass it on as sent to somebody else', async () => {
    const { alice, mallory } = await cast();
    const toBob = await fromAlice(3);
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
    const envelope = await fromAlice(3);
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
    const [from, to, v2] = ['from', 'to', labelOf(suiteFor(2, true), 'message')];
    const key = async (...args: [typeof base, typeof v2, string, string]) => {
      const [agreement, label, sender, recipient] = args;
      const secret = agreedSecret(label, agreement);
      const derived = await expandMessageKey(defaultProvider(), secret, label, sender, recipient);
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
      key(base, labelOf(suiteFor(3, true), 'message'), from, to),
      key(base, v2, to, from),
      key(base, v2, 'fromt', 'o'),
      encodeUtf8('o'),
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
