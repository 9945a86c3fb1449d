// Gets runtimes and the packed package. Runtimes are kept between runs, in the folder for temporary files.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../../scripts/pack.mjs';
import { root } from '../../scripts/wings.mjs';

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const cache = join(tmpdir(), 'xlink-runtimes');

/** The executable: a file, or a name to be found in the PATH. Throws where a package cannot be installed. */
export function install({ from }) {
  if (from.program) return from.program;
  const name = `${from.package}@${from.version}`;
  const home = join(cache, name.replaceAll('/', '+'));
  const file = join(home, 'node_modules', from.package, from.file);
  if (existsSync(file)) return file;
  // It gets its name when it is whole, so that an interrupted installation is not taken for one.
  const unfinished = `${home}.${process.pid}`;
  npmInstall(unfinished, [name]);
  rmSync(home, { recursive: true, force: true });
  renameSync(unfinished, home);
  return file;
}

/** A project that has the packed package and Express installed, and the suite beside it. */
export function installPackage() {
  const home = mkdtempSync(join(tmpdir(), 'xlink-runtimes-project-'));
  npmInstall(home, [pack(root, home).tarball, `express@${devDependencies.express}`]);
  cpSync(join(root, 'test/runtimes'), join(home, 'test/runtimes'), { recursive: true });
  cpSync(join(root, 'test/vectors/replay.mjs'), join(home, 'test/vectors/replay.mjs'));
  return home;
}

function npmInstall(home, packages) {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{ "private": true, "type": "module" }');
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', '--prefer-offline'];
  execFileSync('npm', ['install', ...quiet, ...packages], { cwd: home, stdio: 'pipe' });
}
