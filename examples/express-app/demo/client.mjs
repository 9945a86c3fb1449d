// One client of the API, a process of its own. It begins with an API key; when told to move, it makes an identity,
// hands its public keys to the operator, and goes on with xLink. The private key never leaves this process.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createKeyRecord, generateIdentity } from '@private.me/xlink';
import { createXlinkClient } from '../xlink-client.mjs';
import { Shopper } from './shopper.mjs';

process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the parent too, which decides when to stop

const [{ url, serviceDid, apiKey, version, thinkMs }] = await once(process, 'message');
const report = (/** @type {object} */ message) => process.connected && process.send?.(message);

let credential = 'api-key';
let call = callWithKey;

process.on('message', (/** @type {{ type: string }} */ { type }) => {
  if (type === 'move') void move();
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
    const response = await call(method, path, payload);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${response.status} ${text}`);
    done?.(JSON.parse(text));
    report({ type: 'served', method, credential: used });
  } catch (error) {
    report({ type: 'failed', reason: `${method} ${path}: ${/** @type {Error} */ (error).message}` });
  }
}

/** @param {string} method @param {string} path @param {unknown} [payload] */
function callWithKey(method, path, payload) {
  const body = payload === undefined ? undefined : JSON.stringify(payload);
  const headers = { 'X-API-Key': apiKey, ...(body && { 'Content-Type': 'application/json' }) };
  return fetch(new URL(path, url), { method, headers, body });
}

async function move() {
  const identity = await generateIdentity({ maxVersion: version });
  if (!identity.ok) throw identity.error;
  const enrolled = once(process, 'message');
  report({ type: 'enroll', keys: await createKeyRecord(identity.value) });
  await enrolled;
  const pkcs8 = identity.value.exportPKCS8();
  call = (await createXlinkClient({ url, serviceDid, pkcs8, version })).call;
  credential = 'xlink';
}
