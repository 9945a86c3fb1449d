import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOfFile, replacePrivateFile } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';

// `api.port` is x0x's, and stays behind when a daemon is killed. Which one was written here is in a file of its own: whoever has the lock of the
// directories knows that nobody is there, while x0xd has no such lock.
const PORT = 'api.port';
const OURS = 'xlink-api.port';

/** The address in `api.port`, if it is one of this machine: `127.0.0.1:12700`. */
export async function addressIn(dataDir: string): Promise<string | undefined> {
  const address = await textIn(join(dataDir, PORT));
  return address !== undefined && /^(127\.0\.0\.1|\[::1\]):\d{1,5}$/.test(address) ? address : undefined;
}

/** Says where the daemon is. */
export async function publishAddress(dataDir: string, address: string): Promise<void> {
  await replacePrivateFile(join(dataDir, OURS), address);
  await replacePrivateFile(join(dataDir, PORT), address);
}

/** Takes that back, unless another daemon has said where it is since. */
export async function withdrawAddress(dataDir: string, address: string): Promise<void> {
  if ((await textIn(join(dataDir, PORT))) === address) await rm(join(dataDir, PORT), { force: true });
  await rm(join(dataDir, OURS), { force: true });
}

/** For who has the lock of the directories. Throws `DIRECTORY_IN_USE` if a daemon of x0x itself answers; what a killed one of ours left goes. */
export async function assertNoOther(dataDir: string): Promise<void> {
  const address = await addressIn(dataDir);
  if (address === undefined) return;
  if (address === (await textIn(join(dataDir, OURS)))) return withdrawAddress(dataDir, address);
  if (await answers(address))
    throw new X0xError('DIRECTORY_IN_USE', {
      hint: `A daemon answers at ${address}, which api.port names: stop it. If it is none of x0x, remove api.port.`,
    });
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${address}/health`, {
      redirect: 'error',
      signal: AbortSignal.timeout(2000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function textIn(path: string): Promise<string | undefined> {
  const bytes = await bytesOfFile(path);
  return bytes && new TextDecoder().decode(bytes).trim();
}
