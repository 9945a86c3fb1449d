import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { authOf, type CutoverReport, type DualModeOptions } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { WebSocket, WebSocketServer } from 'ws';
import { afterTest } from '../support/after-test.js';
import { DAY, HOUR } from '../support/clock.js';
import { ACME, signedRequest, WRONG, withKey } from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

/** A client that moved to xLink: enrolled, and works on it. */
async function moved() {
  const known = await World.withCaller();
  known.clients.link(known.caller.did, 'acme');
  const register = new Registry();
  const observers = [prometheusMetrics({ register, maxClients: 3 })];
  return { known, register, options: { clients: known.clients, clock: known.clock, observers } };
}

const acmeIn = ({ clients }: CutoverReport) => clients.find(({ client }) => client === 'acme')!;

const linesOf = async (register: Registry, { name }: { readonly name: string }) =>
  (await register.getSingleMetricAsString(name)).split('\n').filter((line) => line && !line.startsWith('#'));

/** Opens an event stream; resolves when its first event is here. */
async function openStream(port: number, headers: Record<string, string>) {
  const request = httpRequest({ host: '127.0.0.1', port, path: '/events', headers, agent: false });
  request.on('error', () => {});
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  await once(response, 'data');
  afterTest(() => void request.destroy());
  return request;
}

describe.each(STAGES.filter(({ lacks }) => lacks.streams === undefined))('$name', ({ serve }) => {
  test('[C6] an event stream by key is in metrics and report while it is open, however long', async () => {
    const { known, register, options } = await moved();
    const service = await serve(known, options);
    const stream = await openStream(service.port, { 'x-api-key': ACME });

    expect(service.adapter.getMetrics()).toMatchObject({ apiKeyRequests: 1 });
    expect(service.of('open')).toMatchObject([{ method: 'api-key', client: 'acme', outcome: 'accepted' }]);
    expect(service.of('request')).toEqual([]);
    expect(await linesOf(register, METRICS.openRequests)).toContain(
      'xlink_open_requests{method="api-key"} 1',
    );
    expect(await linesOf(register, METRICS.adoption)).toEqual(['xlink_adoption_ratio 0']);
    expect(await linesOf(register, METRICS.clientRequests)).toEqual([
      'xlink_client_requests_total{client="acme",method="api-key",outcome="accepted"} 1',
    ]);

    known.clock.advance(3 * DAY);
    await service.send(await signedRequest(known));
    expect(acmeIn(await service.adapter.report())).toMatchObject({
      state: 'key-in-use',
      safeToSwitch: false,
      keyRequests: 1,
    });

    stream.destroy();
    await service.until('request', 2);
    expect(acmeIn(await service.adapter.report())).toMatchObject({ state: 'key-in-use' });
    known.clock.advance(DAY + HOUR);
    await service.send(await signedRequest(known));
    await service.quiet();
    expect(acmeIn(await service.adapter.report())).toMatchObject({ state: 'moved', keyRequests: 1 });
    expect(await linesOf(register, METRICS.openRequests)).toEqual([
      'xlink_open_requests{method="xlink"} 0',
      'xlink_open_requests{method="api-key"} 0',
    ]);
  });

  test('what is over at once is told of once; an open one is found by itself, and counted once', async () => {
    const { known, register, options } = await moved();
    const service = await serve(known, options);
    await service.send(withKey({}, ACME));
    await service.send(withKey({}, WRONG));
    await service.quiet();
    expect(service.of('open')).toEqual([]);
    const stream = await openStream(
      service.port,
      (await signedRequest(known, { path: '/events' })).headers as never,
    );
    await service.until('open', 1); // nobody asked
    const { number } = service.of('open')[0]!;
    expect(await linesOf(register, METRICS.openRequests)).toContain('xlink_open_requests{method="xlink"} 1');
    stream.destroy();
    await service.until('request', 3);
    expect(service.of('request').map(({ opened }) => opened)).toEqual([undefined, undefined, number]);
    expect(service.adapter.getMetrics()).toMatchObject({
      apiKeyRequests: 1,
      xlinkRequests: 1,
      failedAuth: 1,
    });
    expect(await linesOf(register, METRICS.clientRequests)).toEqual([
      'xlink_client_requests_total{client="acme",method="api-key",outcome="accepted"} 1',
      'xlink_client_requests_total{client="unknown",method="api-key",outcome="refused"} 1',
      'xlink_client_requests_total{client="acme",method="xlink",outcome="accepted"} 1',
    ]);
    const requests = await linesOf(register, METRICS.requests);
    expect(requests.map((line) => line.split(' ').at(-1))).toEqual(['1', '1', '1']);
    expect(await linesOf(register, METRICS.adoption)).toEqual(['xlink_adoption_ratio 0.5']);
  });
});

