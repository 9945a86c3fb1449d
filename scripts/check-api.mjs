// Holds every exported name with its signature against api/<front>.api.md, so that a change of the surface is seen in
// review. With --write it writes the reports. Needs dist/.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { frontsOf, manifestOf } from './manifest.mjs';
import { root } from './wings.mjs';

const FOLDER = join(root, 'api');
const write = process.argv.includes('--write');
const fronts = frontsOf(manifestOf(root));
const configs = fronts.map(configOf);
const temporary = join(root, 'test-output/api');

if (write) rmSync(FOLDER, { recursive: true, force: true });
for (const folder of [FOLDER, temporary]) mkdirSync(folder, { recursive: true });
// One program of the compiler for all fronts, and none of its talk.
const compilerState = CompilerState.create(configs[0], {
  additionalEntryPoints: configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
});
const changed = fronts.filter((_, index) => !isAsReported(configs[index]));
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

function isAsReported(config) {
  const options = { localBuild: write, compilerState, messageCallback: quiet };
  const { apiReportChanged, errorCount } = Extractor.invoke(config, options);
  if (errorCount > 0) throw new Error(`API Extractor failed for ${config.mainEntryPointFilePath}`);
  return write || !apiReportChanged;
}

function quiet(message) {
  if (message.logLevel === 'error') console.error(message.text);
  message.handled = true;
}

function configOf({ name, file }) {
  const entry = join(root, `dist/esm/${file}.d.ts`);
  const paths = { '#provider': [join(root, 'dist/esm/crypto/native/index.d.ts')] };
  const overrideTsconfig = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { paths },
    include: [],
    files: [entry],
  };
  const none = { default: { logLevel: 'none' } };
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(root, 'package.json'),
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: FOLDER,
        reportTempFolder: join(root, 'test-output/api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: none,
        tsdocMessageReporting: none,
      },
    },
  });
}
