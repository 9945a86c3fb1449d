// Derivation: what follows from the seed, what the shares of it are good for, epochs on a schedule.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  EphemeralIdentity,
  type EphemeralIdentityOptions,
  FileShareBackend,
  MemoryShareBackend,
  normalizeVerifier,
  type ShareBackend,
  XID_ERROR_TABLE,
} from '../src/index.js';
import { DerivationThread } from '../src/master/thread.js';
import { afterTest, clockAt, DAY, failure, holder, NOON, seedOf, temporaryFolder, until } from './support.js';

describe('an identity', () => {
  test('is another one for each service, epoch and device, and the same for the same', async () => {
    const clock = clockAt();
    const me = await holder('ann', clock);
    const { epoch } = me;
    expect(epoch).toBe(Math.floor(NOON / DAY));
    const first = await me.deriveForVerifier('ServiceA');
    expect(first).toMatch(/^did:key:z6Mk/);
    const all = await Promise.all([
      me.deriveForVerifier('ServiceB'),
      me.deriveForVerifier('ServiceA', epoch + 1),
      me.deriveForVerifier('ServiceA', epoch - 1),
      (await holder('ann', clock, { device: 'phone' })).deriveForVerifier('ServiceA'),
      (await holder('ann', clock, { device: 'laptop' })).deriveForVerifier('ServiceA'),
      (await holder('bob', clock)).deriveForVerifier('ServiceA'),
    ]);
    expect(new Set([first, ...all]).size).toBe(7);
    expect(await me.deriveForVerifier('ServiceA', epoch)).toBe(first);
    expect(await (await holder('ann', clock)).deriveForVerifier('ServiceA')).toBe(first);
  });

  test('is whole: all four keys, none shared with another one', async () => {
    const me = await holder('ann', clockAt(), { maxVersion: 3 });
    const [a, b] = await Promise.all(
      ['https://a.example', 'https://b.example'].map((name) => me.identityFor(name)),
    );
    const keysOf = ({ publicKey, x25519, mlKem768, mlDsa65 }: typeof a & {}) =>
      [publicKey, x25519.publicKey, mlKem768!.publicKey, mlDsa65!.publicKey].map((key) =>
        Buffer.from(key).toString('hex'),
      );
    expect(keysOf(a!).map(({ length }) => length / 2)).toEqual([32, 32, 1184, 1952]);
    expect(new Set([...keysOf(a!), ...keysOf(b!)]).size).toBe(8);
  });

  test('shows no seed when it is printed', async () => {
    const me = await holder('ann', clockAt());
    await me.deriveForVerifier('ServiceA');
    expect(JSON.stringify(me) + String(me)).not.toContain(Buffer.from(seedOf('ann')).toString('base64url'));
    expect(Object.keys(me)).toEqual([]);
  });

  test.each([
    ['https://API.Example.com:443/v1?x=1#y', 'https://api.example.com'],
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['https://münchen.example', 'https://xn--mnchen-3ya.example'],
    [
      'did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH',
      'did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH',
    ],
    ['did:web:api.example.com', 'did:web:api.example.com'],
    ['ServiceA', 'name:ServiceA'],
    ['api.example.com', 'name:api.example.com'],
    ['Cafe\u0301', 'name:Café'],
  ])('%s is %s, and that is itself', (verifier, name) => {
    expect(normalizeVerifier(verifier)).toBe(name);
    expect(normalizeVerifier(name)).toBe(name);
  });

  test.each([
    '',
    ' ',
    'x\u0000',
    ' A',
    'https://u:p@a.example',
    'https://',
    'did:key',
    'did:key:a#b',
    'name:',
    'x'.repeat(3000),
  ])('%j names no service', async (verifier) => {
    expect(await failure(() => normalizeVerifier(verifier))).toBe('VERIFIER_INVALID');
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('%p is no epoch', async (epoch) => {
    const me = await holder('ann', clockAt());
    expect(await failure(() => me.deriveForVerifier('ServiceA', epoch))).toBe('EPOCH_INVALID');
  });

  test('that was closed derives nothing', async () => {
    const me = await holder('ann', clockAt());
    me.close();
    expect(await failure(() => me.deriveForVerifier('ServiceA'))).toBe('IDENTITY_CLOSED');
  });
});

describe('epochs', () => {
  test('begin by the clock, without a restart, and the edge belongs to the new one', async () => {
    const edge = Math.ceil(NOON / DAY) * DAY;
    const clock = clockAt(edge - 1);
    const me = await holder('ann', clock);
    const begun: number[] = [];
    const stop = me.onEpoch((epoch) => begun.push(epoch));
    const before = await me.deriveForVerifier('ServiceA');
    clock.set(edge);
    const after = await me.deriveForVerifier('ServiceA');
    expect(after).not.toBe(before);
    expect(begun).toEqual([edge / DAY]);
    clock.set(edge - 1); // a clock that is set back brings back the epoch, and tells nobody
    expect(await me.deriveForVerifier('ServiceA')).toBe(before);
    stop();
    clock.set(edge + 5 * DAY);
    await me.deriveForVerifier('ServiceA');
    expect(begun).toEqual([edge / DAY]);
    expect(me.endOf(me.epoch)).toBe(edge + 7 * DAY);
  });

  test('begin by a timer that keeps no process alive, too', async () => {
    const me = await holder('ann', Date.now, { epochDurationMs: 1000 });
    const begun: number[] = [];
    me.onEpoch((epoch) => begun.push(epoch));
    me.onEpoch(() => {
      throw new Error('a listener that fails concerns nobody else');
    });
    await until('two epochs begin', () => begun.length >= 2);
    expect(begun[1]! - begun[0]!).toBeGreaterThanOrEqual(1);
  });
});

describe('shares', () => {
  const at = (backends: readonly ShareBackend[], more: EphemeralIdentityOptions = {}) =>
    EphemeralIdentity.create({ backends, maxVersion: 1, clock: clockAt(), ...more }).then((me) => {
      afterTest(() => me.close());
      return me;
    });
  const three = () => [1, 2, 3].map((index) => new MemoryShareBackend(`memory ${index}`));
  const didOf = async (backends: readonly ShareBackend[], more?: EphemeralIdentityOptions) =>
    (await at(backends, more)).deriveForVerifier('ServiceA');

  test('any two of three give the same person, without the third', async () => {
    const backends = three();
    const did = await didOf(backends);
    expect(await didOf(backends)).toBe(did);
    for (const lost of [0, 1, 2]) {
      const left = backends.map((backend, index) =>
        index === lost ? new MemoryShareBackend('lost') : backend,
      );
      expect(await didOf(left)).toBe(did);
    }
  });

  test('in files, of mode 0600, in a folder of mode 0700', async () => {
    const folder = join(await temporaryFolder(), 'shares');
    const backends = [1, 2, 3].map((index) => new FileShareBackend(join(folder, String(index))));
    const did = await didOf(backends, { masterSeed: seedOf('ann') });
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const { file } of backends) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const text = await readFile(file);
      expect(text.includes(Buffer.from(seedOf('ann')))).toBe(false);
      expect(text.includes(Buffer.from(seedOf('ann')).toString('base64url'))).toBe(false);
    }
    expect(await didOf(backends)).toBe(did);
    await chmod(backends[0]!.file, 0o644);
    const bad: string[] = [];
    expect(await didOf(backends, { onBadShare: (name) => bad.push(name) })).toBe(did); // two are left
    expect(new Set(bad)).toEqual(new Set([backends[0]!.file]));
    await chmod(backends[1]!.file, 0o644);
    expect(await failure(() => at(backends))).toBe('SHARE_EXPOSED');
  });

  test('too few make no new person', async () => {
    const backends = three();
    await didOf(backends);
    const left = [backends[0]!, new MemoryShareBackend(), new MemoryShareBackend()];
    expect(await failure(() => at(left))).toBe('SHARES_TOO_FEW');
  });

  test('of two seeds do not mix', async () => {
    const [mine, others] = [three(), three()];
    await didOf(mine);
    await didOf(others);
    expect(await failure(() => didOf([mine[0]!, others[1]!, new MemoryShareBackend()]))).toBe('SHARES_MIXED');
    // Two of each: neither is the one that counts.
    const config = { splitConfig: { totalShares: 4, threshold: 2 } };
    const four = () => [...three(), new MemoryShareBackend('memory 4')];
    const [older, newer] = [four(), four()];
    await didOf(older, config);
    await didOf(newer, config);
    const both = [older[0]!, older[1]!, newer[2]!, newer[3]!];
    expect(await failure(() => didOf(both, config))).toBe('SHARES_MIXED');
    const twice = new MemoryShareBackend();
    twice.save(mine[0]!.load()!);
    expect(await failure(() => didOf([mine[0]!, twice, new MemoryShareBackend()]))).toBe('SHARES_MIXED');
  });

  /** Another share, in which one bit of a piece differs. */
  function tampered(backend: MemoryShareBackend): MemoryShareBackend {
    const share = JSON.parse(Buffer.from(backend.load()!).toString()) as { pieces: string[] };
    const piece = Buffer.from(share.pieces[0]!, 'base64url');
    piece[40]! ^= 1;
    share.pieces[0] = piece.toString('base64url');
    const other = new MemoryShareBackend(backend.name);
    other.save(Buffer.from(JSON.stringify(share)));
    return other;
  }

  test('that were changed are found, and told where a third one can tell which', async () => {
    const backends = three();
    const did = await didOf(backends);
    const [first, second, third] = backends as [MemoryShareBackend, MemoryShareBackend, MemoryShareBackend];
    expect(await failure(() => didOf([tampered(first), second, new MemoryShareBackend()]))).toBe(
      'SHARES_TAMPERED',
    );
    const bad: string[] = [];
    expect(await didOf([first, tampered(second), third], { onBadShare: (name) => bad.push(name) })).toBe(did);
    expect(bad).toEqual(['memory 2']);
  });

  test('of which one is bad, in whatever way, are two good ones, and the bad one is told', async () => {
    const files = async () => {
      const folder = await temporaryFolder();
      return [1, 2, 3].map((index) => new FileShareBackend(join(folder, String(index))));
    };
    const [backends, others] = [await files(), await files()];
    const did = await didOf(backends);
    await didOf(others);
    const whole = await Promise.all(backends.map(({ file }) => readFile(file)));
    const flipped = (share: Buffer, at: number) => {
      const copy = Buffer.from(share);
      copy[at]! ^= 1;
      return copy;
    };
    for (const [at, { file }] of backends.entries()) {
      const mine = whole[at]!;
      const heads = [...Array(at === 0 ? 150 : 0).keys(), 24, 60, 100];
      const contents: [string, Buffer][] = [
        ...[...heads, mine.length - 40, mine.length - 1].map((byte): [string, Buffer] => [
          `byte ${byte}`,
          flipped(mine, byte),
        ]),
        ['empty', Buffer.alloc(0)],
        ['cut', mine.subarray(0, 50)],
        ['of another seed', await readFile(others[at]!.file)],
        ['a copy of another one', whole[(at + 1) % 3]!],
      ];
      for (const [what, content] of contents) {
        await writeFile(file, content);
        const bad: string[] = [];
        const seen = await didOf(backends, { onBadShare: (name) => bad.push(name) });
        expect({ what, seen, bad }).toEqual({ what, seen: did, bad: [file] });
      }
      const placed: [string, () => unknown][] = [
        ['a folder', () => mkdir(file, { mode: 0o700 })],
        ['a pipe', () => execFileSync('mkfifo', ['-m', '600', file])],
      ];
      for (const [what, place] of placed) {
        await rm(file);
        await place();
        const bad = new Set<string>();
        const seen = await didOf(backends, { onBadShare: (name) => bad.add(name) });
        expect({ what, seen, bad }).toEqual({ what, seen: did, bad: new Set([file]) });
        await rm(file, { recursive: true });
        await writeFile(file, mine, { mode: 0o600 });
      }
    }
  });

  test('that are none are refused', async () => {
    for (const text of ['', '{', '[]', '{"xid":2}', '{"xid":1,"pieces":[1],"tag":""}']) {
      const backends = three();
      for (const backend of backends) backend.save(Buffer.from(text));
      expect(await failure(() => didOf(backends))).toBe('SHARE_INVALID');
    }
  });

  test('that cannot be read now make no new person, and cannot be saved make none', async () => {
    const down: ShareBackend = {
      name: 'vault',
      load: async () => {
        throw new Error('sealed');
      },
      save: () => {},
    };
    const empty = () => new MemoryShareBackend();
    expect(await failure(() => at([down, empty(), empty()]))).toBe('SHARE_UNAVAILABLE');
    const full: ShareBackend = {
      name: 'full',
      load: () => undefined,
      save: async () => {
        throw new Error('no space');
      },
    };
    expect(await failure(() => at([full, empty(), empty()]))).toBe('SHARE_UNAVAILABLE');
    const folder = join(await temporaryFolder(), 'x');
    await mkdir(folder);
    await writeFile(join(folder, 'y'), '');
    expect(await failure(() => at([new FileShareBackend(join(folder, 'y', 'z')), empty(), empty()]))).toBe(
      'SHARE_UNAVAILABLE',
    );
  });
});

