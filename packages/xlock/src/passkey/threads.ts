import { Worker } from 'node:worker_threads';
import type { Task, TaskAnswer } from './tasks.js';
import { hear, movedWith, type ThreadWord, threadFailed } from './thread-words.js';

/** Run from its sources, as tests do, the thread is the one that was built. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/passkey/worker.bundle.js' : './worker.bundle.js',
  import.meta.url,
);

/** How long after a task the next spare thread is started, in ms. */
const REFILL_MS = 50;

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<unknown>;
}

/** Threads for one task each. Some are started ahead of time, since starting takes longer than the task. */
export class PasskeyThreads {
  readonly #spares: number;
  #waiting: Thread[] = [];
  #isClosed = false;

  /** `spares`: threads that wait for a task, some 10 MB each. The first one starts with the first task. */
  constructor(spares: number) {
    this.#spares = spares;
  }

  /** Resolves once the spare threads are ready. */
  async warm(): Promise<void> {
    this.#fill();
    const waiting = [...this.#waiting];
    for (const { worker } of waiting) worker.ref();
    await Promise.all(waiting.map(({ ready }) => ready));
    for (const { worker } of waiting) if (this.#waiting.some((one) => one.worker === worker)) worker.unref();
  }

  /** Rejects with what the task fails with. The memory of the shares moves to the thread, which is ended afterwards. */
  async run(task: Task, step: (at: number) => void = () => {}): Promise<TaskAnswer> {
    const { worker } = this.#waiting.shift() ?? started('now');
    worker.ref();
    try {
      return await answered(worker, task, step);
    } finally {
      void worker.terminate();
      setTimeout(() => this.#fill(), REFILL_MS).unref(); // the answer first
    }
  }

  /** Ends the threads that wait. */
  close(): void {
    this.#isClosed = true;
    for (const { worker } of this.#waiting) void worker.terminate();
    this.#waiting = [];
  }

  #fill(): void {
    while (!this.#isClosed && this.#waiting.length < this.#spares) {
      const thread = started('spare');
      thread.worker.unref();
      this.#waiting.push(thread);
    }
  }
}

/** A spare one rehearses before it is ready; one that is needed now does not. */
function started(workerData: 'spare' | 'now'): Thread {
  const worker = new Worker(WORKER, { env: {}, execArgv: [], stdin: false, workerData }); // flags such as --input-type are not for a file;
  worker.setMaxListeners(20);
  const ready = new Promise((resolve) => {
    worker.once('message', resolve).once('error', resolve).once('exit', resolve);
  });
  return { worker, ready };
}

function answered(worker: Worker, task: Task, step: (at: number) => void): Promise<TaskAnswer> {
  return new Promise((resolve, reject) => {
    const failed = (cause?: unknown) => reject(threadFailed(cause));
    worker.once('error', failed).once('exit', failed);
    worker.on('message', (word: ThreadWord) => hear(word, step, resolve, reject));
    worker.postMessage(task, movedWith(task));
  });
}
