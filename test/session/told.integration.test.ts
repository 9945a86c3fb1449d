import { beforeEach, describe, expect, test } from '@jest/globals';
import { requireScope, type XlinkEvent } from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { KEY } from '../client/support.js';
import { documentedEvents } from '../support/event-docs.js';
import { until } from '../support/until.js';
import { RawCaller, type SessionApi, serveSessions } from './support.js';

// What operators are told of sessions: events and series, over real requests.

describe('what is told of sessions', () => {
  let api: SessionApi;
  let register: Registry;
  let caller: RawCaller;

  beforeEach(async () => {
    register = new Registry();
    api = await serveSessions({ never: ['payments'], handshakesPerMinute: 2 }, {}, (app) =>
      app.use('/pay', requireScope('payments')),
    );
    api.adapter.observe(prometheusMetrics({ register }));
    caller = await RawCaller.of(api.url, api.registry);
  });

  const told = (type: XlinkEvent['type']) => api.events.filter((event) => event.type === type);
  const seriesOf = async (name: string) =>
    (await register.getSingleMetricAsString(name)).split('\n').filter((line) => line.startsWith('xlink_'));
  /** Each handler's event comes once its response is over. */
  const requests = (count: number) => until(() => told('request').length >= count);

  test('a session that is opened, and requests in it', async () => {
    await caller.call();
    await requests(1);
    expect(told('session')).toEqual([
      {
        type: 'session',
        did: caller.agent.did,
        client: caller.agent.did,
        version: 2,
        notAfter: expect.any(Number),
      },
    ]);
    expect(told('request')[0]).toMatchObject({ outcome: 'accepted', form: 'session', version: 2 });
    expect(told('request')[0]).not.toHaveProperty('offered');
    expect(await seriesOf('xlink_sessions_total')).toEqual(['xlink_sessions_total{version="2"} 1']);
    expect(await seriesOf('xlink_sessions_active')).toEqual(['xlink_sessions_active 1']);
    expect(await seriesOf('xlink_session_refusals_total')).toEqual([]);
  });

  test('a handshake that is refused is told by itself, with the caller once it is verified', async () => {
    await caller.again();
    await expect(caller.again()).rejects.toThrow();
    const response = await fetch(`${api.url}/.well-known/xlink/session`, { method: 'POST' });
    expect(response.status).toBe(401);
    const refusals = told('session-refusal');
    expect(refusals).toEqual([
      { type: 'session-refusal', reason: 'SESSION_LIMIT', did: caller.agent.did, client: caller.agent.did },
      { type: 'session-refusal', reason: 'CREDENTIALS_MISSING' },
    ]);
    const { always, sometimes } = documentedEvents()['session-refusal']!;
    const members = new Set(refusals.flatMap((event) => Object.keys(event)));
    expect([...members].sort()).toEqual([...always, ...sometimes].sort());
    expect(await seriesOf('xlink_session_refusals_total')).toEqual([
      'xlink_session_refusals_total{at="handshake",reason="SESSION_LIMIT"} 1',
      'xlink_session_refusals_total{at="handshake",reason="CREDENTIALS_MISSING"} 1',
    ]);
  });

  test('refused requests say that they came in a session, verified or not, and are counted by code', async () => {
    const sealed = await caller.seal();
    await caller.send(sealed);
    await caller.send(sealed); // a replay
    const ticket = Uint8Array.from(caller.session.ticket);
    ticket[100]! ^= 1;
    await caller.call({ ticket }); // forged
    await caller.call({ path: '/pay', scope: '*' }); // a guard refuses it
    await fetch(`${api.url}/form`, { headers: { 'X-API-Key': 'wrong' } });
    await fetch(`${api.url}/form`, { headers: { 'X-API-Key': KEY } });
    await requests(6);
    const refused = told('request').filter((event) => (event as { outcome: string }).outcome === 'refused');
    expect(
      refused.map((event) => [(event as { reason: string }).reason, (event as { offered?: string }).offered]),
    ).toEqual([
      ['REPLAY_DETECTED', 'session'],
      ['SESSION_UNKNOWN:FORGED', 'session'],
      ['SESSION_NOT_ALLOWED', undefined], // it was verified: `form` says it
      ['API_KEY_INVALID', undefined],
    ]);
    expect(refused[2]).toMatchObject({ form: 'session' });
    expect((await seriesOf('xlink_session_refusals_total')).sort()).toEqual(
      ['REPLAY_DETECTED', 'SESSION_NOT_ALLOWED', 'SESSION_UNKNOWN:FORGED'].map(
        (reason) => `xlink_session_refusals_total{at="request",reason="${reason}"} 1`,
      ),
    );
  });

  test('envelopes and signatures that are refused say so, too', async () => {
    await fetch(`${api.url}/form`, { headers: { Authorization: 'Xlink abc' } });
    await fetch(`${api.url}/form`, { headers: { Authorization: 'Xlink abc', 'Xlink-Session': 'abc' } });
    await requests(2);
    expect(told('request').map((event) => (event as { offered?: string }).offered)).toEqual([
      'envelope',
      undefined,
    ]);
    expect(await seriesOf('xlink_session_refusals_total')).toEqual([]);
  });
});
