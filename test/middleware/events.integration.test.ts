import { once } from 'node:events';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE, MemoryKeyStore, MigrationPlan, type XlinkEvent } from '@private.me/xlink';
import { KEY_PATH, KEY_SCOPE } from '../../src/http/own-routes.js';
import { enrollment, sealed, signed, withKey } from '../adapters/requests.js';
import { changed } from '../support/changed.js';
import { HOUR, NOON } from '../support/clock.js';
import { declaredEvents, documentedEvents } from '../support/event-docs.js';
import {
  ACME,
  BOLT,
  expectNoSecrets,
  onTheWire,
  openWire,
  PREFLIGHT,
  type Sent,
  WRONG,
} from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { type EventStage, stage } from './events-stage.js';

const SCOPE = { scope: 'orders:read' };

/** What an event says, in a word or five. */
const brief = (event: XlinkEvent): string => {
  if (event.type === 'request') {
    const { outcome, method, reason, status, aborted } = event;
    return ['request', outcome, method, reason, status, ...(aborted ? ['aborted'] : [])].join(' ');
  }
  if (event.type === 'fault') return `fault ${event.error.id}`;
  if (event.type === 'observed') return `observed ${event.reason}`;
  return event.type;
};

/** Sends, and returns what observers were told about it. */
async function told({ service }: EventStage, sent: Sent | Promise<Sent>): Promise<string[]> {
  const before = service.events.length;
  await service.send(await sent);
  await service.quiet();
  return service.events.slice(before).map(brief);
}

/** Holds each event against its table: nothing missing, nothing that is not documented. */
function expectShapes(events: readonly XlinkEvent[], seen = new Map<string, Set<string>>()) {
  const documented = documentedEvents();
  for (const event of events) {
    const { always, sometimes } = documented[event.type]!;
    const keys = Object.keys(event);
    expect({ event, missing: always.filter((key) => !keys.includes(key)) }).toEqual({ event, missing: [] });
    expect({ event, unknown: keys.filter((key) => ![...always, ...sometimes].includes(key)) }).toEqual({
      event,
      unknown: [],
    });
    seen.set(event.type, new Set([...(seen.get(event.type) ?? []), ...keys]));
  }
  return seen;
}

test('docs/events.md has every event and member that src/types/events.ts has, and no other', () => {
  const documented = documentedEvents();
  expect(documented).toEqual(declaredEvents());
  expect(Object.keys(documented)).toHaveLength(19);
});

