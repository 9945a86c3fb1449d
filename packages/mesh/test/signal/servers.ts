import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../../test/support/redis-server.js';
import * as servers from '../../../../test/support/servers-of-test.js';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';
import { untilFound as until } from '../../../../test/support/until.js';
import { afterTest } from './support.js';

export { describeWhere, describeWith } from '../../../../test/support/needs-program.js';
export { freePort, temporaryFolder, until };

function stopAfterTest(child: ChildProcess, signal: NodeJS.Signals): void {
  afterTest(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  });
}

const XLINK = fileURLToPath(new URL('../../../cli/dist/xlink.js', import.meta.url));

/** The built identity server, with a relay; its address and the token of an admin. */
export async function startIdentityServer(
  ...more: string[]
): Promise<{ readonly url: string; readonly token: string }> {
  const folder = await temporaryFolder();
  const port = String(await freePort());
  const args = [
    XLINK,
    'serve',
    '--port',
    port,
    '--public-url',
    `http://127.0.0.1:${port}`,
    '--json',
    '--data',
    join(folder, 'data'),
    ...more,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  stopAfterTest(child, 'SIGKILL');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const line = await until('the identity server', () => {
    if (child.exitCode !== null) throw new Error(`ended early: ${output}`);
    return output.split('\n').find((each) => each.startsWith('{"did"') && each.endsWith('}'));
  });
  const { url, adminToken } = JSON.parse(line!);
  return { url, token: adminToken };
}

/** A real Redis; its URL. */
export const startRedis = async (): Promise<string> => (await servers.startRedis()).url;

/** A real PostgreSQL; its URL. */
export const startPostgres = async (): Promise<string> => (await servers.startPostgres()).url;
