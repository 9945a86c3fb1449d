import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type Writer = ChildProcess & { stdout: Readable; stderr: Readable };

/**
 * Kills a process that prints the numbers that were acknowledged, some time after the first, or after `lines` of them; tells the
 * highest. Rejects if it ends by itself.
 */
export async function killed(child: Writer, delayMs: number, lines = 1): Promise<number> {
  let [acknowledged, complaints] = [0, ''];
  child.stderr.on('data', (chunk) => (complaints += chunk));
  let count = 0;
  createInterface(child.stdout).on('line', (line) => {
    acknowledged = Math.max(acknowledged, Number(line));
    if (++count === lines) setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  const [, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaints}`);
  return acknowledged;
}
