import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type ChannelShare,
  isXlinkError,
  LoopbackTransport,
  MemoryNonceStore,
  reconstruct,
  type ShareLimits,
  splitForChannel,
} from '@private.me/xlink';
import { combine, split as splitByShamir } from 'shamir-secret-sharing';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { decodeBundle, encodeBundle } from '../../src/split-channel/bundle.js';
import { ShareCollector } from '../../src/split-channel/collector.js';
import { valueAtZero } from '../../src/split-channel/gf256.js';
import { shareLimits } from '../../src/split-channel/share-limits.js';
import { frozenClock } from '../support/clock.js';
import { unwrap } from '../support/results.js';
import { World } from '../support/world.js';

const COMMON = new Uint8Array(8);
const PAYLOAD = new TextEncoder().encode('a transfer of 500 000');
/** Choices of 8 of 16 shares. */
const ALL_CHOICES = 12_870;

const junk = (share: ChannelShare): ChannelShare => ({
  ...share,
  pieces: share.pieces.map((piece) => {
    const bytes = new Uint8Array(randomBytes(piece.length));
    bytes[piece.length - 1] = piece.at(-1)!; // the coordinate of a share by polynomials
    return bytes;
  }),
  tag: new Uint8Array(randomBytes(32)),
});

/** A collector, and how often it hashed something. */
function counting(limits: ShareLimits = {}) {
  const crypto = defaultProvider();
  const counts = { hashes: 0 };
  const counted = {
    ...crypto,
    sha256: (data: Uint8Array) => {
      counts.hashes += 1;
      return crypto.sha256(data);
    },
  };
  const clock = frozenClock();
  const collector = new ShareCollector(counted, clock, shareLimits(limits), () => {});
  /** What comes of one share. */
  const give = async (sender: string, share: ChannelShare) => {
    const group = collector.add(sender, COMMON, decodeBundle(encodeBundle([share])));
    if (group.shares.size < group.threshold) return 'pending';
    try {
      const { payload, bad } = await collector.open(group);
      collector.forget(group);
      return { payload: Buffer.from(payload).toString(), bad: [...bad].sort((a, b) => a - b) };
    } catch (error) {
      return isXlinkError(error) ? error.id : error;
    }
  };
  return { collector, counts, clock, give };
}

