// npm run bench:compare -- <folder of another checkout, built> [--seconds 60] [--only receive]
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cellsOf } from './compare/cells.mjs';
import { loadBuild } from './compare/load-build.mjs';
import { startRedis } from './compare/redis.mjs';
import { median, ratioInterval, rounds, table, whole } from './stats.mjs';

const WARM_UP = 0.25;
const MIN_ROUNDS = 5;
/** The interval of a ratio must reach below this. */
const LIMIT = 1.05;
/** How long a cell has its turn, in ms: what is fast has more pairs. */
const TURN_MS = 100;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '120' }, only: { type: 'string', default: '' } },
});
const [folder] = positionals;
if (!folder) {
  console.error(
    'npm run bench:compare -- <folder of another checkout, built> [--seconds 120] [--only receive]',
  );
  process.exit(2);
}
const here = await loadBuild(resolve(import.meta.dirname, '..'));
const other = await loadBuild(resolve(folder));
const redis = await startRedis();
try {
  const builds = [here, other];
  const cells = (await cellsOf(builds, redis)).filter(({ name }) => name.includes(values.only));
  const seconds = Number(values.seconds);
  await rounds(seconds * WARM_UP, 2, cells, runPairs);
  for (const cell of cells) cell.pairs = [];
  await rounds(seconds * (1 - WARM_UP), MIN_ROUNDS, cells, runPairs);
  console.log(`Node ${process.versions.node}; microseconds for one message of 1 KiB, medians of interleaved pairs
  this build   ${here.folder}
  other build  ${other.folder}\n`);
  console.log(report(cells));
  await Promise.all(cells.map((cell) => cell.close()));
} finally {
  await redis.stop();
}

/** Both builds one after the other, in random order: what is compared was measured within milliseconds. */
async function runPairs(cell) {
  const end = performance.now() + TURN_MS;
  do {
    const taken = [];
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    for (const at of order) taken[at] = await cell.tasks[at]();
    cell.pairs.push(taken);
  } while (performance.now() < end);
}

/** Time counts what is waited for, such as round trips; CPU is what a busy machine does not spoil. */
function report(cells) {
  const rows = [['', 'this', 'other', 'time', '95 % interval', 'CPU', '95 % interval', 'pairs', '']];
  for (const { name, pairs } of cells) {
    const of = (what) => pairs.map((pair) => pair.map((taken) => taken[what]));
    const [mine, others] = [0, 1].map((at) => median(of('time').map((pair) => pair[at])));
    const ratios = ['time', 'cpu'].map((what) => ratioInterval(of(what)));
    const isAbove = ratios.some(({ low }) => low >= LIMIT);
    rows.push([
      name,
      whole(mine),
      whole(others),
      ...ratios.flatMap(({ ratio, low, high }) => [
        ratio.toFixed(3),
        `${low.toFixed(3)} to ${high.toFixed(3)}`,
      ]),
      String(pairs.length),
      isAbove ? `above ${LIMIT}` : '',
    ]);
    if (isAbove) process.exitCode = 1;
  }
  return table(rows);
}
