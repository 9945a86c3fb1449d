import { Worker } from 'node:worker_threads';
import { XidError, type XidErrorId } from '../errors.js';
import type { Derived } from './recombine.js';
import type { WorkerAnswer, WorkerTask } from './worker.js';

/** Run from its sources, as tests do, the thread is the one that was built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/master/worker.js' : './worker.js',
  import.meta.url,
);

/** A thread that has nothing to do ends after so long, in ms, and its memory with it. */
const IDLE_MS = 2000;

/** The thread in which a master seed is put together. Started when it is needed; one task at a time. */
export class DerivationThread {
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** Rejects with `SHARE…` or `DERIVATION_FAILED`. The memory of the shares moves to the thread. */
  run(task: WorkerTask): Promise<Derived> {
    const answer = this.#last.then(() => this.#ask(task));
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Ends the thread. */
  close(): void {
    clearTimeout(this.#idle);
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #ask(task: WorkerTask): Promise<Derived> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= new Worker(WORKER, { execArgv: [] })); // flags such as --input-type are not for a file
    worker.ref();
    const answer = await exchanged(worker, task).catch((error) => {
      this.close();
      throw error;
    });
    worker.unref();
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    if ('failed' in answer) throw new XidError(answer.failed as XidErrorId);
    return answer;
  }
}

/** One for all identities of the process: to start it takes longer than all that it does. */
export const derivationThread = new DerivationThread();

function exchanged(worker: Worker, task: WorkerTask): Promise<WorkerAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (cause?: unknown) =>
      reject(new XidError('DERIVATION_FAILED', cause instanceof Error ? { cause } : {}));
    const heard = (answer: WorkerAnswer) => {
      worker.off('error', failed);
      worker.off('exit', failed);
      resolve(answer);
    };
    worker.once('message', heard).once('error', failed).once('exit', failed);
    const moved = task.shares.flatMap(({ share }) =>
      typeof share === 'string' ? [] : [share.buffer as ArrayBuffer],
    );
    worker.postMessage(task, moved);
  });
}
