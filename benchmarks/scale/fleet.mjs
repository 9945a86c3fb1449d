import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../compare/redis.mjs';

/**
 * `processes` processes of one service behind one port: node:cluster hands the connections round. What it says of itself, and `ask`, which
 * resolves to the answers of all.
 */
export async function startFleet(processes, settings) {
  cluster.setupPrimary({ exec: fileURLToPath(new URL('instance.mjs', import.meta.url)) });
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const port = await freePort();
  const prefix = `fleet${processes}:`;
  const INSTANCE = JSON.stringify({ ...settings, port, prefix, processes });
  const workers = Array.from({ length: processes }, () => cluster.fork({ NODE_ENV: 'production', INSTANCE }));
  const [{ did, keys }] = await Promise.all(workers.map(answerOf));
  const ask = (message) =>
    Promise.all(
      workers.map((worker) => {
        worker.send(message);
        return answerOf(worker);
      }),
    );
  const stop = async () => {
    const ended = workers.map((worker) => once(worker, 'exit'));
    for (const worker of workers) worker.disconnect();
    await Promise.all(ended);
  };
  return { processes, port, prefix, did, keys, ask, stop };
}

/** What the process says next. Rejects if it ends instead. */
async function answerOf(worker) {
  const waiting = new AbortController();
  const { signal } = waiting;
  const ended = once(worker, 'exit', { signal }).then(([code]) => {
    throw new Error(`A process of the service ended (${code})`);
  });
  try {
    return (await Promise.race([once(worker, 'message', { signal }), ended]))[0];
  } finally {
    ended.catch(() => {});
    waiting.abort();
  }
}