describe('upgrades', () => {
  /** `front`: what is done to a request before it gets to the adapter. */
  async function served(more: Partial<DualModeOptions> = {}, front = (_: IncomingMessage) => {}) {
    const { known, register, options } = await moved();
    const service = await known.serve({ ...options, ...more });
    const sockets = new WebSocketServer({ noServer: true });
    const seen: unknown[] = [];
    sockets.on('connection', (ws, req) => {
      seen.push([Reflect.get(req, 'auth'), authOf(req), { ...req.headers }, req.rawHeaders]);
      ws.on('message', (data) => ws.send(`got ${data}`));
    });
    const passes: unknown[] = [];
    service.server.on('upgrade', async (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      front(req);
      const pass = await service.adapter.authenticateUpgrade(req, socket);
      passes.push(pass);
      if (pass) sockets.handleUpgrade(req, socket, head, (ws) => sockets.emit('connection', ws, req));
    });
    afterTest(() => {
      for (const ws of sockets.clients) ws.terminate();
      sockets.close();
    });
    const open = (headers: Record<string, string>, path = '/live') =>
      new WebSocket(`ws://127.0.0.1:${service.port}${path}`, { headers });
    return { known, register, service, seen, passes, open };
  }

  const echoed = async (ws: WebSocket) => {
    await once(ws, 'open');
    ws.send('a');
    const [data] = await once(ws, 'message');
    return String(data);
  };

  /** What is answered in place of an upgrade. */
  const refusalOf = async (ws: WebSocket) => {
    ws.on('error', () => {});
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode,
      headers: response.headers,
      problem: JSON.parse(Buffer.concat(chunks).toString()),
    };
  };

  const signed = async (known: WorldWithCaller, path = '/live') =>
    (await signedRequest(known, { path })).headers as Record<string, string>;

  test('[C6] a WebSocket by key is open until it is closed', async () => {
    const { known, register, service, seen, open } = await served();
    const ws = open({ 'x-api-key': ACME });
    expect(await echoed(ws)).toBe('got a');
    const acme = { mode: 'api-key', clientId: 'acme' };
    expect((seen[0] as unknown[]).slice(0, 2)).toMatchObject([acme, acme]);
    service.adapter.getMetrics(); // looks at once
    expect(await linesOf(register, METRICS.openRequests)).toContain(
      'xlink_open_requests{method="api-key"} 1',
    );
    known.clock.advance(2 * DAY);
    await service.send(await signedRequest(known));
    expect(acmeIn(await service.adapter.report())).toMatchObject({
      state: 'key-in-use',
      safeToSwitch: false,
    });
    ws.close();
    await service.until('request', 2);
    expect(service.of('request').at(-1)).toMatchObject({
      method: 'api-key',
      status: 101,
      route: 'unmatched',
    });
    expect(service.of('request').at(-1)).not.toHaveProperty('aborted');
    expect(await linesOf(register, METRICS.openRequests)).toContain(
      'xlink_open_requests{method="api-key"} 0',
    );
  });

  test('a WebSocket by envelope: bound to its path, good once, and not shown to handlers', async () => {
    const { known, seen, open } = await served({ mode: 'xlink-only' });
    const headers = await signed(known);
    expect(await echoed(open(headers))).toBe('got a');
    const [[auth, verified, shown, raw]] = seen as [[unknown, unknown, Record<string, string>, string[]]];
    expect(auth).toMatchObject({ mode: 'xlink', did: known.caller.did, client: 'acme' });
    expect(verified).toEqual(auth);
    expect(shown).not.toHaveProperty('authorization');
    expect(raw.join()).not.toContain('Xlink');
    expect(await refusalOf(open(headers))).toMatchObject({
      status: 409,
      problem: { code: 'REPLAY_DETECTED' },
    });
    expect(await refusalOf(open(await signed(known), '/other'))).toMatchObject({
      status: 401,
      problem: { code: 'REQUEST_BINDING_MISMATCH' },
    });
  });

  test('refusals are answered as elsewhere, counted, and the connection is closed', async () => {
    const { service, seen, passes, open } = await served({ realm: 'shop' });
    expect(await refusalOf(open({}))).toMatchObject({
      status: 401,
      headers: {
        'content-type': 'application/problem+json',
        connection: 'close',
        'www-authenticate': 'Xlink realm="shop", error="CREDENTIALS_MISSING", ApiKey realm="shop"',
      },
      problem: { code: 'CREDENTIALS_MISSING' },
    });
    expect(await refusalOf(open({ 'x-api-key': WRONG }))).toMatchObject({
      problem: { code: 'API_KEY_INVALID' },
    });
    await service.until('request', 2);
    expect(service.of('request')).toMatchObject([
      { outcome: 'refused', status: 401 },
      { outcome: 'refused', status: 401 },
    ]);
    expect([seen, passes]).toEqual([[], [undefined, undefined]]);
  });

  test('behind a router that cuts its path off, an envelope is bound to what the client saw', async () => {
    const cut = (req: IncomingMessage) => Object.assign(req, { originalUrl: req.url, url: '/live' });
    const { known, open } = await served({ mode: 'xlink-only' }, cut);
    expect(await echoed(open(await signed(known, '/v1/live'), '/v1/live'))).toBe('got a');
    expect(await refusalOf(open(await signed(known, '/live'), '/v1/live'))).toMatchObject({
      problem: { code: 'REQUEST_BINDING_MISMATCH' },
    });
  });

  test('what looks like a preflight has to prove itself, too: no browser asks for one to upgrade', async () => {
    const { service, passes } = await served();
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: 'https://shop.example',
      'access-control-request-method': 'GET',
    };
    const asked = httpRequest({
      host: '127.0.0.1',
      port: service.port,
      path: '/live',
      method: 'OPTIONS',
      headers,
    });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect([answer.statusCode, passes]).toEqual([401, [undefined]]);
  });

  test('an envelope in a body speaks for none, since an upgrade has no body', async () => {
    const { open } = await served();
    const refused = await refusalOf(
      open({ 'content-type': 'application/xlink-envelope', 'content-length': '2' }),
    );
    expect(refused).toMatchObject({ status: 400 });
  });

  test('what skip lets through has no auth; in deprecation the headers for the response are handed over', async () => {
    const { passes, open } = await served({ mode: 'deprecation', skip: ({ target }) => target === '/open' });
    await echoed(open({}, '/open'));
    await echoed(open({ 'x-api-key': ACME }));
    expect(passes).toEqual([
      { headers: {} },
      {
        auth: expect.objectContaining({ clientId: 'acme' }),
        headers: expect.objectContaining({ 'X-Deprecated-Auth': 'true' }),
      },
    ]);
  });

  test('a caller that is gone before the key was checked is counted, and handed to nobody', async () => {
    let check = () => {};
    const asked = new Promise<void>((resolve) => {
      check = resolve;
    });
    let isAsked = () => {};
    const begun = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const { service, passes, open } = await served({
      legacyKeyValidator: () => {
        isAsked();
        return asked.then(() => ({ clientId: 'acme' }));
      },
    });
    const ws = open({ 'x-api-key': ACME });
    ws.on('error', () => {});
    await begun;
    const gone = once(service.sockets[0]!, 'close');
    service.sockets[0]!.destroy(); // nobody reads yet, so it is not noticed that the other end is gone
    await gone;
    check();
    await service.until('request', 1);
    expect(service.of('request')).toMatchObject([{ outcome: 'accepted', aborted: true }]);
    expect(passes).toEqual([undefined]);
  });
});
