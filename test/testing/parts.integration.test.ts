import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { SharedMode } from '@private.me/xlink';
import { enrolledClient, memoryStores, refusalOf, xlinkMatchers } from '@private.me/xlink/testing';
import { listen } from '../support/listen.js';
import { APPS, apiWith } from './apps.js';

test('an enrolled client in one line: the real one, for an API that listens', async () => {
  const { app, adapter } = await apiWith(APPS['Express 5']);
  const { port } = await listen(createServer(app as never));
  const acme = await enrolledClient(adapter, 'acme', { scopes: ['orders'], version: 3 });
  const answer = await acme.fetch(`http://127.0.0.1:${port}`)('/orders', { method: 'POST', body: 'tea' });
  expect(answer.headers.get('xlink-sealed')).toBe('true');
  expect(await answer.json()).toMatchObject({ client: 'acme', encrypted: true });
  expect((await adapter.report()).clients).toMatchObject([{ client: 'acme', dids: [acme.did] }]);
});

test('without a store of clients it is registered under its name', async () => {
  const { adapter } = await apiWith(APPS['Express 5'], { clients: undefined as never });
  const acme = await enrolledClient(adapter, 'acme', { scopes: ['orders'] });
  expect(await adapter.parts.agent.registry.lookup(acme.did)).toMatchObject({
    name: 'acme',
    sendScopes: ['orders'],
  });
});

test('a mode is kept in memory', async () => {
  const { modes } = memoryStores();
  const first = (await apiWith(APPS['Express 5'], { mode: 'hybrid' })).adapter;
  const shared = new SharedMode({ adapter: first, store: modes });
  await shared.start();
  first.setMode('deprecation', 'test');
  while (modes.load()?.mode !== 'deprecation') await new Promise(setImmediate);
  shared.stop();
  expect(modes.save({ mode: 'hybrid', since: 0 }, 0)).toBe(false);
});

const problem = { code: 'VERIFICATION_FAILED', subCode: 'DID_REVOKED' };

test.each([
  ['supertest', { status: 403, body: problem, text: JSON.stringify(problem) }],
  ['inject', { statusCode: 403, body: JSON.stringify(problem) }],
])('a refusal as %s has it', (_, answer) => {
  expect(refusalOf(answer)).toEqual({
    status: 403,
    id: 'VERIFICATION_FAILED:DID_REVOKED',
    code: 'VERIFICATION_FAILED',
  });
  const { toBeRefused } = xlinkMatchers;
  expect(toBeRefused(answer).pass).toBe(true);
  expect(toBeRefused(answer, 'VERIFICATION_FAILED', 403).pass).toBe(true);
  expect(toBeRefused(answer, 'VERIFICATION_FAILED:DID_REVOKED').message()).toMatch(/should not be/);
  expect(toBeRefused(answer, 'VERIFICATION_FAILED', 401).message()).toMatch(/status 401; .*status 403/);
  expect(toBeRefused(answer, 'API_KEY_INVALID').pass).toBe(false);
  expect(() => toBeRefused(answer, 'API_KEY_INVALIDE')).toThrow(/no error API_KEY_INVALIDE/);
});

test.each([
  ['an answer that is good', { status: 200, body: problem }],
  ['a refusal of the API itself', { status: 403, body: { code: 'FORBIDDEN' } }],
  ['no JSON', { status: 500, text: 'oops' }],
  ['nothing', undefined],
])('no refusal of xLink: %s', (_, answer) => {
  const verdict = xlinkMatchers.toBeRefused(answer as never);
  expect([verdict.pass, verdict.message()]).toEqual([false, expect.stringMatching(/no refusal of xLink/)]);
});
