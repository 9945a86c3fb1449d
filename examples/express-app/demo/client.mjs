// One client of the API, a process of its own. It begins with an API key; when told to move, its two lines change: from then on
// its `fetch` is that of xLink, which discovers the API, makes an identity and enrolls it with the key.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { xlinkFetch } from '@private.me/xlink/client';
import { Shopper } from './shopper.mjs';

process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the parent too, which decides when to stop

const [{ url, apiKey, version, thinkMs }] = await once(process, 'message');
const report = (/** @type {object} */ message) => process.connected && process.send?.(message);

/** @type {typeof globalThis.fetch} */
let fetch = (path, init) => globalThis.fetch(new URL(String(path), url), init);
let credential = 'api-key';

process.on('message', async (/** @type {{ type: string }} */ { type }) => {
  if (type === 'move') {
    fetch = xlinkFetch({ baseUrl: url, apiKey, version, timeoutMs: 30_000 });
    credential = 'xlink';
  }
  if (type === 'key-off') {
    const { status } = await fetch('/.well-known/xlink/key', { method: 'DELETE' }); // signed by its identity
    report({ type: 'key-off', status });
  }
});

const shopper = new Shopper();
for (;;) {
  await runErrand(shopper.next());
  await pause(thinkMs * (0.5 + Math.random()));
}

/** @param {import('./shopper.mjs').Errand} errand */
async function runErrand({ method, path, payload, status, done }) {
  const used = credential;
  try {
    const body = payload === undefined ? undefined : JSON.stringify(payload);
    const headers = { 'X-API-Key': apiKey, ...(body && { 'Content-Type': 'application/json' }) };
    const response = await fetch(path, { method, headers, body });
    const text = await response.text();
    if (response.status === 401 && used === 'api-key')
      return report({ type: 'turned-away', code: JSON.parse(text).code });
    if (response.status !== status) throw new Error(`${response.status} ${text}`);
    done?.(JSON.parse(text));
    report({ type: 'served', method, credential: used });
  } catch (error) {
    report({ type: 'failed', reason: `${method} ${path}: ${/** @type {Error} */ (error).message}` });
  }
}
