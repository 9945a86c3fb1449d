import { Worker } from 'node:worker_threads';
import { GroupError, isGroupErrorId } from '../errors.js';
import type { FromWorker, OperationName, Operations, Standing, ToWorker } from './protocol.js';

/** Whether a DID may be a member. A rejection means that nobody knows. */
export type AskStanding = (did: string) => Promise<Standing>;

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: GroupError) => void;
  readonly ask: AskStanding;
}

/** A worker runs what was built, also beside sources that are run as they are. */
const PROGRAM = import.meta.url.includes('/src/worker/')
  ? new URL('../../dist/worker/main.js', import.meta.url)
  : new URL('./main.js', import.meta.url);

/**
 * The thread in which all MLS operations run, so that the event loop of the process stays free. One serves any number of clients. It
 * keeps the process alive while it works. If it ends, the calls under way reject with `WORKER_FAILED`, and the next one starts another.
 */
export class CryptoWorker {
  #worker: Worker | undefined;
  readonly #calls = new Map<number, Call>();
  #last = 0;

  /** Runs an operation. `ask` is asked about the DIDs that it meets. Rejects with a `GroupError`. */
  call<Op extends OperationName>(
    op: Op,
    input: Parameters<Operations[Op]>[0],
    ask: AskStanding,
  ): Promise<ReturnType<Operations[Op]>> {
    const worker = this.#running();
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject, ask });
      worker.ref();
      this.#tell({ kind: 'call', id, op, input });
    });
  }

  /**
   * A state that is `held` was stored under the name `key`; `undefined`: it was not. `proposed`: what it follows from counts until the
   * delivery service has decided.
   */
  settle(held: number, key: string | undefined, proposed = false): void {
    this.#tell({ kind: 'settle', held, key, proposed });
  }

  /** Ends the thread. Calls under way reject with `WORKER_FAILED`. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #running(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(PROGRAM, { execArgv: [] }); // flags such as --input-type are not for a file
    this.#worker = worker;
    let cause: unknown;
    worker.on('message', (message: FromWorker) => void this.#heard(message));
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      const lost = [...this.#calls.values()];
      this.#calls.clear();
      for (const { reject } of lost) reject(new GroupError('WORKER_FAILED', { cause }));
    });
    worker.unref();
    return worker;
  }

  async #heard(message: FromWorker): Promise<void> {
    if (message.kind === 'ask') {
      const { ask, call } = message;
      const standing = await this.#calls
        .get(call)
        ?.ask(message.did)
        .catch(() => undefined);
      this.#tell({ kind: 'answer', ask, ...(standing === undefined ? {} : { standing }) });
      return;
    }
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if (this.#calls.size === 0) this.#worker?.unref();
    if (message.kind === 'done') call?.resolve(message.value);
    else call?.reject(errorOf(message));
  }
}

function errorOf({ error, field, message }: FromWorker & { kind: 'failed' }): GroupError {
  const id = isGroupErrorId(error) ? error : 'WORKER_FAILED';
  return new GroupError(id, { field, cause: new Error(message) });
}

let shared: CryptoWorker | undefined;

/** The thread that clients of this process share unless they are given another. */
export const sharedWorker = (): CryptoWorker => (shared ??= new CryptoWorker());
