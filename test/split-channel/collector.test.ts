import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  type ChannelShare,
  isXlinkError,
  type ShareLimits,
  type SplitOptions,
  splitForChannel,
} from '@private.me/xlink';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { decodeBundle, encodeBundle } from '../../src/split-channel/bundle.js';
import { type Group, ShareCollector } from '../../src/split-channel/collector.js';
import { shareLimits } from '../../src/split-channel/share-limits.js';
import { frozenClock } from '../support/clock.js';
import { growthOf } from '../support/heap.js';
import { thrownBy } from '../support/results.js';

const COMMON = new Uint8Array(8);
const NOTHING = new Uint8Array(0);
const text = new TextEncoder().encode('a transfer of 500 000');
const split = (options?: SplitOptions, payload: Uint8Array = text) => splitForChannel(payload, options);
/** As it arrives: decoded, in memory of its own. */
const arriving = (...shares: ChannelShare[]) => decodeBundle(encodeBundle(shares));

function collector(limits: ShareLimits = {}) {
  const clock = frozenClock();
  const dropped: string[] = [];
  const onDropped = ({ sender, shares }: Group, reason: string) =>
    void dropped.push(`${sender} ${shares.size} ${reason}`);
  const made = new ShareCollector(defaultProvider(), clock, shareLimits(limits), onDropped);
  return { clock, dropped, collector: made };
}

/** Bytes of a first share of a new payload of `length` bytes. */
const shareOf = async (length: number) => arriving((await split({}, new Uint8Array(length)))[0]!);

