// How long files are: none over 400 lines, and the median of the sources and of the tests under 120.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MOST = 400;
/** The median of each kind must be below this. */
const MEDIAN = 120;

const KINDS = {
  sources: /^(src|packages\/[^/]+\/src)\//,
  tests: /^(test|packages\/[^/]+\/test)\//,
};

const root = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'],
  {
    cwd: root,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((file) => /\.[cm]?[jt]sx?$/.test(file));

const faults = [];
for (const [kind, pattern] of Object.entries(KINDS)) {
  const sizes = files.filter((file) => pattern.test(file)).flatMap(sizeOf);
  for (const { file, lines } of sizes)
    if (lines > MOST) faults.push(`${file} has ${lines} lines, not ${MOST}`);
  const median = medianOf(sizes.map(({ lines }) => lines));
  console.log(`${kind}: ${sizes.length} files, median ${median} lines`);
  if (median >= MEDIAN) faults.push(`the median of the ${kind} is ${median} lines, not under ${MEDIAN}`);
}
if (faults.length > 0) {
  console.error(`Split by theme what is too long:\n${faults.join('\n')}`);
  process.exitCode = 1;
}

/** Nothing for a file that is deleted and not committed yet. */
function sizeOf(file) {
  try {
    return [{ file, lines: readFileSync(`${root}/${file}`, 'utf8').split('\n').length - 1 }];
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function medianOf(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
