import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { findProgram } from './servers.js';
import { describeWhere } from './support.js';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('the demo registers, logs in, and turns a copy of the shop away', async () => {
  expect({ built: existsSync(at('../dist/passkey/worker.bundle.js')) }).toEqual({ built: true });
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [at('../demo/shop.mjs'), '--check'], {
    env,
  });
  expect(stdout).toContain('GET /orders: 401');
  expect(stdout).toContain('GET /orders: 200 {"orders":["1 espresso machine"],"of":"ada"}');
  expect(stdout).toContain('the copy gets 403, and no session');
  expect(stdout.trimEnd()).toMatch(/^ok: a login in .* s, all in all$/m);
});

const browser = findProgram('chromium');
describeWhere(browser !== undefined, 'chromium', 'in a browser', () => {
  test('the demo registers, logs in, and lets wrong digits nowhere, in under a minute', async () => {
    const env = { ...process.env, NODE_OPTIONS: '', CHROMIUM: browser! };
    const { stdout } = await promisify(execFile)(process.execPath, [at('../demo/browser.mjs'), '--check'], {
      env,
      timeout: 60_000,
    });
    expect(stdout).toMatch(/^registered after .* s\nlogged in after .* s\nwrong digits: not let in\nok\n$/);
  });
});