describe('what is kept', () => {
  test('is bounded for a sender that begins and never ends, and nobody else loses anything', async () => {
    const { collector: all, dropped } = collector();
    const [quiet] = await split();
    all.add('quiet', COMMON, arriving(quiet!));
    const bundle = await shareOf(10_000);
    for (let n = 0; n < 5000; n++) {
      const groupId = Buffer.from(randomBytes(16)).toString('base64url');
      all.add('loud', COMMON, { shares: [{ ...bundle.shares[0]!, groupId }], rest: NOTHING });
      expect(all.size.groups).toBeLessThanOrEqual(17);
    }
    expect(all.size.bytes).toBeLessThan(17 * 25_000);
    expect(dropped).toHaveLength(5000 - 16);
    expect(new Set(dropped)).toEqual(new Set(['loud 1 pushed-out']));
  });

  test('takes in fact no more memory than that', async () => {
    const { collector: all } = collector({ maxBytes: 8 * 2 ** 20, maxBytesPerSender: 2 ** 20 });
    const refused: string[] = [];
    const grown = await growthOf(async () => {
      for (let n = 0; n < 600; n++) {
        const shares = await split({}, new Uint8Array(randomBytes(100_000)));
        try {
          all.add(`sender ${n % 60}`, COMMON, arriving(shares[0]!));
        } catch (error) {
          refused.push(isXlinkError(error) ? error.id : String(error));
        }
      }
    });
    expect(all.size.bytes).toBeLessThanOrEqual(8 * 2 ** 20);
    expect(all.size.bytes).toBeGreaterThan(7 * 2 ** 20);
    expect(new Set(refused)).toEqual(new Set(['INSUFFICIENT_SHARES:NO_ROOM']));
    expect(grown).toBeLessThan(24 * 2 ** 20); // 600 payloads of 100 kB passed by, 120 MB of shares
  });

  test('is bounded in bytes for one sender: its oldest goes first', async () => {
    const { collector: all, dropped } = collector({ maxBytesPerSender: 100_000 });
    const groups = [];
    for (let n = 0; n < 6; n++) groups.push(all.add('one', COMMON, await shareOf(20_000)));
    expect(dropped).toEqual(Array(4).fill('one 1 pushed-out'));
    expect(all.size.groups).toBe(2);
    all.forget(groups[5]!);
    all.forget(groups[4]!);
    all.forget(groups[0]!);
    expect(all.size).toEqual({ groups: 0, bytes: 0 });
  });

  test('a message that never fits is refused, and takes nothing with it', async () => {
    const { collector: all, dropped } = collector({ maxBytesPerSender: 50_000 });
    all.add('one', COMMON, await shareOf(10_000));
    const large = await shareOf(30_000);
    expect((await thrownBy(() => all.add('one', COMMON, large))).id).toBe('ENVELOPE_TOO_LARGE');
    expect(all.size.groups).toBe(1);
    const shares = await split({ threshold: 3 }, new Uint8Array(20_000));
    all.add('two', COMMON, arriving(shares[0]!));
    all.add('two', COMMON, arriving(shares[1]!));
    expect((await thrownBy(() => all.add('two', COMMON, arriving(shares[2]!)))).id).toBe(
      'ENVELOPE_TOO_LARGE',
    );
    expect(all.size.groups).toBe(1);
    expect(dropped).toEqual(['two 2 pushed-out']);
  });

  test('once all is used up, who has nothing there gets nothing, and who has keeps it', async () => {
    const { collector: all, dropped } = collector({ maxBytes: 100_000 });
    const groups = [];
    for (const name of ['a', 'b', 'c', 'd']) groups.push(all.add(name, COMMON, await shareOf(10_000)));
    expect((await thrownBy(async () => all.add('e', COMMON, await shareOf(10_000)))).id).toBe(
      'INSUFFICIENT_SHARES:NO_ROOM',
    );
    all.add('a', COMMON, await shareOf(10_000)); // in place of its own
    expect(dropped).toEqual(['a 1 pushed-out']);
    all.forget(groups[1]!);
    all.add('e', COMMON, await shareOf(10_000));
    expect(all.size.groups).toBe(4);
  });

  test('ends after the time from the first share on, at the next share of anybody', async () => {
    const { collector: all, clock, dropped } = collector({ expiryMs: 1000 });
    const shares = await split({ threshold: 3 });
    all.add('a', COMMON, arriving(shares[0]!));
    clock.advance(999);
    expect(all.add('a', COMMON, arriving(shares[1]!)).shares.size).toBe(2);
    clock.advance(1);
    all.add('b', COMMON, await shareOf(10));
    expect(dropped).toEqual(['a 2 expired']);
    expect(all.add('a', COMMON, arriving(shares[2]!)).shares.size).toBe(1);
  });

  test('is copied: neither the envelope nor its ciphertext stays in memory behind a small share', async () => {
    const [share] = await split();
    const bundle = encodeBundle([share!]);
    const inside = new Uint8Array(10_000_000);
    inside.set(bundle, 5);
    const decoded = decodeBundle(inside.subarray(5, 5 + bundle.length + 1000));
    for (const piece of [...decoded.shares[0]!.pieces, decoded.shares[0]!.tag])
      expect(piece.buffer.byteLength).toBe(bundle.length);
    const { collector: all } = collector();
    expect(all.add('a', COMMON, decoded).rest.buffer.byteLength).toBe(1000);
  });
});

