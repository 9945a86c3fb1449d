import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './api.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The package as it is after a build, with the example, in a folder of its own: dist/ here is left alone. */
export class BuiltCopy {
  readonly folder = temporaryFolder();
  /** Where the demo puts its temporary data. */
  readonly temp = join(this.folder, 'tmp');
  readonly example = join(this.folder, 'examples/express-app');

  constructor() {
    const tsc = join(root, 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', join(this.folder, 'dist/esm')], {
      cwd: root,
    });
    cpSync(join(root, 'package.json'), join(this.folder, 'package.json'));
    cpSync(join(root, 'examples/express-app'), join(this.folder, 'examples/express-app'), {
      recursive: true,
    });
    const modules = join(this.folder, 'node_modules');
    mkdirSync(modules); // a folder of its own, so that the cache in it is
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
    mkdirSync(this.temp);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
