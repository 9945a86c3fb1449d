// Runs the suite in one runtime, within a time limit.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAUNCHERS, start } from './launch.mjs';

/** How long a process may take to end after its report. */
const LINGER_MS = 10_000;

/**
 * Runs the suite in a runtime. Resolves to its report; rejects if it ends without one, or takes longer than `limitMs`.
 * A process must then end by itself, having printed nothing. Nothing runs afterwards.
 */
export async function runIn(runtime, server, { limitMs, ...world }) {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-runtime-'));
  const report = server.nextReport();
  const child = LAUNCHERS[runtime.kind]({ ...runtime, ...world, folder, url: server.url });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const printed = () => Buffer.concat(output).toString().slice(-3000);
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    const outcome = await within(limitMs, Promise.race([report, failed(child)]));
    if (runtime.kind !== 'process') return outcome;
    await within(LINGER_MS, ended);
    return { ...outcome, rows: [...outcome.rows, quiet(printed())] };
  } catch (error) {
    throw new Error(`${error.message}\n${printed()}`);
  } finally {
    stop(child);
    if (child.pid) await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const quiet = (printed) => ({
  name: 'process: ends by itself and prints nothing',
  ok: printed === '',
  detail: printed,
  ms: 0,
});

/** Rejects when the child cannot be started, or ends. */
const failed = (child) =>
  new Promise((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      setImmediate(reject, new Error(`ended without a report: ${code ?? signal}`)),
    );
  });

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, new Error(`not done within ${ms} ms`));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** With all that it started. */
function stop({ pid }) {
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
