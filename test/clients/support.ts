import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mode } from '@private.me/xlink';
import { Api } from '../examples/api.js';
import { afterTest } from '../support/after-test.js';
import { until } from '../support/until.js';

// The clients that are there to be copied, against the example app. Each is run as its users run it, in a folder with nothing else.

export const clientFile = (name: string): string =>
  fileURLToPath(new URL(`../../clients/${name}`, import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An empty folder with these clients in it. */
export function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-client-'));
  for (const name of names) copyFileSync(clientFile(name), join(folder, name));
  return folder;
}

export const run = (
  folder: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 2 ** 24 };
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

/** The example app, a customer of it with a key, and what the report says of it. */
export async function serveExample(mode?: Mode) {
  const api = await Api.open(undefined, mode);
  afterTest(() => api.destroy());
  const customer = await api.customer('ada');
  // A signature is dated in whole seconds, and what is dated before the start of a memory of nonces is refused.
  const second = Math.ceil(Date.now() / 1000) * 1000;
  await until(() => Date.now() >= second);
  return { api, apiKey: customer.apiKey, customer };
}
