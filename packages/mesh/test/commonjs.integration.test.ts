import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { afterTest } from './support.js';

const PROGRAM = fileURLToPath(new URL('./programs/commonjs-agent.cjs', import.meta.url));

function start(...args: readonly string[]): ChildProcess {
  const child = fork(PROGRAM, args);
  afterTest(() => child.kill('SIGKILL'));
  return child;
}

test('two processes in CommonJS talk over the router', async () => {
  const [address] = (await once(start(), 'message')) as [string];
  const client = start(address);
  const [[answer], [code]] = await Promise.all([once(client, 'message'), once(client, 'exit')]);
  expect([answer, code]).toEqual(['hello from require()', 0]);
});