describe.each(STAGES)('$name: every decision is told once', (framework) => {
  const withConnections = having(framework, 'connections');
  const seen = new Map<string, Set<string>>();

  test('in hybrid mode', async () => {
    const on = await stage(framework);
    const { world, api, caller, device } = on;
    const replayed = await signed(caller, api, {}, SCOPE);
    expect(await told(on, withKey(ACME))).toEqual(['request accepted api-key ok 200']);
    expect(await told(on, withKey(ACME, { method: 'HEAD' }))).toEqual(['request accepted api-key ok 200']);
    expect(await told(on, withKey(WRONG))).toEqual(['request refused api-key API_KEY_INVALID 401']);
    expect(await told(on, withKey(WRONG, { method: 'HEAD' }))).toEqual([
      'request refused api-key API_KEY_INVALID 401',
    ]);
    expect(await told(on, {})).toEqual(['request refused none CREDENTIALS_MISSING 401']);
    expect(await told(on, sealed(caller, api))).toEqual(['request accepted xlink ok 200']);
    expect(await told(on, replayed)).toEqual(['request accepted xlink ok 200']);
    expect(await told(on, replayed)).toEqual(['request refused xlink REPLAY_DETECTED 409']);
    expect(await told(on, { headers: { authorization: 'Xlink x', 'xlink-envelope': 'x' } })).toEqual([
      'request refused xlink ENVELOPE_AMBIGUOUS 400',
    ]);
    expect(await told(on, withKey(ACME, { path: '/guarded' }))).toEqual([
      'request refused api-key SCOPE_DENIED 403',
    ]);
    expect(await told(on, withKey(ACME, { path: '/throws' }))).toEqual(['request accepted api-key ok 500']);
    const forNothing = await signed(caller, api, { path: '/none' }, SCOPE);
    const accept = { headers: { ...forNothing.headers, accept: ANSWER_TYPE } };
    expect(await told(on, { ...forNothing, ...accept })).toEqual(['request accepted xlink ok 204']); // sent as a 200
    for (const sent of [PREFLIGHT, { path: '/health' }, { path: '/.well-known/xlink.json' }])
      expect(await told(on, sent)).toEqual([]);

    expect(await told(on, enrollment(device, api, ACME, { proofKey: BOLT }))).toEqual([
      'request refused api-key ENROLLMENT_REFUSED:KEY_PROOF 401',
    ]);
    expect(await told(on, enrollment(device, api, ACME))).toEqual(['enrollment']);
    expect(
      await told(on, signed(caller, api, { method: 'DELETE', path: KEY_PATH }, { scope: KEY_SCOPE })),
    ).toEqual(['request refused xlink ENROLLMENT_REFUSED:NOT_ENROLLED 404']);
    expect(
      await told(on, signed(device, api, { method: 'DELETE', path: KEY_PATH }, { scope: KEY_SCOPE })),
    ).toEqual(['key-switch']);
    expect(await told(on, withKey(ACME))).toEqual(['request refused api-key API_KEY_SWITCHED_OFF 401']);
    expect(
      await told(on, signed(device, api, { method: 'PUT', path: KEY_PATH }, { scope: KEY_SCOPE })),
    ).toEqual(['key-switch']);

    await told(on, signed(device, api, {}, SCOPE));
    await on.service.adapter.clientRecords(); // writes what was counted
    expect(await told(on, withKey(ACME))).toEqual(['downgrade', 'request accepted api-key ok 200']);

    const { adapter, events } = on.service;
    await adapter.unlink(device.did, { keep: true });
    await adapter.revokeClient('acme', { reason: 'key_compromise' });
    expect(events.slice(-4).map(({ type }) => type)).toEqual([
      'unlink',
      'operation',
      'client-revocation',
      'operation',
    ]);

    const last = await sealed(caller, api);
    world.registry.lookup = () => {
      throw new Error('down');
    };
    expect(await told(on, last)).toEqual(['fault LOOKUP_FAILED', 'request refused xlink LOOKUP_FAILED 503']);
    expectNoSecrets(on.service);
    expectShapes(on.service.events, seen);
  });

  test('in the other modes, and when a mode changes', async () => {
    const until = { from: new Date(NOON + HOUR), until: new Date(NOON + 2 * HOUR) };
    const on = await stage(framework, {
      mode: 'observe',
      brownouts: [until],
      deprecation: { sunset: new Date(NOON + 9 * HOUR) },
    });
    const { world, api, caller, service } = on;
    const { adapter } = service;
    expect(await told(on, withKey(ACME, await signed(caller, api, {}, SCOPE)))).toEqual([
      'observed ok',
      'request accepted api-key ok 200',
    ]);
    const elsewhere = withKey(ACME, { ...(await signed(caller, api, {}, SCOPE)), path: '/elsewhere' });
    expect(await told(on, elsewhere)).toEqual([
      'observed REQUEST_BINDING_MISMATCH',
      'request accepted api-key ok 200',
    ]);
    expect(await told(on, sealed(caller, api))).toEqual(['request refused xlink XLINK_NOT_SUPPORTED 415']);
    adapter.setMode('deprecation', 'time is up', { by: 'ada' });
    const later = { from: new Date(world.clock() + 48 * HOUR), until: new Date(world.clock() + 49 * HOUR) };
    adapter.scheduleBrownout(later, { by: 'ada', why: 'a reminder' });
    expect(await told(on, withKey(ACME))).toEqual(['request accepted api-key ok 200']);
    world.clock.advance(HOUR);
    expect(await told(on, withKey(ACME))).toEqual(['request refused api-key API_KEY_BROWNOUT 401']);
    adapter.setMode('xlink-only', undefined, { client: 'acme' });
    adapter.setMode('hybrid', undefined, { route: { path: '/x' } });
    adapter.clearMode({ route: { path: '/x' } });
    expect(await told(on, withKey(ACME))).toEqual(['request refused api-key XLINK_REQUIRED 401']);
    await new MigrationPlan({ adapter, clock: world.clock }).evaluate();
    expect(
      service.events.map(({ type }) => type).filter((type) => type === 'mode' || type === 'advice'),
    ).toEqual([...Array(5).fill('mode'), 'advice']);
    expectShapes(service.events, seen);
    const first: XlinkEvent[] = [];
    adapter.observe((event) => first.push(event)); // who comes later is told since when the mode is in force
    expect(first).toMatchObject([{ type: 'mode', since: expect.any(Number) }]);
    expectShapes(first, seen);
  });

  test('when the key cannot be checked, and when the application skips in error', async () => {
    const on = await stage(framework, {
      legacyKeyValidator: () => Promise.reject(new Error('down')),
      skip: ({ target }) => {
        if (target === '/trap') throw new Error('skip');
        return false;
      },
    });
    expect(await told(on, withKey(ACME))).toEqual([
      'fault KEY_VALIDATOR_FAILED',
      'request refused api-key KEY_VALIDATOR_FAILED 503',
    ]);
    expect(await told(on, withKey(ACME, { path: '/trap' }))).toEqual([
      'fault INTERNAL',
      'request refused none INTERNAL 500',
    ]);
    expectShapes(on.service.events, seen);
  });

  test('when the answer cannot be sealed', async () => {
    const on = await stage(framework);
    const { api, caller } = on;
    const sent = await signed(caller, api, {}, SCOPE);
    api.prepareAnswer = () => Promise.reject(new Error('no keys'));
    expect(await told(on, { ...sent, headers: { ...sent.headers, accept: ANSWER_TYPE } })).toEqual([
      'fault ANSWER_NOT_SEALED',
      'request refused xlink ANSWER_NOT_SEALED 500', // before anything is done
    ]);
    const again = await signed(caller, api, {}, SCOPE);
    api.prepareAnswer = async () => () => Promise.reject(new Error('the key is away'));
    expect(await told(on, { ...again, headers: { ...again.headers, accept: ANSWER_TYPE } })).toEqual([
      'fault ANSWER_NOT_SEALED',
      'request accepted xlink ok 200', // what the handler answered; what was sent is a 500
    ]);
    expectShapes(on.service.events, seen);
  });

  withConnections.test(
    'when the client goes away before there is an answer, or before it has sent all',
    async () => {
      const on = await stage(framework);
      const { service, api, caller } = on;
      const { slow } = service;
      const waiting = await openWire(service.port);
      await waiting.write(onTheWire(withKey(ACME, { path: '/slow' })));
      while (slow.length === 0) await once(service.signals, 'slow');
      service.adapter.getMetrics(); // looks at what is open
      waiting.socket.destroy();
      await service.until('request', 1);
      expect(service.events.slice(1).map(brief)[0]).toBe('open');
      expect(service.events.slice(1).map(brief)[1]).toMatch(/^request accepted api-key ok \d+ aborted$/);

      const byEnvelope = await openWire(service.port);
      await byEnvelope.write(onTheWire(await signed(caller, api, { path: '/slow' }, SCOPE)));
      while (slow.length === 1) await once(service.signals, 'slow');
      service.adapter.getMetrics();
      byEnvelope.socket.destroy();
      await service.until('request', 2);

      const cut = await openWire(service.port);
      const arrived = once(service.server, 'request');
      const whole = onTheWire(await sealed(caller, api));
      await cut.write(whole.subarray(0, whole.length - 10));
      await arrived;
      cut.socket.destroy();
      await service.until('request', 3);
      expect(service.events.at(-1)).toMatchObject({ type: 'request', reason: 'BODY_ABORTED', aborted: true });
      await service.quiet();
      expect(service.events.filter(({ type }) => type === 'request')).toHaveLength(3);
      expectShapes(service.events, seen);
    },
  );

  test('with a trace, whose id is in the request and in its fault', async () => {
    const traceId = 'ab'.repeat(16);
    const on = await stage(framework, {
      tracer: { trace: (_request, run) => run({ traceId, end() {} }) },
      legacyKeyValidator: () => Promise.reject(new Error('down')),
    });
    await told(on, withKey(ACME));
    expect(on.service.events.slice(1)).toEqual([
      expect.objectContaining({ type: 'fault', traceId }),
      expect.objectContaining({ type: 'request', traceId }),
    ]);
    expectShapes(on.service.events, seen);
  });

  test('with nonces that several processes do not share', async () => {
    const { service } = await stage(framework, { instances: 2 });
    expect(service.events.map(({ type }) => type)).toContain('warning');
    expectShapes(service.events, seen);
  });

  test('with keys in a store, once for each epoch', async () => {
    const api = await new World().agent('api', { keyStore: new MemoryKeyStore() });
    const { service } = await stage(framework, { agent: api });
    await api.rotateKeys();
    api.dispose();
    expect(service.events.map(({ type }) => type)).toEqual(['mode', 'key-epoch', 'key-epoch']);
    expectShapes(service.events, seen);
  });

  withConnections.test('and by the end every member of every event was seen', () => {
    // see test/session and test/adapters/policy
    const documented = Object.entries(documentedEvents()).filter(([type]) => !/^(session|policy)/.test(type));
    const all = documented.map(([type, { always, sometimes }]) => [type, [...always, ...sometimes].sort()]);
    expect([...seen].map(([type, keys]) => [type, [...keys].sort()]).sort()).toEqual(all.sort());
  });

  test('no event holds what was sent as key, token, envelope or body, in whatever place', async () => {
    const on = await stage(framework);
    const { api, caller, service } = on;
    let count = 0;
    const markers: string[] = [];
    const marker = () => {
      markers.push(`canary-${++count}-${Math.random().toString(36).slice(2)}`);
      return markers.at(-1)!;
    };
    const payload = { note: marker() };
    const envelope = await caller.createRequest({ to: api.did, payload, request: 'POST /orders', ...SCOPE });
    markers.push(envelope.signature, envelope.payload!);
    const torn = JSON.stringify(envelope).replace('"scope"', `"${marker()}":"${marker()}","scope"`);
    const as = (body: string, type = 'application/xlink-envelope'): Sent => ({
      body,
      headers: { 'content-type': type },
    });
    const requests: Sent[] = [
      ...['x-api-key', 'authorization', 'xlink-envelope', 'cookie', 'x-api-kye', 'content-encoding'].map(
        (name) => ({ headers: { [name]: marker() } }),
      ),
      ...['Bearer', 'ApiKey', 'Xlink', 'Basic', 'xlink'].map((scheme) => ({
        headers: { authorization: `${scheme} ${marker()}` },
      })),
      { path: `/orders?api_key=${marker()}&x=${marker()}` },
      { path: `/${marker()}/${marker()}` },
      as(JSON.stringify(envelope)),
      as(JSON.stringify(envelope)),
      as(torn),
      as(`{"version":2,"suite":"${marker()}","payload":"${marker()}"`),
      as(marker()),
      as(JSON.stringify({ ...envelope, from: marker() })),
      as(JSON.stringify({ ...envelope, scope: marker(), nonce: marker() })),
      as(JSON.stringify({ ...envelope, signature: changed(envelope.signature) })),
      {
        ...as(JSON.stringify({ secret: marker() }), 'application/json'),
        headers: { 'content-type': 'application/json', 'x-api-key': marker() },
      },
      {
        ...as(marker()),
        path: '/.well-known/xlink/enroll',
        headers: { 'x-api-key': ACME, 'content-type': marker() },
      },
      withKey(ACME, { path: '/throws', headers: { 'x-note': marker() } }),
      { method: 'DELETE', path: KEY_PATH, headers: { authorization: `Xlink ${marker()}` } },
    ];
    for (const sent of requests) await service.send(sent);
    await service.quiet();
    expect(service.events.length).toBeGreaterThan(requests.length);
    const everything =
      JSON.stringify(service.events) +
      inspect(service.events, { depth: 10, maxStringLength: null, showHidden: true });
    expect(markers.filter((text) => everything.includes(text))).toEqual([]);
    expectNoSecrets(service);
  });
});
