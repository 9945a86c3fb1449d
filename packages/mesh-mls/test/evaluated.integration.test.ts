// A program that stands on the command line: its flags are not those of the thread.
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const PROGRAM = `
import { CryptoWorker } from '../dist/worker/worker.js';
const worker = new CryptoWorker();
const { message, cause } = await worker.call('nothing', {}, async () => 'unknown').catch((error) => error);
console.log(String(cause?.message ?? message));
await worker.close();
`;

test('node --input-type=module -e: the thread starts, and says what it cannot do', () => {
  const args = ['--input-type=module', '-e', PROGRAM];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const said = execFileSync(process.execPath, args, { cwd: import.meta.dirname, env, encoding: 'utf8' });
  expect(said).toMatch(/is not a function/);
});
