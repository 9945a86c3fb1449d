// Runs the suite in one runtime, within a time limit. Nothing runs afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as xlink from '@private.me/xlink';
import { clientCases } from './cases/client.mjs';
import { failed, start, stop, watch, within } from './child.mjs';
import { LAUNCHERS } from './launch.mjs';
import { createRows } from './rows.mjs';

/** How long a process may take to end after its report. */
const LINGER_MS = 10_000;

/** The report of the suite. Rejects if the runtime ends without one, or takes longer than `limitMs`. */
export async function runIn(runtime, server, { limitMs, ...world }) {
  const folder = mkdtempSync(join(tmpdir(), 'xlink-runtime-'));
  const report = server.nextReport();
  const child = LAUNCHERS[runtime.kind]({ ...runtime, ...world, folder, url: server.url });
  const { printed, ended } = watch(child);
  try {
    const outcome = await within(limitMs, Promise.race([report, failed(child)]));
    if (runtime.kind !== 'process') return outcome;
    await within(LINGER_MS, ended);
    return { ...outcome, rows: [...outcome.rows, quiet(printed())] };
  } catch (error) {
    throw new Error(`${error.message}\n${printed()}`);
  } finally {
    stop(child);
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

const quiet = (printed) => ({
  name: 'process: ends by itself and prints nothing',
  ok: printed === '',
  detail: printed,
  ms: 0,
});

/** Rows of the client in this process against the API in a runtime. */
export async function callApiIn({ file, args, apiArgs = args, home, limitMs }) {
  const child = start(file, [...apiArgs, join(home, 'test/runtimes/serve.mjs')], { cwd: home });
  const { printed, ended } = watch(child);
  const { rows, check } = createRows();
  try {
    const url = new Promise((resolve) => createInterface(child.stdout).once('line', resolve));
    const serverUrl = await within(limitMs, Promise.race([url, failed(child)]));
    const checkApi = (name, run) => check(`api, ${name}`, run);
    await within(limitMs, clientCases(checkApi, { xlink, serverUrl }));
    return rows;
  } catch (error) {
    throw new Error(`${error.message}\n${printed()}`);
  } finally {
    stop(child);
    await ended;
  }
}
