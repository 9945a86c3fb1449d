// Runs in a thread of its own, for one task: the passkey is together in its memory only, and that memory ends with it.
import { parentPort, workerData } from 'node:worker_threads';
import { type Task, work } from './tasks.js';
import { doTask } from './thread-words.js';

/** What is slow the first time is done once, with a key of nobody. */
async function rehearse(): Promise<void> {
  const owner = { service: 'rehearsal', userId: '' };
  const meta = { ...owner, verifier: '' };
  const splitting = { totalShares: 3, threshold: 2, generation: 0 };
  const { shares } = await work({ kind: 'generate', meta, splitting }, () => {});
  await work({ kind: 'use', owner, shares, message: new Uint8Array(1) }, () => {});
}

const port = parentPort;
port?.once('message', (task: Task) => void doTask(port, task));
if (workerData === 'spare') await rehearse();
port?.postMessage({ ready: true });
