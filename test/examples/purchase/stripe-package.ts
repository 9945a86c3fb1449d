import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onceInRun } from '../../support/once-in-run.js';

/** The folder of the example. */
export const PURCHASE = fileURLToPath(new URL('../../../examples/purchase', import.meta.url));

/** Installs the one dependency of the example, 23 MB, unless what the lock file wants is there already. */
export function installStripe(): void {
  onceInRun('purchase-stripe', () => {
    if (installed() === wanted()) return;
    const flags = ['--include=dev', '--no-audit', '--no-fund', '--ignore-scripts'];
    execFileSync('npm', ['ci', '--prefix', PURCHASE, ...flags], { stdio: 'pipe' });
  });
}

const wanted = () => integrityIn(join(PURCHASE, 'package-lock.json'));

/** What npm says it put there; it writes that last. */
function installed(): string | undefined {
  const file = join(PURCHASE, 'node_modules/.package-lock.json');
  return existsSync(file) ? integrityIn(file) : undefined;
}

const integrityIn = (file: string): string =>
  JSON.parse(readFileSync(file, 'utf8')).packages['node_modules/stripe'].integrity;
