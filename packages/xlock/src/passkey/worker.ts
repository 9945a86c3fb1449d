// Runs in a thread of its own, for one task: the passkey is together in its memory only, and that memory ends with it.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { isXlockError } from '../errors.js';
import { type Task, type TaskAnswer, work } from './tasks.js';

/** What the thread says: that it is there, the steps of its task, and how that ended. */
export type WorkerWord =
  | { readonly ready: true }
  | { readonly step: number }
  | { readonly answer: TaskAnswer }
  | { readonly failed: string; readonly details: unknown };

async function run(port: MessagePort, task: Task): Promise<void> {
  try {
    const answer = await work(task, (step) => port.postMessage({ step }));
    port.postMessage(
      { answer },
      answer.shares.map(({ buffer }) => buffer),
    );
  } catch (error) {
    const failed = isXlockError(error) ? error : undefined;
    port.postMessage({ failed: failed?.id ?? 'INTERNAL', details: failed?.details });
  }
}

/** What is slow the first time is done once, with a key of nobody. */
async function rehearse(): Promise<void> {
  const owner = { service: 'rehearsal', userId: '' };
  const meta = { ...owner, verifier: '' };
  const splitting = { totalShares: 3, threshold: 2, generation: 0 };
  const { shares } = await work({ kind: 'generate', meta, splitting }, () => {});
  await work({ kind: 'use', owner, shares, message: new Uint8Array(1) }, () => {});
}

const port = parentPort;
port?.once('message', (task: Task) => void run(port, task));
if (workerData === 'spare') await rehearse();
port?.postMessage({ ready: true });
