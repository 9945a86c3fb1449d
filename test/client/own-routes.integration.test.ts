import { describe, expect, test } from '@jest/globals';
import { Agent, MemoryClientStore } from '@private.me/xlink';
import { ENROLL_PATH } from '../../src/http/enrollment.js';
import { KEY_PATH } from '../../src/http/own-routes.js';
import { fetchFor, serveApi } from './support.js';

/** A client that is enrolled and has called, and its calls of the routes of the library itself. */
async function enrolled() {
  const clients = new MemoryClientStore();
  const api = await serveApi({ clients });
  const agent = await Agent.quickstart();
  const fetch = fetchFor(api.url, { agent });
  expect((await fetch('/orders')).status).toBe(200);
  return { api, agent, fetch, clients };
}

/** Every route of its own that an adapter takes envelopes on. */
const ROUTES: readonly [method: string, path: string, answer: object][] = [
  ['POST', ENROLL_PATH, { client: 'acme' }],
  ['DELETE', KEY_PATH, { client: 'acme', key: 'off' }],
  ['PUT', KEY_PATH, { client: 'acme', key: 'on' }],
  ['DELETE', ENROLL_PATH, { client: 'acme', linked: false }],
];

const body = async (agent: Agent, method: string) =>
  method === 'POST'
    ? {
        body: JSON.stringify({ keyRecord: await agent.keyRecord() }),
        headers: { 'Content-Type': 'application/json' },
      }
    : {};

describe.each(ROUTES)('%s %s', (method, path, expected) => {
  test('called by xlinkFetch, answers sealed', async () => {
    const { agent, api, fetch } = await enrolled();
    const answer = await fetch(path, { method, ...(await body(agent, method)) });
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([200, 'true']);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject(expected);
    expect(api.handled).toEqual(['GET /orders']);
  });

  test('called by a caller that asks for no sealed answer, answers in the open as ever', async () => {
    const { agent, api } = await enrolled();
    const open = fetchFor(api.url, { agent, sealedAnswers: false });
    const answer = await open(path, { method, ...(await body(agent, method)) });
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([200, 'false']);
    expect(await answer.json()).toMatchObject(expected);
  });

  test('refused once the nonce is claimed, is refused with a signature', async () => {
    const { agent, fetch, clients } = await enrolled();
    const unlink = clients.unlink.bind(clients);
    clients.clientOf = () => undefined; // unlinked by the operator, a moment after it was admitted
    clients.link = (did) => void unlink(did);
    const answer = await fetch(path, { method, ...(await body(agent, method)) });
    expect([answer.status, answer.headers.get('xlink-sealed')]).toEqual([404, 'signed']);
    expect(await answer.json()).toMatchObject({ subCode: 'NOT_ENROLLED' });
  });
});

test('nothing is carried out where no answer can be sealed', async () => {
  const { api, fetch, clients } = await enrolled();
  api.agent.prepareAnswer = () => Promise.reject(new Error('no keys'));
  for (const [method, path] of ROUTES.slice(1))
    expect([path, (await fetch(path, { method })).status]).toEqual([path, 500]);
  expect(clients.list()).toMatchObject([{ client: 'acme', dids: [expect.any(String)] }]);
  expect(clients.get('acme')).not.toHaveProperty('keyOffSince');
});