describe('what belongs together', () => {
  test('the same share again changes nothing, and costs nothing', async () => {
    const { collector: all } = collector();
    const [one] = await split();
    const group = all.add('a', COMMON, arriving(one!));
    const { bytes } = all.size;
    for (let n = 0; n < 100; n++) expect(all.add('a', COMMON, arriving(one!))).toBe(group);
    expect(all.size.bytes).toBe(bytes);
  });

  test('two senders may use one group id', async () => {
    const { collector: all } = collector();
    const [one, two] = await split();
    expect(all.add('a', COMMON, arriving(one!)).shares.size).toBe(1);
    expect(all.add('b', COMMON, arriving(two!)).shares.size).toBe(1);
  });

  test.each<[string, (share: ChannelShare) => object]>([
    ['other circumstances', () => ({ common: Uint8Array.of(1) })],
    ['something else behind', () => ({ rest: Uint8Array.of(1) })],
    ['another length', ({ length }) => ({ share: { length: length + 1 } })],
    ['another threshold', () => ({ share: { threshold: 3 } })],
  ])('%s: refused, and what was there stays', async (_, change) => {
    const { collector: all } = collector();
    const [one, two] = await split();
    const group = all.add('a', COMMON, arriving(one!));
    const { common = COMMON, rest = NOTHING, share = {} } = change(two!) as Record<string, never>;
    const bundle = { shares: [{ ...two!, ...(share as object) }], rest };
    expect((await thrownBy(() => all.add('a', common, bundle))).id).toBe('INCONSISTENT_SHARES');
    expect(all.add('a', COMMON, arriving(two!))).toBe(group);
    expect(Buffer.from((await all.open(group)).payload)).toEqual(Buffer.from(text));
  });

  test('another share of the same index is refused', async () => {
    const { collector: all } = collector();
    const [one] = await split();
    all.add('a', COMMON, arriving(one!));
    for (const other of [
      { ...one!, tag: new Uint8Array(32) },
      { ...one!, pieces: one!.pieces.map((piece) => piece.map((byte) => byte ^ 1)) },
    ])
      expect((await thrownBy(() => all.add('a', COMMON, arriving(other)))).id).toBe('INCONSISTENT_SHARES');
  });

  test('bad shares: the message waits for good ones, names the bad, and ends when there are no more', async () => {
    const spoil = (share: ChannelShare) => ({ ...share, tag: share.tag.map((byte) => byte ^ 1) });
    const { collector: all } = collector();
    const shares = await split({ totalShares: 5, threshold: 3 });
    const group = all.add(
      'a',
      COMMON,
      arriving(spoil(shares[0]!), shares[1]!, spoil(shares[2]!), shares[3]!),
    );
    const waiting = await thrownBy(() => all.open(group));
    expect([waiting.id, (waiting.cause as { id: string }).id]).toEqual([
      'INSUFFICIENT_SHARES:PENDING',
      'HMAC_VERIFICATION_FAILED',
    ]);
    all.add('a', COMMON, arriving(shares[4]!));
    expect((await all.open(group)).bad).toEqual([0, 2]);

    const hopeless = (await split()).map(spoil);
    const other = all.add('b', COMMON, arriving(...hopeless));
    expect((await thrownBy(() => all.open(other))).id).toBe('HMAC_VERIFICATION_FAILED');
    expect(all.size.groups).toBe(1);
  });
});

describe('a bundle', () => {
  test('gives back what was put in, for every shape and choice', async () => {
    for (const [threshold, totalShares] of [
      [2, 2],
      [2, 3],
      [3, 5],
      [4, 4],
      [2, 11],
      [3, 7],
      [9, 16],
    ] as const)
      for (const length of [0, 1, 5, 1000]) {
        const shares = await split({ threshold, totalShares }, new Uint8Array(randomBytes(length)));
        for (let n = 0; n < 20; n++) {
          const some = shares.filter(() => Math.random() < 0.5);
          if (some.length === 0) continue;
          const { shares: back, rest } = decodeBundle(
            Buffer.concat([encodeBundle(some), Buffer.from('behind')]),
          );
          expect(back).toEqual(some);
          expect(Buffer.from(rest).toString()).toBe('behind');
        }
      }
  });

  test('of nonsense is refused as such, and quickly', async () => {
    const good = encodeBundle(await split());
    const started = performance.now();
    for (let n = 0; n < 20_000; n++) {
      const bytes =
        n % 2
          ? new Uint8Array(randomBytes(n % 200))
          : new Uint8Array(good.subarray(0, (n * 7) % (good.length + 1)));
      if (n % 2) bytes[0] = 1;
      else
        for (let i = 0; i < 2; i++) bytes[Math.floor(Math.random() * 24)] = Math.floor(Math.random() * 256);
      try {
        decodeBundle(bytes);
      } catch (error) {
        if (!isXlinkError(error) || error.id !== 'INCONSISTENT_SHARES') throw error;
      }
    }
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});
