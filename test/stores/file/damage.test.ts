import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { encodeLine } from '../../../src/stores/file/journal-line.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { FILE_STORES, type FileStoreKind } from './all-stores.js';

const WRITES = 5;

/** A file that was written to and closed. */
async function written(kind: FileStoreKind, path: string, writes = WRITES): Promise<Buffer> {
  const store = await kind.open({ path });
  for (let number = 1; number <= writes; number++) await store.write(number);
  await store.close();
  return readFile(path);
}

/** What the store knows of the file, or the code of the error that it is refused with. */
async function reading(kind: FileStoreKind, path: string): Promise<number | string> {
  try {
    const store = await kind.open({ path });
    const last = await store.last();
    await store.close();
    return last;
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

/** Writes on until the file is written anew. Tells the last number, and a record of the file before. */
async function writtenAnew(kind: FileStoreKind, path: string): Promise<{ last: number; head: object }> {
  const head = JSON.parse(await readFile(`${path}.head`, 'utf8')).data;
  const store = await kind.open({ path });
  const headerOf = async () => (await readFile(path, 'utf8')).split('\n')[0];
  const header = await headerOf();
  let last = await store.last();
  while ((await headerOf()) === header) await store.write(++last);
  await store.close();
  return { last, head };
}

/** Where lines end. */
const endsIn = (bytes: Buffer): number[] =>
  [...bytes.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);

/** Start, middle and end of each line. */
function samplesOf(bytes: Buffer): { at: number; line: number }[] {
  const ends = endsIn(bytes);
  return ends.flatMap((end, line) => {
    const start = line === 0 ? 0 : ends[line - 1]!;
    return [start, start + 12, (start + end) >> 1, end - 2, end - 1].map((at) => ({ at, line }));
  });
}

describe.each(FILE_STORES)('$name', (kind) => {
  const isNonces = kind.name === 'FileNonceStore';

  test('[E15] does not open a file with a flipped bit, wherever it is', async () => {
    const path = join(await temporaryFolder(), 'state');
    const whole = await written(kind, path);
    for (const { at, line } of samplesOf(whole)) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      await writeFile(path, flipped);
      expect([at, await reading(kind, path)]).toEqual([at, line === 0 ? 'EFOREIGN' : 'EDAMAGED']);
      expect(await readFile(path)).toEqual(flipped); // left as it was
    }
    await writeFile(path, whole);
    expect(await reading(kind, path)).toBe(WRITES);
  }, 60_000);

  test('[E15] notices that acknowledged lines were cut off, at the end of a line or within one', async () => {
    const path = join(await temporaryFolder(), 'state');
    const whole = await written(kind, path);
    const head = await readFile(`${path}.head`);
    const [first] = endsIn(whole);
    for (const { at } of [...samplesOf(whole), ...endsIn(whole).map((end) => ({ at: end }))]) {
      if (at === whole.length) continue;
      await writeFile(path, whole.subarray(0, at));
      await writeFile(`${path}.head`, head);
      const found = await reading(kind, path);
      if (at > 0 && at < first!) expect([at, found]).toEqual([at, 'EFOREIGN']);
      else if (isNonces)
        expect([at, typeof found]).toEqual([at, 'number']); // a cold start: see nonce-store-cold-start
      else {
        expect([at, found]).toEqual([at, 'ELOST']);
        expect((await readFile(path)).length).toBe(at);
      }
    }
  }, 60_000);

  test('[E15] does not open a file with a line that was removed, doubled, put elsewhere or taken from another file', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'state');
    const lines = (bytes: Buffer) => bytes.toString().split('\n').slice(0, -1);
    const [header, a, b, ...rest] = lines(await written(kind, path)) as [string, string, string, ...string[]];
    const foreign = lines(await written(kind, join(folder, 'other')))[1]!;
    for (const changed of [
      [header, b, ...rest],
      [header, a, a, b, ...rest],
      [header, b, a, ...rest],
      [header, foreign, b, ...rest],
    ]) {
      await writeFile(path, `${changed.join('\n')}\n`);
      expect(await reading(kind, path)).toBe('EDAMAGED');
    }
  });

  test('[E15] opens with what was acknowledged when a crash left a line unfinished', async () => {
    const path = join(await temporaryFolder(), 'state');
    const whole = await written(kind, path);
    const last = whole.subarray(endsIn(whole).at(-2)!);
    const tails = [last.subarray(0, 10), last.subarray(0, -1), Buffer.alloc(300), Buffer.from('{"sum":\n')];
    for (const tail of tails) {
      await writeFile(path, Buffer.concat([whole, tail]));
      expect(await reading(kind, path)).toBe(WRITES);
      expect((await readFile(path)).length).toBe(whole.length);
    }
    const cuts: number[] = [];
    await writeFile(path, Buffer.concat([whole, tails[0]!]));
    if (kind.name === 'EnterpriseStore') return; // tells nobody
    const store = await kind.open({ path, onRepair: ({ bytes }) => cuts.push(bytes) });
    await store.close();
    expect(cuts).toEqual([10]);
  });

  test('[E15] does not open a record that was altered, and goes on without one when told to', async () => {
    const path = join(await temporaryFolder(), 'state');
    await written(kind, path);
    const head = await readFile(`${path}.head`, 'utf8');
    await writeFile(`${path}.head`, head.replace('"inode"', '"inodE"'));
    expect(await reading(kind, path)).toBe('EDAMAGED');
    await rm(`${path}.head`);
    expect(await reading(kind, path)).toBe(WRITES);
  });

  test('[E15] goes on after a crash between writing the file anew and recording that', async () => {
    const path = join(await temporaryFolder(), 'state');
    await written(kind, path);
    const { last, head } = await writtenAnew(kind, path);
    const { follows } = JSON.parse((await readFile(path, 'utf8')).split('\n')[0]!).data;
    const putBack = (sum: string) =>
      writeFile(`${path}.head`, encodeLine('', JSON.stringify({ ...head, sum })).text);
    await putBack(follows); // what it said when the old file was full
    expect(await reading(kind, path)).toBe(last);
    await putBack('0123456789abcdef'); // the file follows another one
    expect(await reading(kind, path)).toBe(isNonces ? last : 'ELOST');
  });

  test('[E15] leaves a file of another kind alone, and says so', async () => {
    const folder = await temporaryFolder();
    const other = FILE_STORES[(FILE_STORES.indexOf(kind) + 1) % FILE_STORES.length]!;
    const path = join(folder, 'state');
    await written(other, path);
    for (const text of [await readFile(path, 'utf8'), '[]', '{"version":1}\n', 'not JSON', '\n\n']) {
      await rm(`${path}.head`);
      await writeFile(path, text);
      expect([text, await reading(kind, path)]).toEqual([text, 'EFOREIGN']);
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });

  test('[E15] follows links, to a file that is there or is not yet, and leaves nothing else behind', async () => {
    const folder = await temporaryFolder();
    const link = join(folder, 'link');
    const target = join(folder, 'real', 'state');
    await symlink(join('real', 'state'), link);
    expect(await written(kind, link)).toEqual(await readFile(target));
    await mkdir(join(folder, 'real'), { recursive: true });
    await writeFile(`${target}.tmp`, 'left by a crash');
    await writeFile(`${target}.lock-17-0011223344556677.tmp`, 'left by a crash');
    expect(await reading(kind, link)).toBe(WRITES);
    expect(await readlink(link)).toBe(join('real', 'state'));
    const names = (await readdir(join(folder, 'real'))).map((name) => name.replace(/\d+$/, 'N'));
    expect(names.sort()).toEqual(['state', 'state.head', 'state.lock-N']);
    expect(await readdir(folder)).toEqual(['link', 'real']);
  });
});

// Nonces begin with a cold start then: see nonce-store-cold-start.
describe.each(FILE_STORES.filter(({ name }) => name !== 'FileNonceStore'))('$name', (kind) => {
  test('[E15] notices that the file is gone, empty, or an older copy from before it was written anew', async () => {
    const path = join(await temporaryFolder(), 'state');
    const older = await written(kind, path);
    const { last: number } = await writtenAnew(kind, path);
    const newer = await readFile(path);
    const head = await readFile(`${path}.head`);
    const damages = [() => writeFile(path, older), () => writeFile(path, ''), () => rm(path)];
    for (const damage of damages) {
      await damage();
      expect(await reading(kind, path)).toBe('ELOST');
      expect(await readFile(`${path}.head`)).toEqual(head);
    }
    await writeFile(path, newer);
    expect(await reading(kind, path)).toBe(number);
  }, 60_000);
});
