// Child processes: started in a group of their own, watched, and ended with all that they started.
import { spawn } from 'node:child_process';

export const start = (file, args, { env, ...options } = {}) =>
  spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, NO_COLOR: '1', ...env },
    ...options,
  });

/** `printed()`: the last of what it printed. `ended`: resolves when it is over. */
export function watch(child) {
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  return {
    printed: () => Buffer.concat(output).toString().slice(-3000),
    ended: new Promise((resolve) => child.once('close', resolve).once('error', resolve)),
  };
}

/** Rejects when the child cannot be started, or ends. */
export const failed = (child) =>
  new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      setImmediate(reject, new Error(`ended too early: ${code ?? signal}`)),
    );
  });

export function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, new Error(`not done within ${ms} ms`));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Ends it with all that it started. */
export function stop({ pid }) {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // ended before
  }
}

/** What the executable says of its version. Rejects where it cannot be started. */
export async function versionOf(file) {
  const child = start(file, ['--version']);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  return /\d+([.-]\d+)+/.exec(text)[0];
}
