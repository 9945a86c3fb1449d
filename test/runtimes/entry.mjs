// What is run in each runtime: the package by its published exports, named here and nowhere else.
import * as xlink from '@private.me/xlink';
import { describe } from './rows.mjs';
import { runSuite } from './suite.mjs';

/** Gets the vectors from `controlUrl`, runs the suite, and posts the outcome there. */
export async function run(controlUrl) {
  const call = async (path, body) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${controlUrl}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const peer = {
    describe: async () => (await call('/peer')).json(),
    receive: async (message) => (await call('/peer/receive', message)).json(),
    send: async (message) => (await call('/peer/send', message)).text(),
  };
  let report;
  try {
    const { vectors, serverUrl } = await (await call('/world')).json();
    report = await runSuite({ xlink, vectors, serverUrl, peer });
  } catch (error) {
    report = { rows: [{ name: 'the suite itself', ok: false, detail: describe(error), ms: 0 }] };
  }
  await call('/report', report);
}
