import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BuiltPackage } from '../support/built-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startRelay } from '../transport/servers.js';
import { Program } from './process.js';

/** Where no relay listens any more. */
async function absentRelay(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

const SOME_DID = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';

describe('a process with nothing in it but an agent whose relay is away', () => {
  let built: BuiltPackage;
  let program: string;
  beforeAll(() => {
    built = new BuiltPackage();
    program = built.program(new URL('alone.mjs', import.meta.url));
  }, 120_000);
  afterAll(() => built.remove());

  test.each(['receive', 'receive-socket'])('%s: goes on trying, until it is told to stop', async (task) => {
    const [running] = await Program.start([program, task, await absentRelay(), SOME_DID], /receiving/);
    await running.says(/failed 5\n/);
    expect(running.isRunning).toBe(true);
    expect(await running.end('SIGTERM')).toBe(0);
  });

  test('send: waits between its attempts, and says how it ended', async () => {
    const [running] = await Program.start([program, 'send', await absentRelay(), SOME_DID], /tried 1\n/);
    await running.says(/not sent: SEND_FAILED/);
    expect(running.output).toContain('tried 3\n');
  });

  test('a relay that goes away is waited for', async () => {
    const first = await startRelay({ folder: await temporaryFolder() });
    const [running] = await Program.start([program, 'receive', first.url, first.relay.did], /receiving/);
    await first.stop();
    await running.says(/failed 3\n/);
    expect(running.isRunning).toBe(true);
    expect(await running.end('SIGTERM')).toBe(0);
  });
});
