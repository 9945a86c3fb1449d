import { execFileSync } from 'node:child_process';
import {
  appendFile,
  chmod,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyRecord, FileTrustRegistry, type FileTrustRegistryOptions } from '@private.me/xlink';
import { encodeLine } from '../../../src/stores/file/journal-line.js';
import { identityOf } from '../../support/agents.js';
import { frozenClock } from '../../support/clock.js';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';
import { lastWriteOf, writeNumber } from './numbered-writes.js';

const alice = await identityOf('alice');
const [ALICE, BOB, CAROL] = [alice.did, (await identityOf('bob')).did, (await identityOf('carol')).did];
let folder: string;
let path: string;
let opened: FileTrustRegistry[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-registry-'));
  path = join(folder, 'state', 'trust.jsonl');
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((registry) => registry.close()));
  await rm(folder, { recursive: true, maxRetries: 10 });
});

function openRegistry(options: Partial<FileTrustRegistryOptions> = {}): FileTrustRegistry {
  const registry = new FileTrustRegistry({ path, ...options });
  opened.push(registry);
  return registry;
}
async function reopened(registry: FileTrustRegistry): Promise<FileTrustRegistry> {
  await registry.close();
  return openRegistry();
}
/** Why the registry cannot be asked: message of the error underneath, after `LOOKUP_FAILED`. */
async function complaint(registry: FileTrustRegistry): Promise<string> {
  const error = await thrownBy(() => registry.lookup(ALICE));
  expect(error.id).toBe('LOOKUP_FAILED');
  return String((error.cause as Error).message);
}
const linesIn = async () => (await readFile(path, 'utf8')).split('\n').slice(0, -1);

describe('what is in the file', () => {
  test('is known again after a restart', async () => {
    const before = openRegistry();
    const keys = await createKeyRecord(alice, { epoch: 1 });
    unwrap(await before.register({ did: ALICE, name: 'Ada', keys, sendScopes: ['a'] }));
    unwrap(await before.updateKeys(await createKeyRecord(alice, { epoch: 2 })));
    unwrap(await before.add(BOB, { scopes: ['b'] }));
    unwrap(await before.revoke(BOB));
    unwrap(await before.updateScopes(ALICE, { receiveScopes: ['r'] }));
    const list = await before.list();
    expect(list).toHaveLength(2);
    const after = await reopened(before);
    expect(await after.list()).toStrictEqual(list);
    expect(await after.lookup(BOB)).toStrictEqual({
      did: BOB,
      sendScopes: ['b'],
      status: 'revoked',
      revision: 2,
    });
    expect((await after.lookup(ALICE))?.keys?.epoch).toBe(2);
    expect(Object.isFrozen((await after.lookup(ALICE))?.keys)).toBe(true);
  });

  test('is one JSON value a line, and only its owner can read it', async () => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE, { name: 'a\nb' }));
    const lines = (await linesIn()).map((line) => JSON.parse(line).data);
    expect(lines).toEqual([
      { format: 'xlink-trust-registry', version: 1, id: expect.any(String) },
      [{ did: ALICE, name: 'a\nb', status: 'active', revision: 1 }],
    ]);
    for (const name of await readdir(join(folder, 'state')))
      expect((await stat(join(folder, 'state', name))).mode & 0o777).toBe(0o600);
    await chmod(path, 0o666);
    unwrap(await (await reopened(registry)).add(BOB));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('is the file that a link leads to, under one lock', async () => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    const other = join(folder, 'link.jsonl');
    await symlink(path, other);
    expect(await complaint(openRegistry({ path: other }))).toMatch(/held by process/);
    await registry.close();
    expect(await openRegistry({ path: other }).lookup(ALICE)).toBeDefined();
  });

  test('may be an empty file that was made by hand', async () => {
    await mkdir(join(folder, 'state'));
    await writeFile(path, '');
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    expect(await (await reopened(registry)).lookup(ALICE)).toBeDefined();
  });
});

