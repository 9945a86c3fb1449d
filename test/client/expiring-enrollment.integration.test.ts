import { expect, test } from '@jest/globals';
import { Agent, MemoryTrustRegistry, xlinkFetch } from '@private.me/xlink';
import { frozenClock, HOUR } from '../support/clock.js';
import { KEY, LOCAL, serveApi } from './support.js';

const ENROLL = '/.well-known/xlink/enroll';

test.each([
  ['with its key in hand', { apiKey: KEY }],
  ['that came by an invitation', {}],
])('a program that enrolled itself, %s, renews while it runs', async (_, credential) => {
  const clock = frozenClock();
  const agent = await Agent.quickstart({ name: 'orders', clock, registry: new MemoryTrustRegistry() });
  const api = await serveApi({ agent, clock, enrollmentValidMs: HOUR });
  const { invitation } = await api.adapter.invite({ client: 'acme', scopes: ['*'] });
  const caller = xlinkFetch({
    baseUrl: api.url,
    clock,
    ...LOCAL,
    ...('apiKey' in credential ? credential : { invitation }),
  });
  for (let hours = 0; hours < 4; hours++) {
    expect(await (await caller(`${api.url}/orders`)).json()).toMatchObject({ mode: 'xlink', client: 'acme' });
    clock.advance(0.9 * HOUR);
  }
  expect(api.count(ENROLL)).toBe(4);
});

test('a caller renews an enrollment that ends by itself, and ends itself when it is told to', async () => {
  const clock = frozenClock();
  const registry = new MemoryTrustRegistry();
  const agent = await Agent.quickstart({ name: 'orders', clock, registry });
  const api = await serveApi({ agent, clock, enrollmentValidMs: HOUR });
  const own = await Agent.quickstart({ clock });
  const caller = xlinkFetch({ baseUrl: api.url, apiKey: KEY, agent: own, clock, ...LOCAL });
  const call = async () => (await caller(`${api.url}/orders`)).json();
  expect(await call()).toMatchObject({ mode: 'xlink', client: 'acme' });
  clock.advance(0.8 * HOUR - 1);
  await call();
  expect(api.count(ENROLL)).toBe(1);
  clock.advance(1);
  for (let hours = 0; hours < 5; hours++) {
    expect(await call()).toMatchObject({ mode: 'xlink' });
    clock.advance(0.8 * HOUR);
  }
  expect(api.count(ENROLL)).toBe(6);
  await call();

  const answer = await caller(`${api.url}${ENROLL}`, { method: 'DELETE' });
  expect(await answer.json()).toEqual({ did: own.did, client: 'acme', linked: false });
  expect((await registry.lookup(own.did))?.status).toBe('revoked');
});
