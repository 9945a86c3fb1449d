import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type ChannelShare, reconstruct, type SplitOptions, splitForChannel } from '@private.me/xlink';
import { createPortableProvider } from '../../src/crypto/portable/index.js';
import { subsets } from '../../src/split-channel/subsets.js';

const text = new TextEncoder().encode('a transfer of 500 000');
const idOf = (result: Awaited<ReturnType<typeof reconstruct>>) => (result.ok ? 'ok' : result.error.id);
const split = (options?: SplitOptions, payload: Uint8Array = text) => splitForChannel(payload, options);

/** A copy with one bit changed in one piece, or in the tag. */
function altered(share: ChannelShare, where: number | 'tag', byte = 40): ChannelShare {
  const flip = (bytes: Uint8Array) =>
    bytes.map((value, at) => (at === byte % bytes.length ? value ^ 1 : value));
  if (where === 'tag') return { ...share, tag: flip(share.tag) };
  return { ...share, pieces: share.pieces.map((piece, at) => (at === where ? flip(piece) : piece)) };
}

describe('a payload that was split', () => {
  test.each([
    [2, 2],
    [2, 3],
    [3, 3],
    [2, 4],
    [3, 4],
    [3, 5],
    [4, 5],
    [2, 11],
    [8, 8],
    [3, 12],
    [5, 9],
  ])('%d of %d: comes back from every set of k shares, in any order', async (threshold, totalShares) => {
    const shares = await split({ threshold, totalShares });
    expect(shares).toHaveLength(totalShares);
    let tried = 0;
    for (const set of subsets(totalShares, threshold)) {
      if (++tried > 60) break;
      const some = set.map((at) => shares[at]!).reverse();
      const back = await reconstruct(some);
      expect(back.ok && Buffer.compare(back.value, text)).toBe(0);
    }
  });

  test.each([0, 1, 2, 3, 4, 5, 31, 32, 33, 8191, 8192, 8193, 100_003])('of %d bytes', async (length) => {
    const payload = new Uint8Array(randomBytes(length));
    const back = await reconstruct((await split({}, payload)).slice(1));
    expect(back.ok && Buffer.compare(back.value, payload)).toBe(0);
  });

  test('has no part of the caller in it: what is changed afterwards changes no share', async () => {
    const payload = Uint8Array.from(text);
    const shares = await split({}, payload);
    payload.fill(0);
    const back = await reconstruct(shares);
    expect(back.ok && Buffer.compare(back.value, text)).toBe(0);
  });

  test.each([0, 5, 100, 40_000])(
    'of %d bytes: no share has another one behind it in memory',
    async (length) => {
      for (const options of [{}, { totalShares: 5, threshold: 3 }])
        for (const share of await split(options, new Uint8Array(length)))
          for (const bytes of [...share.pieces, share.tag])
            expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
    },
  );

  test('is the same for both providers', async () => {
    const portable = createPortableProvider();
    const here = await reconstruct((await split({ crypto: portable })).slice(0, 2));
    const there = await reconstruct((await split()).slice(1), { crypto: portable });
    for (const back of [here, there]) expect(back.ok && Buffer.compare(back.value, text)).toBe(0);
  });

  test('takes twice the payload for a share of 2 of 3, and six times for one of 3 of 5', async () => {
    const sizes = async (options: SplitOptions) =>
      (await split(options)).map(({ pieces }) => pieces.reduce((sum, { length }) => sum + length, 0));
    const one = text.length + 32;
    expect(await sizes({})).toEqual(Array(3).fill(2 * one));
    expect(await sizes({ threshold: 3, totalShares: 5 })).toEqual(Array(5).fill(6 * one));
  });

  test('uses XOR while a share holds ten pieces at most, and polynomials beyond', async () => {
    const schemeOf = async (threshold: number, totalShares: number) =>
      (await split({ threshold, totalShares }))[0]!.scheme;
    expect(await schemeOf(2, 11)).toBe('xor');
    expect(await schemeOf(2, 12)).toBe('shamir');
    expect(await schemeOf(3, 6)).toBe('xor');
    expect(await schemeOf(3, 7)).toBe('shamir');
    expect(await schemeOf(128, 255)).toBe('shamir');
  });

  test('is never shared the same way twice', async () => {
    const [a, b] = [await split(), await split()];
    expect(a[0]!.groupId).not.toBe(b[0]!.groupId);
    expect(Buffer.from(a[0]!.pieces[0]!)).not.toEqual(Buffer.from(b[0]!.pieces[0]!));
    expect(Buffer.from(a[0]!.tag)).not.toEqual(Buffer.from(a[1]!.tag));
  });
});