describe('a write', () => {
  /** Puts something in front of a method of all open files, for one test. */
  async function inFrontOf<T>(
    method: 'datasync' | 'truncate',
    hook: () => Promise<void>,
    run: () => Promise<T>,
  ): Promise<T> {
    const file = await open(folder, 'r');
    const prototype = Object.getPrototypeOf(file) as FileHandle;
    await file.close();
    const original = prototype[method];
    prototype[method] = async function (this: FileHandle, ...args: []) {
      await hook();
      return original.apply(this, args);
    };
    try {
      return await run();
    } finally {
      prototype[method] = original;
    }
  }
  const fails = async () => {
    throw Object.assign(new Error('input/output error'), { code: 'EIO' });
  };

  test('is acknowledged, and seen, when it is on the disk and not before', async () => {
    const registry = openRegistry();
    await registry.ready();
    let letGo = () => {};
    let asked = () => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const atGate = new Promise<void>((resolve) => (asked = resolve));
    await inFrontOf(
      'datasync',
      () => {
        asked();
        return gate;
      },
      async () => {
        let acknowledged = false;
        const added = registry.add(ALICE).then(() => (acknowledged = true));
        await atGate;
        expect(await readFile(path, 'utf8')).toContain(ALICE); // written, but not yet known to stay
        expect(acknowledged).toBe(false);
        expect(registry.lookup(ALICE)).toBeUndefined();
        letGo();
        await added;
        expect(registry.lookup(ALICE)).toBeDefined();
      },
    );
  });

  test('shares its way to the disk with those that came meanwhile', async () => {
    const registry = openRegistry();
    await registry.ready();
    let syncs = 0;
    await inFrontOf(
      'datasync',
      async () => void syncs++,
      async () => {
        const results = await Promise.all(
          Array.from({ length: 200 }, (_, at) =>
            registry.add([ALICE, BOB, CAROL][at % 3]!, { name: `${at}` }),
          ),
        );
        expect(results.map(idOf)).toEqual(Array(200).fill('ok'));
      },
    );
    expect(syncs).toBeLessThanOrEqual(3);
    expect((await (await reopened(registry)).lookup(CAROL))?.name).toBe('197');
  });

  test('that the disk refuses did not happen, nor what was said because of it', async () => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    const size = (await stat(path)).size;
    const [bob, again, carol] = await inFrontOf('datasync', fails, () =>
      Promise.all([registry.register({ did: BOB }), registry.register({ did: BOB }), registry.revoke(CAROL)]),
    );
    for (const result of [bob, again])
      expect(errorOf(result!)).toMatchObject({ id: 'REGISTRATION_FAILED', cause: { code: 'EIO' } });
    expect(idOf(carol!)).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
    expect(registry.lookup(BOB)).toBeUndefined();
    expect((await stat(path)).size).toBe(size);
    unwrap(await registry.register({ did: BOB }));
    expect(await (await reopened(registry)).list()).toHaveLength(2);
  });

  test('that could neither be made nor be taken back is taken back before the next one', async () => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    const { size } = await stat(path);
    const result = await inFrontOf('truncate', fails, () =>
      inFrontOf('datasync', fails, () => registry.add(BOB)),
    );
    expect(errorOf(result)).toMatchObject({ id: 'REGISTRATION_FAILED', cause: { code: 'EIO' } });
    expect(registry.lookup(BOB)).toBeUndefined();
    expect((await stat(path)).size).toBeGreaterThan(size); // it is still there, and nobody was told so
    unwrap(await registry.add(CAROL));
    expect((await (await reopened(registry)).list()).map(({ did }) => did)).toEqual([ALICE, CAROL]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['was removed', () => rm(path)],
    ['was replaced', () => rename(path, `${path}.old`).then(() => writeFile(path, 'x'))],
    ['was written to by another program', () => appendFile(path, 'x\n')],
  ])('is refused when the file %s: it would be lost', async (_, interfere) => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    await interfere();
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect((await registry.lookup(ALICE))?.status).toBe('active');
  });

  test('that came before the end is made, one that came after is refused', async () => {
    const registry = openRegistry();
    const results = Promise.all([registry.add(ALICE), registry.add(BOB)]);
    await Promise.all([registry.close(), registry.close()]);
    expect((await results).map(idOf)).toEqual(['ok', 'ok']);
    expect(idOf(await registry.add(CAROL))).toBe('REGISTRATION_FAILED');
    expect(await complaint(registry)).toMatch(/closed/);
    expect(await openRegistry().list()).toHaveLength(2);
  });
});

