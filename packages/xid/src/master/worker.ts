// Runs in a thread of its own: the master seed is together in its memory only, and that memory ends with it. Told each time what to do.
import { readFileSync } from 'node:fs';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { isXidError } from '../errors.js';
import { recombine } from './recombine.js';

/** What the thread is told. */
export interface WorkerTask {
  /** Shares, or the files that hold them. */
  readonly shares: readonly (Uint8Array | string)[];
  readonly infos: readonly Uint8Array[];
}

/** What it answers. */
export type WorkerAnswer =
  | { readonly seeds: readonly Uint8Array<ArrayBuffer>[]; readonly bad: readonly number[] }
  | { readonly failed: string };

/** Files are read here, so that no other thread has had the bytes. */
const read = (share: Uint8Array | string) => (typeof share === 'string' ? readFileSync(share) : share);

async function work(port: MessagePort, { shares, infos }: WorkerTask): Promise<void> {
  let answer: WorkerAnswer;
  try {
    answer = await recombine(shares.map(read), infos);
  } catch (error) {
    answer = { failed: isXidError(error) ? error.id : 'SHARE_UNAVAILABLE' };
  }
  port.postMessage(answer, 'seeds' in answer ? answer.seeds.map(({ buffer }) => buffer) : []);
}

const port = parentPort;
port?.on('message', (task: WorkerTask) => void work(port, task));
