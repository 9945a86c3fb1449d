// The command as it is built, as a program of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterTest } from './support.js';

const PROGRAM = fileURLToPath(new URL('../dist/xlock.js', import.meta.url));

export interface Run {
  readonly said: () => string;
  readonly type: (line: string) => void;
  /** The input is over. */
  readonly hangUp: () => void;
  readonly ended: Promise<number | null>;
  readonly child: ChildProcess;
}

/** Starts it with variables beside those of this process. */
export function xlockWith(env: NodeJS.ProcessEnv, home: string, ...args: string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, XLOCK_HOME: home, NODE_OPTIONS: '', ...env },
    stdio: 'pipe',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  afterTest(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    said: () => said,
    type: (line) => void child.stdin.write(`${line}\n`),
    hangUp: () => void child.stdin.end(),
    ended,
    child,
  };
}

export const xlock = (home: string, ...args: string[]): Run => xlockWith({}, home, ...args);

/** Waits for its end. */
export async function done(run: Run): Promise<{ code: number | null; said: string }> {
  const code = await run.ended;
  return { code, said: run.said() };
}
