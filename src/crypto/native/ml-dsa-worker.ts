import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import type { RandomBytes } from '../../types/protocol.js';
import { checkedMlDsa65PublicKey } from '../noble-pq.js';
import type { CryptoProvider } from '../provider.js';

/** Runs in the worker. Kept as text so that it works from source, from dist and from CommonJS alike. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const loaded = import(workerData).catch(() => undefined);
parentPort.on('message', async ({ id, op, args }) => {
  const library = await loaded;
  if (!library) return parentPort.postMessage({ id, unloaded: true });
  try {
    parentPort.postMessage({ id, value: library.ml_dsa65[op](...args) });
  } catch (error) {
    parentPort.postMessage({ id, error });
  }
});`;

type Operation = 'sign' | 'verify';

interface Job {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  /** Does it on this thread instead. */
  fallBack(): void;
}

/**
 * One worker thread, started at the first call; it does not keep the process alive. Where there can be none (noble is
 * part of a bundle and cannot be loaded by name, or the permission model forbids threads) the work is done in place.
 */
class MlDsaWorker {
  #worker: Worker | undefined;
  #unavailable = false;
  readonly #jobs = new Map<number, Job>();
  #lastId = 0;

  run(op: Operation, args: unknown[]): Promise<unknown> {
    const worker = this.#running();
    if (!worker) return inPlace(op, args);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      worker.postMessage({ id, op, args }); // may throw, and then there is nothing to wait for
      this.#jobs.set(id, { resolve, reject, fallBack: () => resolve(inPlace(op, args)) });
      worker.ref();
    });
  }

  #running(): Worker | undefined {
    if (this.#unavailable) return undefined;
    try {
      return (this.#worker ??= this.#start());
    } catch {
      this.#unavailable = true;
      return undefined;
    }
  }

  #start(): Worker {
    const module = pathToFileURL(
      createRequire(import.meta.url).resolve('@noble/post-quantum/ml-dsa.js'),
    ).href;
    const worker = new Worker(WORKER, { eval: true, execArgv: [], workerData: module }); // under --input-type=module the text would be no script
    worker.on('message', ({ id, value, error, unloaded }) => {
      const job = this.#jobs.get(id);
      this.#jobs.delete(id);
      if (this.#jobs.size === 0) worker.unref();
      if (unloaded) this.#unavailable = true;
      if (unloaded) job?.fallBack();
      else if (error === undefined) job?.resolve(value);
      else job?.reject(error);
    });
    worker.on('error', (error) => this.#failAll(worker, error));
    worker.on('exit', () => this.#failAll(worker, new Error('ML-DSA worker exited')));
    return worker;
  }

  /** A worker that fails says so twice, and the second time its successor may be at work. */
  #failAll(worker: Worker, reason: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    for (const job of this.#jobs.values()) job.reject(reason);
    this.#jobs.clear();
  }
}

const inPlace = async (op: Operation, args: unknown[]): Promise<unknown> =>
  (ml_dsa65[op] as (...args: unknown[]) => unknown)(...args);

/**
 * ML-DSA-65 in JavaScript, off the event loop: signing takes 8 ms at the median and 26 at p95, which no server can
 * spend between two requests. Keys are still generated here, once per identity.
 */
export function workerMlDsa65(randomBytes: RandomBytes): CryptoProvider['mlDsa65'] {
  const worker = new MlDsaWorker();
  return {
    signer(seed) {
      const { secretKey, publicKey } = ml_dsa65.keygen(seed);
      return {
        publicKey,
        sign: (message, context = new Uint8Array(0)) =>
          worker.run('sign', [
            message,
            secretKey,
            { context, extraEntropy: randomBytes(32) },
          ]) as Promise<Uint8Array>,
      };
    },
    verifier(publicKey) {
      const key = checkedMlDsa65PublicKey(publicKey);
      return {
        async verify(message, signature, context = new Uint8Array(0)) {
          if (signature.length !== ml_dsa65.lengths.signature) return false;
          return (await worker.run('verify', [signature, message, key, { context }])) as boolean;
        },
      };
    },
  };
}
