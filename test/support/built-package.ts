import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onceInRun } from './once-in-run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The package as it is after a build, in a folder of its own: for programs that plain Node runs. dist/ is left alone. */
export class BuiltPackage {
  readonly folder = mkdtempSync(join(tmpdir(), 'xlink-built-'));
  /** Where the demo puts its temporary data. */
  readonly temp = join(this.folder, 'tmp');
  readonly example = join(this.folder, 'examples/express-app');

  constructor() {
    symlinkSync(join(builtOnce(), 'dist'), join(this.folder, 'dist'));
    cpSync(join(root, 'package.json'), join(this.folder, 'package.json'));
    for (const folder of ['examples/express-app', 'clients'])
      cpSync(join(root, folder), join(this.folder, folder), { recursive: true });
    linkModules(this.folder);
    mkdirSync(this.temp);
  }

  /** Copies a program into the folder, where it can import the package by its name; returns where it is. */
  program(file: string | URL): string {
    const path = fileURLToPath(file);
    const copy = join(this.folder, basename(path));
    cpSync(path, copy);
    return copy;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The build that all files of a run share. */
const builtOnce = (): string =>
  onceInRun('built', (folder) => {
    const tsc = join(root, 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'dist/esm')], { cwd: root });
    execFileSync(process.execPath, ['scripts/build-node.mjs', join(folder, 'dist/node')], { cwd: root });
    cpSync(join(root, 'package.json'), join(folder, 'package.json'));
    linkModules(folder);
  });

/** Links each package, so that the folder can have a cache of its own. */
function linkModules(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
}
