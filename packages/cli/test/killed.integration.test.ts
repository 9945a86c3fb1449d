import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Partner } from './support/partner.js';
import { xlink } from './support/program.js';

const XLINK = fileURLToPath(new URL('../dist/xlink.js', import.meta.url));
const ROUNDS = process.env['SCALE'] === 'full' ? 100 : 6;

let home: string;
let partner: Partner;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'xlink-killed-'));
  partner = await Partner.open();
});
afterEach(async () => {
  partner.close();
  await rm(home, { recursive: true, force: true });
});

test(`init --invite that is killed at any moment goes on when it is run again, as the same identity (${ROUNDS} rounds)`, async () => {
  const whole = await timeOf();
  for (let round = 0; round < ROUNDS; round++) {
    const cwd = await mkdtemp(join(home, 'round-'));
    const code = await partner.invite();
    const child = spawn(process.execPath, [XLINK, 'init', '--name', 'shop', '--invite', code], {
      cwd,
      stdio: 'ignore',
    });
    const closed = once(child, 'close');
    const timer = setTimeout(() => child.kill('SIGKILL'), (whole * (round + 1)) / (ROUNDS + 1));
    await closed;
    clearTimeout(timer);
    const key = await readFile(join(cwd, '.xlink/identity.key'), 'utf8').catch(() => undefined);
    const again = await xlink(cwd, 'init', '--name', 'shop', '--invite', code);
    expect([round, again.code, again.err]).toEqual([round, 0, expect.any(String)]);
    expect(again.out).toContain('✓ Test message sent successfully');
    if (key !== undefined) expect(await readFile(join(cwd, '.xlink/identity.key'), 'utf8')).toBe(key);
  }
}, 300_000);

/** How long a whole run takes, in ms. */
async function timeOf(): Promise<number> {
  const cwd = await mkdtemp(join(home, 'first-'));
  const started = performance.now();
  expect((await xlink(cwd, 'init', '--name', 'shop', '--invite', await partner.invite())).code).toBe(0);
  return performance.now() - started;
}