describe.each([
  ['xor', 3, 5],
  ['shamir', 3, 8],
] as const)('shares by %s that are not as they were made', (_, threshold, totalShares) => {
  test('one of just enough was altered, anywhere: nothing is returned', async () => {
    const shares = (await split({ threshold, totalShares })).slice(0, threshold);
    const [first] = shares as [ChannelShare];
    const places = [...first.pieces.keys(), 'tag' as const];
    for (const place of places)
      for (const byte of [0, 31, 32, 52]) {
        const result = await reconstruct([altered(first, place, byte), ...shares.slice(1)]);
        expect([place, byte, idOf(result)]).toEqual([place, byte, 'HMAC_VERIFICATION_FAILED']);
      }
  });

  test('one of more than enough was altered: it is named, and the payload comes back', async () => {
    const shares = await split({ threshold, totalShares });
    for (const bad of shares.keys()) {
      const named: number[] = [];
      const mixed = shares.map((share, at) => (at === bad ? altered(share, at % 2 ? 'tag' : 0) : share));
      const back = await reconstruct(mixed, { onBadShare: (index) => void named.push(index) });
      expect(back.ok && Buffer.compare(back.value, text)).toBe(0);
      expect(named).toEqual([bad]);
    }
  });

  test('as many as can be told apart are named', async () => {
    const shares = await split({ threshold, totalShares });
    const named: number[] = [];
    const bad = shares.slice(threshold).map(({ index }) => index);
    const mixed = shares.map((share) => (bad.includes(share.index) ? altered(share, 0) : share));
    const back = await reconstruct(mixed.reverse(), { onBadShare: (index) => void named.push(index) });
    expect(back.ok).toBe(true);
    expect(named.sort()).toEqual(bad);
  });

  test('all of them were altered', async () => {
    const shares = (await split({ threshold, totalShares })).map((share) => altered(share, 0));
    expect(idOf(await reconstruct(shares))).toBe('HMAC_VERIFICATION_FAILED');
  });

  test('two changed places', async () => {
    const [a, b, ...rest] = await split({ threshold, totalShares });
    const swapped = [{ ...a!, index: b!.index }, { ...b!, index: a!.index }, ...rest.slice(0, threshold - 2)];
    expect(idOf(await reconstruct(swapped))).toBe('HMAC_VERIFICATION_FAILED');
  });

  test('the same change in every copy of a piece, as XOR would let it pass', async () => {
    const shares = (await split({ threshold, totalShares })).slice(0, threshold);
    const target = shares[0]!.pieces[0]!;
    const isTarget = (piece: Uint8Array) => Buffer.compare(piece, target) === 0;
    const everywhere = shares.map((share) => {
      const at = share.pieces.findIndex(isTarget);
      return at < 0 ? share : altered(share, at, 45);
    });
    expect(idOf(await reconstruct(everywhere))).toBe('HMAC_VERIFICATION_FAILED');
  });
});

describe('shares that do not belong together', () => {
  test('too few', async () => {
    const [share] = await split();
    expect(idOf(await reconstruct([share!]))).toBe('INSUFFICIENT_SHARES');
    expect(idOf(await reconstruct([]))).toBe('INSUFFICIENT_SHARES');
    expect(idOf(await reconstruct(undefined as never))).toBe('INSUFFICIENT_SHARES');
  });

  test('the same twice does not make two', async () => {
    const [one, two] = await split({ threshold: 3 });
    expect(idOf(await reconstruct([one!, two!, one!]))).toBe('INCONSISTENT_SHARES');
  });

  test('of two payloads', async () => {
    const [[a], [, b]] = [await split(), await split()];
    expect(idOf(await reconstruct([a!, b!]))).toBe('INCONSISTENT_SHARES');
    expect(idOf(await reconstruct([a!, { ...b!, groupId: a!.groupId }]))).toBe('HMAC_VERIFICATION_FAILED');
  });

  test.each<[string, object]>([
    ['a threshold of 1', { threshold: 1 }],
    ['a lower threshold', { threshold: 2 }],
    ['more shares', { totalShares: 6 }],
    ['an index that there is not', { index: 5 }],
    ['a negative index', { index: -1 }],
    ['half an index', { index: 0.5 }],
    ['another length', { length: 20 }],
    ['no length', { length: undefined }],
    ['a length beyond all limits', { length: 2 ** 40 }],
    ['another scheme', { scheme: 'shamir' }],
    ['no scheme', { scheme: 'none' }],
    ['no pieces', { pieces: [] }],
    ['pieces that are none', { pieces: Array(6).fill('x') }],
    ['a short tag', { tag: new Uint8Array(31) }],
    ['no group', { groupId: '' }],
    ['a group that is none', { groupId: { toString: () => 'x' } }],
  ])('%s', async (_, more) => {
    const [a, b, c] = await split({ threshold: 3, totalShares: 5 });
    expect(idOf(await reconstruct([a!, b!, { ...c!, ...more }]))).toBe('INCONSISTENT_SHARES');
  });

  test.each([null, undefined, 7, 'share', [], {}])('%p', async (what) => {
    const [a, b] = await split();
    expect(idOf(await reconstruct([a!, b!, what as never]))).toBe('INCONSISTENT_SHARES');
  });
});

describe('splitForChannel refuses', () => {
  test.each<[string, SplitOptions]>([
    ['totalShares', { totalShares: 1 }],
    ['totalShares', { totalShares: 256 }],
    ['threshold', { threshold: 1 }],
    ['threshold', { threshold: 4 }],
    ['threshold', { threshold: 3, totalShares: 2 }],
    ['shares', { shares: 3 } as never],
  ])('%s: %j', async (field, options) => {
    await expect(split(options)).rejects.toMatchObject({ id: 'INVALID_OPTION', field });
  });

  test('what is no payload, or too large a one', async () => {
    await expect(split({}, 'text' as never)).rejects.toMatchObject({ field: 'plaintext' });
    await expect(split({}, new Uint8Array(64 * 2 ** 20 + 1))).rejects.toMatchObject({ field: 'plaintext' });
  });
});