describe('[E8] a good message beside bad shares', () => {
  test.each([
    { totalShares: 16, threshold: 8, bad: [0, 1, 2, 3, 4, 5, 6, 7] },
    { totalShares: 16, threshold: 8, bad: [0, 2, 4, 6, 8, 10, 12, 14] },
    { totalShares: 16, threshold: 3, bad: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
    { totalShares: 16, threshold: 15, bad: [0] },
    { totalShares: 5, threshold: 3, bad: [1, 3] },
    { totalShares: 3, threshold: 2, bad: [0] },
  ])('comes with the last share that it takes, and all bad ones are named: %j', async ({ bad, ...shape }) => {
    const { give, collector } = counting();
    const shares = await splitForChannel(PAYLOAD, shape);
    const sent = shares.map((share) => (bad.includes(share.index) ? junk(share) : share));
    const order = [...bad, ...sent.keys()].filter((index, at, all) => all.indexOf(index) === at);
    const answers: unknown[] = [];
    for (const index of order) {
      answers.push(await give('sender', sent[index]!));
      if (typeof answers.at(-1) === 'object') break;
    }
    expect(answers.at(-1)).toEqual({ payload: Buffer.from(PAYLOAD).toString(), bad });
    expect(answers).toHaveLength(bad.length + shape.threshold);
    expect(collector.size).toEqual({ groups: 0, bytes: 0 });
  });

  test('is put together by reconstruct(), too', async () => {
    const shape = { totalShares: 16, threshold: 8 };
    const shares = (await splitForChannel(PAYLOAD, shape)).map((share, at) => (at < 8 ? junk(share) : share));
    const bad: number[] = [];
    const payload = unwrap(await reconstruct(shares, { onBadShare: (index) => void bad.push(index) }));
    expect([Buffer.from(payload), bad]).toEqual([Buffer.from(PAYLOAD), [0, 1, 2, 3, 4, 5, 6, 7]]);
    const result = await reconstruct(shares.slice(0, 15));
    expect(result.ok || result.error.id).toBe('HMAC_VERIFICATION_FAILED');
  });

  test('comes although its sender has used up what junk may cost, if its own shares are good', async () => {
    const { give, clock } = counting({ maxTrialsPerSender: 50 });
    const shape = { totalShares: 16, threshold: 8 };
    const bad = await splitForChannel(PAYLOAD, shape);
    for (const share of bad.slice(0, 15)) await give('sender', junk(share));
    const good = await splitForChannel(PAYLOAD, shape);
    let answer: unknown;
    for (const share of good.slice(3, 11)) answer = await give('sender', share);
    expect(answer).toMatchObject({ bad: [] });
    // One with a bad share waits until there is budget again, and goes on where it stopped.
    const mixed = (await splitForChannel(PAYLOAD, shape)).map((share) =>
      share.index === 0 ? junk(share) : share,
    );
    for (const share of mixed.slice(0, 9)) answer = await give('sender', share);
    expect(answer).toBe('INSUFFICIENT_SHARES:PENDING');
    clock.advance(60_000);
    expect(await give('sender', mixed[9]!)).toMatchObject({ bad: [0] });
  });
});

describe('[E8] junk shares cost bounded work', () => {
  const shape = { totalShares: 16, threshold: 8 };
  const HASHES_FOR_SHARES = 16 * 2;

  test('no choice is tried twice, and what a sender may cost ends', async () => {
    const { give, counts, collector } = counting();
    const flood = async (sender: string) => {
      const before = counts.hashes;
      const answers = new Set<unknown>();
      for (const share of await splitForChannel(PAYLOAD, shape)) answers.add(await give(sender, junk(share)));
      expect(answers).toEqual(
        new Set(['pending', 'INSUFFICIENT_SHARES:PENDING', 'HMAC_VERIFICATION_FAILED']),
      );
      return (counts.hashes - before - HASHES_FOR_SHARES) / 2;
    };
    expect(await flood('attacker')).toBeLessThanOrEqual(ALL_CHOICES);
    let more = 0;
    for (let round = 0; round < 20; round++) more += await flood('attacker');
    expect(more).toBeLessThanOrEqual(16_384 - ALL_CHOICES + 20); // the first choice of a message is free
    let others = 0;
    for (let sender = 0; sender < 12; sender++) others += await flood(`accomplice ${sender}`);
    expect(others).toBeLessThanOrEqual(65_536 + 12);
    expect(collector.size).toEqual({ groups: 0, bytes: 0 });
  });

  test('others wait for nothing: a good message comes in the midst of it, and timers go on', async () => {
    const { give } = counting();
    const bad = (await splitForChannel(new Uint8Array(1000), shape)).map(junk);
    for (const share of bad.slice(0, 15)) await give('attacker', share);
    let isOver = false;
    const last = give('attacker', bad[15]!).finally(() => {
      isOver = true;
    });
    const good = await splitForChannel(PAYLOAD, { totalShares: 3, threshold: 2 });
    await give('honest', good[0]!);
    expect(await give('honest', good[1]!)).toMatchObject({ bad: [] });
    expect(isOver).toBe(false);
    let ticks = 0;
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ticks += 1;
    }
    expect(await last).toBe('HMAC_VERIFICATION_FAILED');
    expect(ticks).toBeGreaterThan(10);
  });

  test('shares of one message that come at once are searched once', async () => {
    const { give, counts } = counting();
    const shares = await splitForChannel(PAYLOAD, shape);
    const sent = shares.map((share) => (share.index < 8 ? junk(share) : share));
    const answers = await Promise.all(sent.map((share) => give('sender', share)));
    expect(answers.filter((answer) => typeof answer === 'object').length).toBeGreaterThan(0);
    expect(counts.hashes / 2).toBeLessThan(ALL_CHOICES + 16 * 16 * 2 + HASHES_FOR_SHARES);
  });

  test('takes no more memory than a sender may have, and leaves that of others alone', async () => {
    const { collector, give } = counting({ maxBytesPerSender: 2 ** 16, maxBytes: 2 ** 18 });
    const good = await splitForChannel(PAYLOAD, shape);
    for (const share of good.slice(0, 7)) await give('honest', share);
    const [template] = await splitForChannel(new Uint8Array(4000), shape);
    for (let n = 0; n < 500; n++) {
      const groupId = Buffer.from(randomBytes(16)).toString('base64url');
      await give('attacker', { ...junk(template!), groupId });
      expect(collector.size.bytes).toBeLessThan(2 ** 16 + 16 * 1024);
    }
    expect(await give('honest', good[7]!)).toMatchObject({ bad: [] });
  });
});

