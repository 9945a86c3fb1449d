// Runs in a thread of its own: the master seed is together in its memory only, and that memory ends with it. Told each time what to do.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { isXidError } from '../errors.js';
import { recombine } from './recombine.js';

/** What the thread is told. */
export interface WorkerTask {
  /** Shares, or the files that hold them. */
  readonly shares: readonly { readonly at: number; readonly share: Uint8Array | string }[];
  readonly infos: readonly Uint8Array[];
}

/** What it answers. */
export type WorkerAnswer =
  | { readonly seeds: readonly Uint8Array<ArrayBuffer>[]; readonly bad: readonly number[] }
  | { readonly failed: string };

/** Files are read here, so that no other thread has had the bytes. What is no file is not waited for. */
function read(share: Uint8Array | string): Uint8Array | undefined {
  if (typeof share !== 'string') return share;
  let file: number | undefined;
  try {
    file = openSync(share, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0));
    return fstatSync(file).isFile() ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function work(port: MessagePort, { shares, infos }: WorkerTask): Promise<void> {
  let answer: WorkerAnswer;
  try {
    answer = await recombine(
      shares.map(({ at, share }) => ({ at, bytes: read(share) })),
      infos,
    );
  } catch (error) {
    answer = { failed: isXidError(error) ? error.id : 'SHARE_UNAVAILABLE' };
  }
  port.postMessage(answer, 'seeds' in answer ? answer.seeds.map(({ buffer }) => buffer) : []);
}

const port = parentPort;
port?.on('message', (task: WorkerTask) => void work(port, task));