test('a thread that ends in the midst of it is told', async () => {
  const thread = new DerivationThread();
  const running = failure(() => thread.run({ shares: [], infos: [] }));
  await new Promise(setImmediate);
  thread.close();
  expect(await running).toBe('DERIVATION_FAILED');
  expect(await failure(() => thread.run({ shares: [], infos: [] }))).toBe('SHARES_TOO_FEW'); // the next one starts another
  thread.close();
});

describe('options', () => {
  test.each<[string, object]>([
    ['epochDurationMs', { epochDurationMs: 999 }],
    ['epochDurationMs', { epochDurationMs: '1d' }],
    ['splitConfig', { splitconfig: {} }],
    ['threshold', { splitConfig: { totalShares: 3, threshold: 4 } }],
    ['threshold', { splitConfig: { threshold: 1 } }],
    ['backends', { backends: [new MemoryShareBackend()], splitConfig: { totalShares: 2 } }],
    ['backends', { backends: [{}, {}, {}] }],
    ['masterSeed', { masterSeed: new Uint8Array(31) }],
    ['device', { device: '' }],
    ['maxVersion', { maxVersion: 4 }],
    ['clock', { clock: 5 }],
  ])('%s: %j is refused', async (name, options) => {
    const error = await EphemeralIdentity.create(options as EphemeralIdentityOptions).catch(
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ id: 'INVALID_OPTION', message: expect.stringContaining(name) });
  });
});

test('every error says what is wrong and what to do', () => {
  for (const [id, row] of Object.entries(XID_ERROR_TABLE)) {
    expect([id, row.message.endsWith('.'), row.hint.endsWith('.')]).toEqual([id, true, true]);
    expect(row.status).toBeGreaterThanOrEqual(400);
  }
});
