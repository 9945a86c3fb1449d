import { describe, expect, test } from '@jest/globals';
import {
  type Agent,
  connect,
  type ManagedTrustRegistry,
  requireScope,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import { fetchFor, idOfRejection, KEY, LOCAL, postJson, serveApi } from './support.js';

/** Two APIs that know nothing of each other; `caller` goes out to `callee` in the ways that callers have. */
async function two() {
  const mount = (app: { use: (handler: unknown) => unknown }) => app.use(requireScope('orders:write'));
  const caller = await serveApi({}, mount as never);
  const callee = await serveApi();
  return { caller, callee };
}

const WAYS: [string, (agent: Agent, url: string) => Promise<unknown>][] = [
  ['xlinkFetch', (agent, url) => fetchFor(url, { agent })('/a', postJson({}))],
  [
    'connect',
    async (agent, url) => {
      const found = await connect(url, { ...LOCAL, agent, apiKey: KEY });
      if (!found.ok) throw found.error;
      return found.value.fetch('/a');
    },
  ],
];

describe('a service that calls another one', () => {
  test.each(WAYS)('by %s gives it no rights here [A1]', async (_, call) => {
    const { caller, callee } = await two();
    const before = await (caller.agent.registry as ManagedTrustRegistry).list();
    await call(caller.agent, callee.url);
    expect(callee.handled.length).toBeGreaterThan(0);
    expect(await caller.agent.registry.lookup(callee.agent.did)).toBeUndefined();
    expect(await (caller.agent.registry as ManagedTrustRegistry).list()).toEqual(before);

    // The callee, who knows the caller well by now, calls back without an enrollment.
    const back: XlinkFetchOptions = { ...LOCAL, baseUrl: caller.url, agent: callee.agent };
    for (const [path, init] of [
      ['/pay', postJson({})],
      ['/a', {}],
    ] as const)
      expect(await idOfRejection(xlinkFetch(back)(path, init))).toBe('ANSWER_INVALID:NOT_SEALED');
    expect(caller.handled).toEqual([]);
    const requests = caller.events.filter(({ type }) => type === 'request');
    expect(requests.filter((event) => 'outcome' in event && event.outcome === 'accepted')).toEqual([]);
    expect(requests).toContainEqual(
      expect.objectContaining({ reason: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY' }),
    );
  });

  test('takes its answer, and no message of it [A1]', async () => {
    const { caller, callee } = await two();
    expect((await fetchFor(callee.url, { agent: caller.agent })('/a')).status).toBe(200);
    const registry = callee.agent.registry as ManagedTrustRegistry;
    expect((await registry.updateScopes(caller.agent.did, { receiveScopes: ['*'] })).ok).toBe(true);
    const message = await callee.agent.createEnvelope({ to: caller.agent.did, payload: 'do it' });
    const received = await caller.agent.receive(message);
    expect(received.ok || received.error.id).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
  });
});