test('[E8] a sender that lies about tags floods an agent; a good message beside it comes at once', async () => {
  const world = new World();
  const receiver = await world.agent('receiver', {
    maxEnvelopeBytes: 2 ** 21,
    nonceStore: new MemoryNonceStore({ coldStart: 'accept', clock: world.clock }),
  });
  const honest = defaultProvider();
  let lies = false;
  const crypto = {
    ...honest,
    sha256: (data: Uint8Array) => (lies ? new Uint8Array(randomBytes(32)) : honest.sha256(data)),
  };
  const sixteen = () => ({
    transport: Array.from({ length: 16 }, () => new LoopbackTransport()),
    onWarning() {},
  });
  const { clock, registry } = world;
  const liar = await Agent.quickstart({ ...sixteen(), clock, registry, crypto, name: 'attacker' });
  const friend = await world.agent('friend', sixteen());
  const splitChannelConfig = { totalShares: 16, threshold: 8 };
  const send = async (from: Agent, payload: string, bad: boolean) => {
    const sent = await from.send({
      to: receiver.did,
      payload,
      splitChannelConfig,
      onProgress({ stage }) {
        lies = bad && stage === 'splitting';
      },
    });
    lies = false;
    return unwrap(sent).envelopes!;
  };
  const floods = [];
  for (let n = 0; n < 3; n++) floods.push(...(await send(liar, 'x'.repeat(2000), true)));
  const good = await send(friend, 'good', false);

  const results: Record<string, number> = {};
  const before = process.cpuUsage();
  let payload: unknown;
  for (const [at, envelope] of floods.entries()) {
    const got = await receiver.receive(envelope);
    const said = got.ok ? 'the message' : got.error.id;
    results[said] = (results[said] ?? 0) + 1;
    if (at < 8) {
      const mine = await receiver.receive(good[at]!);
      if (mine.ok) payload = mine.value.payload;
    }
  }
  const { user, system } = process.cpuUsage(before);
  expect(payload).toBe('good');
  expect(results).toEqual({ 'INSUFFICIENT_SHARES:PENDING': 45, HMAC_VERIFICATION_FAILED: 3 });
  expect((user + system) / 1000).toBeLessThan(3000); // 48 envelopes of junk; 17 s before
}, 30_000);

test('the key from the beginnings of shares is that of the package, whatever the shares are', async () => {
  for (const [total, threshold] of [
    [2, 2],
    [16, 8],
    [16, 16],
    [40, 30],
  ] as const) {
    const secret = new Uint8Array(randomBytes(40));
    const shares = (await splitByShamir(secret, total, threshold)).slice(-threshold);
    expect(valueAtZero(shares, 32)).toEqual(secret.subarray(0, 32));
    const other = shares.map((share) => {
      const bytes = new Uint8Array(randomBytes(share.length));
      bytes[40] = share[40]!;
      return bytes;
    });
    expect(valueAtZero(other, 40)).toEqual(await combine(other));
    expect(valueAtZero([...shares.slice(1), shares[1] ?? shares[0]!], 32)).toBeUndefined();
  }
  expect(valueAtZero([new Uint8Array([1, 0]), new Uint8Array([1, 2])], 1)).toBeUndefined();
});