describe('a damaged file', () => {
  const dids = [ALICE, BOB];

  test('cut off anywhere in its last two lines holds what was written before', async () => {
    const registry = openRegistry();
    for (let number = 1; number <= 4; number++) unwrap(await writeNumber(registry, dids, number));
    await registry.close();
    const whole = await readFile(path);
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
    expect(ends).toHaveLength(5);
    for (let length = whole.length; length >= ends[2]!; length--) {
      await writeFile(path, whole.subarray(0, length));
      await rm(`${path}.head`, { force: true }); // as if the last two had not been acknowledged yet
      const cuts: number[] = [];
      const cut = openRegistry({ onRepair: ({ bytes }) => cuts.push(bytes) });
      const lastEnd = ends.filter((end) => end <= length).length;
      expect(lastWriteOf(dids, await cut.list())).toBe(lastEnd - 1);
      expect(cuts).toEqual(length === ends[lastEnd - 1] ? [] : [length - ends[lastEnd - 1]!]);
      if (length % 16 === 0) unwrap(await writeNumber(cut, dids, lastEnd)); // and goes on from there
      await cut.close();
    }
  }, 30_000);

  test.each<[string, (last: string) => string]>([
    ['another byte', (last) => last.replace('active', 'Active')],
    ['zeros', (last) => '\0'.repeat(last.length)],
    ['zeros in front', (last) => '\0'.repeat(40) + last.slice(40)],
    ['no checksum', (last) => JSON.stringify(JSON.parse(last).data)],
  ])('with %s in its last line, not acknowledged, loses that line only', async (_, damage) => {
    const registry = openRegistry();
    for (const did of [ALICE, BOB]) unwrap(await registry.add(did));
    await registry.close();
    const [header, first, last] = await linesIn();
    await writeFile(path, `${[header, first, damage(last!)].join('\n')}\n`);
    await rm(`${path}.head`); // as if it had not been acknowledged yet
    const repaired = openRegistry();
    expect((await repaired.list()).map(({ did }) => did)).toEqual([ALICE]);
    expect(await linesIn()).toEqual([header, first]);
  });

  test('is left alone, and nothing is accepted, when a line before the last is', async () => {
    const registry = openRegistry();
    for (const did of [ALICE, BOB, CAROL]) unwrap(await registry.add(did, { name: 'canary' }));
    await registry.close();
    const text = (await readFile(path, 'utf8')).replace(BOB, CAROL);
    await writeFile(path, text);
    const broken = openRegistry();
    expect(await complaint(broken)).toMatch(`${path}: line 3 is damaged. `);
    const error = errorOf(await broken.revoke(ALICE));
    expect(error.id).toBe('REGISTRATION_FAILED');
    expect(JSON.stringify([error, String(error.cause)])).not.toContain('canary');
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test.each([
    ['no entry', '[{"did":"x"}]'],
    ['no list', '{}'],
  ])('is one whose line is whole but holds %s', async (_, data) => {
    await openRegistry().ready();
    await opened[0]!.close();
    const { sum } = JSON.parse((await linesIn())[0]!);
    await appendFile(path, `${encodeLine(sum, data).text}\n`);
    expect(await complaint(openRegistry())).toMatch(`${path}: line 2 is damaged. `);
  });

  test.each(['not JSON', '{"a":1}\n', '[]\n[]\n', '\n'])(
    'is not begun anew if it is something else: %j',
    async (text) => {
      await mkdir(join(folder, 'state'));
      await writeFile(path, text);
      expect(await complaint(openRegistry())).toMatch(/is not a file of kind xlink-trust-registry/);
      expect(await readFile(path, 'utf8')).toBe(text);
    },
  );

  test('is no folder and no pipe', async () => {
    await mkdir(path, { recursive: true });
    expect(await complaint(openRegistry())).toMatch(/EISDIR/);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await complaint(openRegistry({ path: pipe }))).toMatch(/not a file/);
    expect((await stat(pipe)).isFIFO()).toBe(true);
    await writeFile(join(folder, 'file'), '');
    expect(await complaint(openRegistry({ path: join(folder, 'file', 'trust.jsonl') }))).toMatch(
      /ENOTDIR|EEXIST/,
    );
  });
});

describe('a file that has grown', () => {
  test('is written anew with what it comes to, and goes on', async () => {
    const registry = openRegistry();
    await registry.ready();
    const dids = [ALICE, BOB];
    for (let number = 1; number <= 1100; number++) unwrap(await writeNumber(registry, dids, number));
    expect((await linesIn()).length).toBeLessThan(200);
    expect((await readdir(join(folder, 'state'))).sort()).toEqual([
      'trust.jsonl',
      'trust.jsonl.head',
      'trust.jsonl.lock-1',
    ]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    unwrap(await registry.add(CAROL));
    expect(
      lastWriteOf(
        [...dids],
        (await registry.list()).filter(({ did }) => did !== CAROL),
      ),
    ).toBe(1100);
    expect(await (await reopened(registry)).lookup(CAROL)).toBeDefined();
  }, 30_000);

  test('grows on if there is no room for another one beside it', async () => {
    const registry = openRegistry();
    await registry.ready();
    await mkdir(`${path}.tmp`); // in the way
    for (let number = 1; number <= 1100; number++) unwrap(await writeNumber(registry, [ALICE], number));
    expect((await linesIn()).length).toBeGreaterThan(1000);
    await rm(`${path}.tmp`, { recursive: true, maxRetries: 10 });
    const after = await reopened(registry);
    expect(lastWriteOf([ALICE], await after.list())).toBe(1100);
    expect(await linesIn()).toHaveLength(2);
  }, 30_000);

  test('a copy that a crash left half done does not matter', async () => {
    const registry = openRegistry();
    unwrap(await registry.add(ALICE));
    await registry.close();
    await writeFile(`${path}.tmp`, 'half a co');
    expect(await openRegistry().lookup(ALICE)).toBeDefined();
    expect(await readdir(join(folder, 'state'))).not.toContain('trust.jsonl.tmp');
  });
});

describe('a second writer', () => {
  test('waits outside until the first has closed, and tries again after a second', async () => {
    const clock = frozenClock();
    const first = openRegistry();
    unwrap(await first.add(ALICE));
    const second = openRegistry({ clock });
    expect(await complaint(second)).toMatch(/held by process \d+;/);
    expect(idOf(await second.add(BOB))).toBe('REGISTRATION_FAILED');
    await first.close();
    clock.advance(999);
    expect(await complaint(second)).toMatch(/held by process/);
    clock.advance(1);
    expect(await second.lookup(ALICE)).toBeDefined();
  });
});

test('options are checked', () => {
  expect(() => new FileTrustRegistry({} as never)).toThrow(
    expect.objectContaining({ id: 'INVALID_OPTION', field: 'path' }),
  );
  expect(() => new FileTrustRegistry({ path: 'x', pth: 1 } as never)).toThrow(
    expect.objectContaining({ field: 'pth', hint: expect.stringContaining('did you mean path') }),
  );
});
