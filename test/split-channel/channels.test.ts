import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentMessage,
  type Envelope,
  MemoryNonceStore,
  type ProgressEvent,
  reconstruct,
} from '@private.me/xlink';
import { defaultProvider as native } from '../../src/crypto/native/index.js';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import { decodeBundle } from '../../src/split-channel/bundle.js';
import { subsets } from '../../src/split-channel/subsets.js';
import { identityOf } from '../support/agents.js';
import { openedAnswer, receivedAnswer, sealedAnswer } from '../support/answers.js';
import { opened as openedBy, withBitFlipped } from '../support/forge.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { Channel, channels, down, loopbacks, lost, receiveAll, shuffled, twice } from './support.js';

const PAYLOAD = { text: 'MARKER-MARKER-MARKER-MARKER-4711', amount: 7 };
const PENDING = 'INSUFFICIENT_SHARES:PENDING';
const COMPLETE = 'REPLAY_DETECTED:GROUP_COMPLETE';
const KINDS = [
  ['sealed shares', false],
  ['Xchange', true],
] as const;
const quiet = () => undefined;
const asMessage = (envelope: Envelope) => ({ ...envelope, suite: envelope.suite.replace('+Shares', '') });

describe.each(KINDS)('%s', (_, xchange) => {
  const both = { xchange };
  const high = { payload: PAYLOAD, security: 'high', xchange } as const;

  test.each([
    ['high', 2, 3],
    ['critical', 3, 5],
  ] as const)(
    '%s: one of %d of %d shares over each channel, in the version of both sides',
    async (security, k, n) => {
      const { alice, bob, transports, warnings } = await channels(n, both, both);
      const got: AgentMessage[] = [];
      bob.onMessage((message) => void got.push(message));
      const sent = unwrap(await alice.send({ to: bob.did, payload: PAYLOAD, security, xchange }));
      expect(got).toEqual([
        expect.objectContaining({
          payload: PAYLOAD,
          envelopeId: sent.envelopeId,
          shares: { total: n, threshold: k },
          version: xchange ? 2 : 3,
          encrypted: true,
          ...(xchange ? { xchange } : {}),
        }),
      ]);
      const suites = transports.flatMap((one) =>
        (one as never as { outbox: Envelope[] }).outbox.map(({ suite }) => suite),
      );
      expect(suites).toEqual(
        Array(n).fill(xchange ? 'Xchange+A256GCM+Ed25519' : 'X25519+MLKEM768+A256GCM+Ed25519+MLDSA65+Shares'),
      );
      expect(sent.envelopes.map(({ nonce }) => nonce)).toHaveLength(
        new Set(sent.envelopes.map(({ nonce }) => nonce)).size,
      );
      expect(sent.security).toMatchObject({
        type: xchange ? 'xchange' : 'split',
        shares: { total: n, threshold: k },
      });
      expect(warnings).toEqual([]);
    },
  );

  const SHAPES = [
    [2, 2],
    [2, 3],
    [3, 3],
    [2, 4],
    [3, 5],
    [5, 5],
    [2, 11],
    [3, 7],
    [2, 16],
  ] as const;

  test.each(SHAPES)(
    '%d of %d: every choice of shares, in another order each, gives the message once',
    async (k, n) => {
      const { alice, bob, world } = await channels(n, { ...both, maxVersion: 2 }, { ...both, maxVersion: 2 });
      const split = { splitChannelConfig: { totalShares: n, threshold: k } };
      const { envelopes, envelopeId } = unwrap(
        await alice.send({ ...high, security: undefined, to: bob.did, ...split } as never),
      );
      const identity = await identityOf('bob');
      let tried = 0;
      for (const chosen of subsets(n, k)) {
        if (++tried > 30) break;
        const fresh = new Agent({
          identity,
          registry: world.registry,
          clock: world.clock,
          xchange,
          onWarning: quiet,
        });
        const rest = envelopes.filter((__, at) => !chosen.includes(at));
        const order = [...shuffled(chosen, tried).map((at) => envelopes[at]!), ...rest];
        const { messages, ids } = await receiveAll(fresh, order);
        expect(ids).toEqual([...Array(k - 1).fill(PENDING), 'message', ...Array(n - k).fill(COMPLETE)]);
        expect(messages[0]).toMatchObject({ payload: PAYLOAD, envelopeId });
      }
    },
  );

  test('from one provider to the other', async () => {
    const providers = [native(), createPortableProvider(), createPortableProvider({ subtle: false })];
    for (const [at, crypto] of providers.entries()) {
      const other = providers[(at + 1) % providers.length]!;
      const { alice, bob } = await channels(3, { ...both, crypto }, { ...both, crypto: other });
      const sent = await alice.send({ ...high, to: bob.did });
      expect(unwrap(await bob.receive(sent)).payload).toEqual(PAYLOAD);
    }
  });

  test('channels that lose: as long as enough arrive the message does, once', async () => {
    const { alice, bob } = await channels(
      [new Channel(), lost(), new Channel(), twice(), lost()],
      both,
      both,
    );
    const got: AgentMessage[] = [];
    const refused: string[] = [];
    bob.onMessage((message) => void got.push(message), { onRefused: ({ id }) => void refused.push(id) });
    unwrap(await alice.send({ ...high, security: 'critical', to: bob.did }));
    expect(got).toHaveLength(1);
    expect(refused).toEqual(['REPLAY_DETECTED']);
  });

  test('channels that are down: a warning names how many, below the threshold it is an error', async () => {
    const some = await channels([down(), new Channel(), new Channel()], both, both);
    unwrap(await some.alice.send({ ...high, to: some.bob.did }));
    expect(some.warnings).toEqual([
      {
        type: 'shares-not-delivered',
        delivered: 2,
        shares: 3,
        errors: [expect.objectContaining({ id: 'NETWORK_ERROR' })],
      },
    ]);
    const most = await channels([down(), new Channel(), down()], both, both);
    const error = errorOf(await most.alice.send({ ...high, to: most.bob.did }));
    expect(error.id).toBe('SEND_FAILED:BELOW_THRESHOLD');
    expect((error.cause as AggregateError).errors.map(({ id }) => id)).toEqual([
      'NETWORK_ERROR',
      'NETWORK_ERROR',
    ]);
    expect(most.warnings).toEqual([]);
  });

  test('a channel that throws counts as one that is down', async () => {
    const throws = new Channel(() => {
      throw new Error('no route');
    });
    const { alice, bob, warnings } = await channels([new Channel(), throws, new Channel()], both, both);
    unwrap(await alice.send({ ...high, to: bob.did }));
    expect(warnings[0]).toMatchObject({ type: 'shares-not-delivered', errors: [{ id: 'SEND_FAILED' }] });
  });

  test('a channel that alters: its share is refused, the others give the message', async () => {
    const tampering = new Channel((envelope) => [
      { ...envelope, payload: withBitFlipped(envelope.payload!, 400) },
      xchange ? { ...envelope, timestamp: envelope.timestamp + 1 } : asMessage(envelope),
      { ...envelope, scope: 'other' },
    ]);
    const { alice, bob } = await channels([tampering, new Channel(), new Channel()], both, both);
    const got: AgentMessage[] = [];
    const refused: string[] = [];
    bob.onMessage((message) => void got.push(message), { onRefused: ({ id }) => void refused.push(id) });
    unwrap(await alice.send({ ...high, to: bob.did }));
    expect(got.map(({ payload }) => payload)).toEqual([PAYLOAD]);
    expect(refused).toEqual(Array(3).fill('VERIFICATION_FAILED:SIGNATURE_MISMATCH'));
  });

  test('forty messages, their shares shuffled among each other and sent twice', async () => {
    const quick = { ...both, maxVersion: 2 } as const;
    const { alice, bob } = await channels(3, quick, { ...quick, shareLimits: { maxGroupsPerSender: 40 } });
    const sent = await Promise.all(
      Array.from({ length: 40 }, async (__, n) =>
        unwrap(await alice.send({ ...high, payload: { n }, to: bob.did })),
      ),
    );
    const all = sent.flatMap(({ envelopes }) => [...envelopes, envelopes[1]!]);
    const { messages, ids } = await receiveAll(bob, shuffled(all, 3));
    const numbers = messages.map(({ payload }) => (payload as { n: number }).n).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 40 }, (__, n) => n));
    expect(new Set(ids)).toEqual(new Set(['message', PENDING, COMPLETE, 'REPLAY_DETECTED']));
  });

  test('messages that are complete take no room and are not missed later', async () => {
    const quick = { ...both, maxVersion: 2 } as const;
    const { alice, bob, world, warnings } = await channels(3, { ...quick, onWarning: quiet }, quick);
    for (let n = 0; n < 20; n++) {
      const { envelopes } = unwrap(await alice.send({ ...high, to: bob.did }));
      expect((await receiveAll(bob, envelopes)).messages).toHaveLength(1);
    }
    world.clock.advance(10 * 60_000);
    await bob.receive(unwrap(await alice.send({ ...high, to: bob.did })).envelope);
    expect(warnings).toEqual([]);
  });

  test('simultaneous shares give the message once', async () => {
    const { alice, bob } = await channels(5, { ...both, maxVersion: 2 }, { ...both, maxVersion: 2 });
    for (let round = 0; round < 10; round++) {
      const { envelopes } = unwrap(await alice.send({ ...high, security: 'critical', to: bob.did }));
      const ids = (await Promise.all(envelopes.map((envelope) => bob.receive(envelope)))).map(idOf);
      expect(ids.filter((id) => id === 'ok')).toHaveLength(1);
    }
  });

  test('two processes with one nonce store: the message is delivered by one of them', async () => {
    const { alice, world } = await channels(4, both, both);
    const identity = await identityOf('bob', 3);
    const nonceStore = new MemoryNonceStore({ clock: world.clock });
    const { registry, clock } = world;
    const process = () => new Agent({ identity, registry, clock, nonceStore, xchange, onWarning: quiet });
    const split = { splitChannelConfig: { totalShares: 4, threshold: 2 } };
    const { envelopes } = unwrap(await alice.send({ to: identity.did, payload: PAYLOAD, xchange, ...split }));
    expect((await receiveAll(process(), envelopes.slice(0, 2))).ids).toEqual([PENDING, 'message']);
    expect((await receiveAll(process(), envelopes)).ids).toEqual([
      'REPLAY_DETECTED',
      'REPLAY_DETECTED',
      COMPLETE,
      COMPLETE,
    ]);
  });

  test('a handler that fails: the share that completed the message brings it again', async () => {
    const { alice, bob } = await channels(loopbacks(3), both, both);
    const got: unknown[] = [];
    let failures = 1;
    const take = async (envelope: Envelope) =>
      bob.receive(envelope, {
        handle: ({ payload }) => {
          if (failures-- > 0) throw new Error('disk full');
          got.push(payload);
        },
      });
    const { envelopes } = unwrap(await alice.send({ ...high, to: bob.did }));
    const [one, two, three] = envelopes as [Envelope, Envelope, Envelope];
    expect(idOf(await take(one))).toBe(PENDING);
    expect(idOf(await take(two))).toBe('INTERNAL');
    expect(got).toEqual([]);
    expect(idOf(await take(two))).toBe('ok');
    expect(got).toEqual([PAYLOAD]);
    expect(idOf(await take(three))).toBe(COMPLETE);
  });

  test('shares that share a channel travel in one envelope, each piece once', async () => {
    const size = async (count: number) => {
      const { alice, bob, warnings } = await channels(count, both, both);
      const payload = 'x'.repeat(30_000);
      const unsafeXchangeOverFewerChannels = true;
      const sent = unwrap(
        await alice.send({ ...high, payload, to: bob.did, unsafeXchangeOverFewerChannels }),
      );
      expect(unwrap(await bob.receive({ ok: true, value: sent, error: undefined } as never)).payload).toBe(
        payload,
      );
      const total = sent.envelopes.reduce((sum, envelope) => sum + envelope.payload!.length * 0.75, 0);
      return { envelopes: sent.envelopes.length, times: Math.round(total / 30_000), warned: warnings };
    };
    const warned = (n: number) => [{ type: 'fewer-channels-than-shares', channels: n, shares: 3 }];
    expect(await size(3)).toEqual({ envelopes: 3, times: xchange ? 3 : 6, warned: [] });
    expect(await size(2)).toEqual({ envelopes: 2, times: xchange ? 2 : 5, warned: warned(2) });
    expect(await size(1)).toEqual({ envelopes: 1, times: xchange ? 1 : 3, warned: warned(1) });
  });

  test('a transport that is listed three times is one channel', async () => {
    const [one] = loopbacks(1);
    const { alice, bob, warnings } = await channels([one!, one!, one!], both, both);
    const sent = await alice.send({ ...high, to: bob.did, unsafeXchangeOverFewerChannels: true });
    expect(unwrap(sent).envelopes).toHaveLength(1);
    expect(warnings).toEqual([{ type: 'fewer-channels-than-shares', channels: 1, shares: 3 }]);
  });

  test('an answer to shares, and shares that follow a message and answer nothing', async () => {
    const { alice, bob } = await channels(3, both, both);
    const sent = unwrap(await alice.send({ ...high, to: bob.did }));
    const message = unwrap(await bob.receive({ ok: true, value: sent } as never));
    const inReplyTo = message.envelopeId;
    expect(inReplyTo).toBe(sent.envelopeId);
    const answer = await sealedAnswer(bob, message, { body: 'done' });
    const received = async (to?: string) =>
      idOf(await receivedAnswer(alice, answer, to ? { inReplyTo: to } : {}));
    expect(await received()).toBe('KIND_NOT_ACCEPTED');
    expect(await received(sent.envelopes[0]!.nonce)).toBe('ANSWER_INVALID');
    expect((await openedAnswer(alice, answer, { inReplyTo })).text).toBe('done');
    const shares = unwrap(await bob.send({ ...high, to: alice.did, inReplyTo }));
    for (const share of shares.envelopes)
      expect(idOf(await alice.receiveContent(share, { inReplyTo }))).toBe('KIND_NOT_ACCEPTED');
    expect(unwrap(await alice.receive({ ok: true, value: shares } as never)).inReplyTo).toBe(inReplyTo);
  });

  test('what one channel carries says nothing: neither the payload nor the key is in it, and it does not open', async () => {
    const { alice, bob } = await channels(3, both, both);
    const identity = await identityOf('bob', 3);
    const { envelopes } = unwrap(await alice.send({ ...high, to: bob.did }));
    const bundles = [];
    for (const envelope of envelopes) {
      const opened = (await openedBy(identity, envelope))!; // all that its reader could get at
      expect(Buffer.from(opened).includes('MARKER')).toBe(false);
      bundles.push(decodeBundle(opened));
    }
    const shares = bundles.flatMap((bundle) => bundle.shares);
    const whole = await reconstruct(shares);
    const secret = Buffer.from(whole.value!);
    expect(secret.includes('MARKER')).toBe(!xchange);
    for (const [at, { rest }] of bundles.entries()) {
      const [share] = bundles[at]!.shares;
      expect(idOf(await reconstruct([share!]))).toBe('INSUFFICIENT_SHARES');
      const held = Buffer.concat([...share!.pieces, rest]);
      expect(held.includes(secret.subarray(0, 16))).toBe(false);
      const [a, b] = share!.pieces.map((piece) => Buffer.from(piece)) as [Buffer, Buffer];
      expect(Buffer.from(a.map((byte, i) => byte ^ b[i]!)).includes(secret)).toBe(false);
    }
  });

  test('every stage is reported, on both sides', async () => {
    const { alice, bob } = await channels(3, both, both);
    const seen: string[] = [];
    const onProgress = async ({ stage, current, total }: ProgressEvent) => {
      await Promise.resolve();
      seen.push([stage, current, total].filter((part) => part !== undefined).join(' '));
    };
    const sent = unwrap(await alice.send({ ...high, to: bob.did, onProgress }));
    const each = (n: number) => [`encrypting ${n} 3`, `signing ${n} 3`, `sending ${n} 3`];
    expect(seen.splice(0)).toEqual([
      'resolving',
      'splitting 3',
      ...each(1),
      ...each(2),
      ...each(3),
      'complete',
    ]);
    const until = ['parsing', 'checking', 'resolving', 'verifying', 'authorizing', 'claiming', 'decrypting'];
    await bob.receive(sent.envelopes[2]!, { onProgress });
    expect(seen.splice(0)).toEqual(until);
    await bob.receive(sent.envelopes[0]!, { onProgress });
    expect(seen.splice(0)).toEqual([...until, 'reconstructing 2 3', 'complete']);
    await bob.receive(sent.envelopes[1]!, { onProgress });
    expect(seen.splice(0)).toEqual(until);
  });

  test('a progress callback that throws changes nothing', async () => {
    const { alice, bob } = await channels(3, both, both);
    const onProgress = () => {
      throw new Error('no terminal');
    };
    const sent = await alice.send({ ...high, to: bob.did, onProgress });
    expect(unwrap(await bob.receive(sent, { onProgress })).payload).toEqual(PAYLOAD);
  });

  test('an HTTP request or an introduction takes no shares, and they are good elsewhere afterwards', async () => {
    const { alice, bob } = await channels(3, both, both);
    const request = 'POST /orders';
    const sent = unwrap(await alice.send({ ...high, to: bob.did }));
    for (const requireRequestBinding of [true, false])
      expect(idOf(await bob.receive(sent.envelope, { request, requireRequestBinding }))).toBe(
        'SHARES_NOT_ACCEPTED',
      );
    expect(idOf(await bob.receiveContent(sent.envelope, { request, kind: 'request' }))).toBe(
      'KIND_NOT_ACCEPTED',
    );
    const introduction = { scope: 'default', request };
    expect(idOf(await bob.receiveIntroduction(JSON.stringify(sent.envelope), introduction))).toBe(
      'KIND_NOT_ACCEPTED',
    );
    expect((await receiveAll(bob, sent.envelopes)).ids).toEqual([PENDING, 'message', COMPLETE]);
  });

  test('shares that are bound to a request are good nowhere', async () => {
    const { alice, bob } = await channels(3, both, both);
    const request = 'POST /orders';
    const { envelopes } = unwrap(await alice.send({ ...high, to: bob.did, request }));
    for (const envelope of envelopes) {
      expect(idOf(await bob.receive(envelope))).toBe('REQUEST_BINDING_MISMATCH');
      expect(idOf(await bob.receive(envelope, { request }))).toBe('SHARES_NOT_ACCEPTED');
    }
  });

  test('shares of an earlier process are still good, as far as their time goes', async () => {
    const { alice, bob, world } = await channels(3, both, both);
    const { envelopes } = unwrap(await alice.send({ ...high, to: bob.did }));
    expect(idOf(await bob.receive(envelopes[0]!))).toBe(PENDING);
    world.clock.advance(30_001);
    expect(idOf(await bob.receive(envelopes[1]!))).toBe('TIMESTAMP_EXPIRED');
  });
});
