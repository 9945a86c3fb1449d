// A passkey that a quantum computer does not forge: Chromium makes it, Node 24 checks it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { hasMlDsa } from '../src/webauthn/options.js';
import { findProgram } from './servers.js';
import { describeWhere } from './support.js';

const program = fileURLToPath(new URL('ml-dsa.mjs', import.meta.url));

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'ML-DSA-65', () => {
  test('a passkey with ML-DSA-65 registers and logs in on Node 24', async () => {
    const args = [program, findProgram('chromium')!];
    const run = promisify(execFile);
    const { stdout } = await (hasMlDsa()
      ? run(process.execPath, args)
      : run('npx', ['-y', '-p', 'node@24', 'node', ...args]));
    expect(JSON.parse(stdout)).toEqual({
      offered: [-49, -8, -7, -257],
      algorithm: -49,
      registered: true,
      verified: true,
    });
  });
});
