import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The package as it is after a build, in a folder of its own: for programs that plain Node runs. dist/ is left alone. */
export class BuiltPackage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xlink-built-'));

  constructor() {
    const outDir = join(this.#folder, 'dist/esm');
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', outDir], {
      cwd: root,
    });
    cpSync(join(root, 'package.json'), join(this.#folder, 'package.json'));
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Copies a program into the folder, where it can import the package by its name; returns where it is. */
  program(file: string | URL): string {
    const path = fileURLToPath(file);
    const copy = join(this.#folder, basename(path));
    cpSync(path, copy);
    return copy;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
