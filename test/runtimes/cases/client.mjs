// The client against an API in Node behind the adapter. Only `fetch` and what it stands on comes from the runtime.
import { toHex } from '../../vectors/replay.mjs';
import { outcome, same } from '../rows.mjs';

const LOCAL = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
const postJson = (value) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});

export async function clientCases(check, { xlink, serverUrl }) {
  for (const version of [1, 2, 3]) await callsOf(check, xlink, serverUrl, version);
  await refusals(check, xlink, serverUrl);
}

/** It sends streams over HTTP/2 alone, and the API speaks HTTP/1. */
const isChromium = () => 'document' in globalThis && navigator.userAgent.includes('Chrome');

/** The server takes each key that begins so, as that of a client of its own. */
const newKey = () => `runtimes-${Date.now()}-${Math.random()}`;

async function callsOf(check, xlink, serverUrl, version) {
  const apiKey = newKey();
  const fetch = xlink.xlinkFetch({ ...LOCAL, baseUrl: serverUrl, apiKey, version });
  const title = (text) => `client, version ${version}: ${text}`;

  await check(title('enrolls with its key; JSON is sealed, and so is the answer'), async () => {
    const order = { item: 'tea', note: 'ü'.repeat(100_000) };
    const response = await fetch('/orders?limit=5', postJson(order));
    same(await answerOf(response), { status: 201, sealed: 'true', mode: 'xlink', client: apiKey }, 'answer');
    same((await response.json()).body, order, 'body');
    same(response.url, `${serverUrl}/orders?limit=5`, 'url');
  });

  await check(title('GET is signed, the answer is sealed'), async () => {
    const response = await fetch(new Request(`${serverUrl}/orders`));
    same(await answerOf(response), { status: 200, sealed: 'true', mode: 'xlink', client: apiKey }, 'answer');
  });

  await check(title('bytes and forms are sent under a signed digest'), async () => {
    const put = (body) => fetch('/upload', { method: 'PUT', body });
    same((await (await put(new Uint8Array([1, 2, 255]))).json()).body, '0102ff', 'bytes');
    const form = await (await put(new URLSearchParams({ a: 'ü' }))).json();
    same(form.body, toHex(new TextEncoder().encode('a=%C3%BC')), 'form');
  });

  if (version > 1 && !isChromium())
    await check(title('a stream goes up, in a session where the runtime sends streams'), async () => {
      const piece = new Uint8Array(60_000).fill(7);
      const body = new ReadableStream({
        start(controller) {
          for (let i = 0; i < 10; i++) controller.enqueue(piece);
          controller.close();
        },
      });
      const headers = { 'Content-Type': 'application/octet-stream' };
      const response = await fetch('/stream', { method: 'POST', body, duplex: 'half', headers });
      same(await response.json(), { size: 600_000, form: 'session' }, 'answer');
    });

  await check(title('a refusal by a guard, an error of the application'), async () => {
    const forbidden = await fetch('/admin');
    same([forbidden.status, (await forbidden.json()).code], [403, 'SCOPE_DENIED'], 'guard');
    const missing = await fetch('/missing');
    same([missing.status, missing.headers.get('xlink-sealed')], [404, 'true'], 'application');
    same(await missing.json(), { missing: true }, 'application');
    same((await fetch('/empty', { method: 'DELETE' })).status, 204, 'no content');
  });
}

async function refusals(check, xlink, serverUrl) {
  const clientOf = (options) => xlink.xlinkFetch({ ...LOCAL, baseUrl: serverUrl, ...options });

  await check('client: a wrong key enrolls nobody', async () => {
    same(await outcome(() => clientOf({ apiKey: 'wrong' })('/orders')), 'API_KEY_INVALID', 'wrong key');
    // The refusal comes before anything of the stranger's is claimed, so it is not signed.
    const stranger = await clientOf({})('/orders').catch(({ id, cause }) => [id, cause?.id]);
    same(stranger, ['ANSWER_INVALID:NOT_SEALED', 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY'], 'no key');
  });

  await check('client: an envelope is good once', async () => {
    const agent = await xlink.Agent.quickstart();
    await clientOf({ agent, apiKey: newKey() })('/orders');
    const { did: to } = await xlink.discover(serverUrl, LOCAL);
    const request = xlink.requestBinding('POST', '/orders');
    const envelope = await agent.createRequest({ to, scope: 'orders', payload: { item: 'tea' }, request });
    const post = () =>
      fetch(`${serverUrl}/orders`, {
        method: 'POST',
        headers: { 'Content-Type': xlink.ENVELOPE_TYPE },
        body: JSON.stringify(envelope),
      });
    same([(await post()).status, (await post()).status], [201, 409], 'statuses');
  });

  await check('client: an answer that is not sealed is refused', async () => {
    const apiKey = newKey();
    same(await outcome(() => clientOf({ apiKey })('/unsealed')), 'ANSWER_INVALID:NOT_SEALED', 'answer');
  });

  await check('client: a sealed redirect is followed, or shown', async () => {
    const fetch = clientOf({ apiKey: newKey() });
    const { status, redirected } = await fetch('/moved');
    same([status, redirected], [200, true], 'answer');
    // Browsers hide a redirect from scripts (Fetch, "opaque-redirect filtered response"), but not one in an envelope.
    same((await fetch('/moved', { redirect: 'manual' })).status, 302, 'shown');
  });

  await check('client: a caller who gives up is let go', async () => {
    const fetch = clientOf({ apiKey: newKey() });
    await fetch('/orders');
    const controller = new AbortController();
    const pending = fetch('/never', { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    const error = await pending.then(
      () => undefined,
      (reason) => reason,
    );
    same(error?.name, 'AbortError', 'error');
  });
}

async function answerOf(response) {
  const { mode, client } = await response.clone().json();
  return { status: response.status, sealed: response.headers.get('xlink-sealed'), mode, client };
}
