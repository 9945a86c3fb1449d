import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FileTrustRegistry } from '@private.me/xlink';
import { build } from 'esbuild';
import { scaled } from '../../scale/scale.js';
import { identityOf } from '../../support/agents.js';
import { until } from '../../support/until.js';
import { killed, type Writer } from './killed-writer.js';
import { lastWriteOf } from './numbered-writes.js';

const ROUNDS = scaled(500, 100);
/** Files that are written to at the same time. */
const LANES = 2;

const folder = mkdtempSync(join(tmpdir(), 'xlink-crash-'));
const writer = join(folder, 'writer.mjs');
const dids = await Promise.all(
  Array.from({ length: 5 }, async (_, at) => (await identityOf(`crash-${at}`, 1)).did),
);
const alive = new Set<ChildProcess>();

beforeAll(() =>
  build({
    entryPoints: [fileURLToPath(new URL('writer.ts', import.meta.url))],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  }),
);
let isOver = false;
afterAll(() => {
  isOver = true;
  for (const child of alive) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function startWriter(path: string, first: number): Writer {
  if (isOver) throw new Error('the test is over');
  const child = spawn(process.execPath, [writer, path, `${first}`, ...dids], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  child.once('close', () => alive.delete(child));
  return child;
}

/** Lets a process write and kills it some time after a few writes, however slow the disk; tells what it acknowledged last. */
const writeAndDie = async (path: string, first: number, random: () => number): Promise<number> =>
  Math.max(first - 1, await killed(startWriter(path, first), random() * 12, 1 + Math.floor(random() * 6)));

async function stateOf(path: string): Promise<number> {
  const registry = new FileTrustRegistry({ path });
  try {
    return lastWriteOf(dids, await registry.list());
  } finally {
    await registry.close();
  }
}

test(`${ROUNDS} times killed while it writes, a registry has lost nothing it acknowledged`, async () => {
  const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 2 ** 31);
  let killedBetween = 0;
  const lane = async (at: number) => {
    const random = randomFrom(seed + at);
    const path = join(folder, `trust-${at}.jsonl`);
    let last = 0;
    for (let round = 0; round < ROUNDS / LANES; round++) {
      const where = `CRASH_SEED=${seed}, lane ${at}, round ${round}`;
      const acknowledged = await writeAndDie(path, last + 1, random);
      const found = await stateOf(path).catch((cause) => {
        throw new Error(`${where}: ${cause.message}, ${cause.cause}`, { cause });
      });
      if (found < acknowledged)
        throw new Error(`${where}: ${acknowledged} was acknowledged, ${found} is there`);
      if (found > acknowledged) killedBetween++;
      last = found;
    }
    return last;
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, at) => lane(at))); // none goes on alone
  const writes = lanes.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
  expect(Math.min(...writes)).toBeGreaterThan((ROUNDS / LANES) * 3);
  // Some died after the disk had it and before it could say so: the moments were those that matter.
  expect(killedBetween).toBeGreaterThan(0);
}, 600_000);

test('of several processes that want what a dead one left, one writes and the others say why not', async () => {
  const path = join(folder, 'wanted.jsonl');
  let last = await writeAndDie(path, 1, Math.random);
  for (let round = 0; round < 5; round++) {
    const children = Array.from({ length: 4 }, () => startWriter(path, last + 10)); // more than were under way
    const ends = children.map(async (child) => {
      let complaints = '';
      child.stderr.on('data', (chunk) => (complaints += chunk));
      child.stdout.resume();
      const [code] = await once(child, 'close');
      return { code, complaints };
    });
    const losers = new Set<unknown>();
    for (const end of ends) void end.then((loser) => losers.add(loser));
    await until(() => losers.size === 3, { withinMs: 30_000 });
    for (const child of children) child.kill('SIGKILL');
    const all = await Promise.all(ends);
    expect(all.filter(({ code }) => code === null)).toHaveLength(1); // killed
    for (const { code, complaints } of all)
      if (code !== null) expect(complaints).toMatch(/held by process \d+/);
    const registry = new FileTrustRegistry({ path });
    const numbers = (await registry.list()).map(({ sendScopes }) => Number(sendScopes?.[0]));
    await registry.close();
    last = Math.max(...numbers);
  }
}, 180_000);
