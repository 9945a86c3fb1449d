import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { afterTest } from './support.js';

/** The file of an installed program, or `undefined`. */
export function findProgram(name: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const isCi = !['', '0', 'false'].includes(process.env['CI'] ?? '');

/** A suite that needs a program: skipped, visibly, where it is absent; in CI it fails instead. */
export function describeWith(program: string, name: string, define: () => void): void {
  if (findProgram(program)) describe(name, define);
  else if (!isCi) describe.skip(`${name} [skipped: ${program} not installed]`, define);
  else
    test(`${name} needs ${program}`, () => {
      throw new Error(`CI must not skip this: install ${program}`);
    });
}

/** A redis-server of this test on a free port; each call of the function is a client of its own. */
export async function startRedis(): Promise<() => Redis> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  afterTest(async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  });
  return () => {
    const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50 });
    client.on('error', () => undefined);
    afterTest(() => client.disconnect());
    return client;
  };
}
