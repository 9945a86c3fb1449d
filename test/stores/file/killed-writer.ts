import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type Writer = ChildProcess & { stdout: Readable; stderr: Readable };

/**
 * Kills a process that prints the numbers that were acknowledged, some time after the first; tells the highest. Rejects if
 * it ends by itself.
 */
export async function killed(child: Writer, delayMs: number): Promise<number> {
  let [acknowledged, complaints] = [0, ''];
  child.stderr.on('data', (chunk) => (complaints += chunk));
  const lines = createInterface(child.stdout);
  lines.once('line', () => setTimeout(() => child.kill('SIGKILL'), delayMs));
  lines.on('line', (line) => {
    acknowledged = Math.max(acknowledged, Number(line));
  });
  const [, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${complaints}`);
  return acknowledged;
}
