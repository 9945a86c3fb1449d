// Holds every exported name with its signature against api/<front>.api.md, so that a change of the surface is seen in
// review. With --write it writes the reports. Needs dist/.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { extractApi, fronts } from './api-extractor.mjs';
import { root } from './wings.mjs';

const FOLDER = join(root, 'api');
const write = process.argv.includes('--write');
const temporary = join(root, 'test-output/api');

if (write) rmSync(FOLDER, { recursive: true, force: true });
for (const folder of [FOLDER, temporary]) mkdirSync(folder, { recursive: true });
const results = extractApi(reportOf, { localBuild: write, onMessage: stopAtError });
const changed = fronts.filter((_, index) => !write && results[index].apiReportChanged);
const reports = fronts.map(({ name }) => `${name}.api.md`);
const strangers = readdirSync(FOLDER).filter((file) => !reports.includes(file));
for (const { name } of changed) {
  console.error(`The exports of ${name} are not those of api/${name}.api.md. If that is meant: npm run api`);
  const files = [join('api', `${name}.api.md`), join('test-output/api', `${name}.api.md`)];
  const { stdout } = spawnSync('diff', ['-u', ...files], { cwd: root, encoding: 'utf8' });
  console.error(stdout);
}
for (const file of strangers) console.error(`api/${file} is of no front`);
console.log(`${fronts.length} fronts`);
process.exitCode = changed.length + strangers.length > 0 ? 1 : 0;

function reportOf({ name }) {
  const reportFileName = `${name}.api.md`;
  return { apiReport: { enabled: true, reportFileName, reportFolder: FOLDER, reportTempFolder: temporary } };
}

function stopAtError({ logLevel, text }) {
  if (logLevel === 'error') throw new Error(`API Extractor failed: ${text}`);
}
