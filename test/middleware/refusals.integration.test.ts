import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE, type DualModeOptions, type Refusal } from '@private.me/xlink';
import { fastifyXlink } from '@private.me/xlink/fastify';
import { honoMiddleware } from '@private.me/xlink/hono';
import type { ErrorRequestHandler } from 'express';
import { ENROLL_PATH } from '../../src/http/enrollment.js';
import { FRAMEWORKS as EXPRESSES } from '../support/express.js';
import { ACME, BOLT, onTheWire, openWire, signedRequest, WRONG, withKey } from '../support/http.js';
import { having, type Plan, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

/** How an API answers errors: its own shape, in its own error handling, with headers of its middleware in front. */
const shapeOf = (error: { status?: number; code?: string; message: string }) => ({
  error: { type: error.code ?? 'unknown', message: error.message },
});

type How =
  | 'hands it to error handling'
  | 'answers itself'
  | 'answers itself and leaves the status'
  | 'throws something else';

const planFor = (how: How, told: Refusal[]): Plan => ({
  headers: { 'access-control-allow-origin': '*' },
  guard: { name: { scope: 'orders:write' }, path: '/guarded' },
  onRefusal(refusal) {
    told.push(refusal);
    if (how === 'throws something else') throw new Error('of the API');
    if (how === 'hands it to error handling') return refusal.error;
    const body = shapeOf(refusal.error);
    return how === 'answers itself' ? { status: refusal.status, body } : { body };
  },
  onError: (error) => ({ status: error.status ?? 500, body: shapeOf(error) }),
});

describe.each(STAGES)('[C7] $name: an API answers refusals in its own way', (stage) => {
  const serve = (world: World, how: How, told: Refusal[], options: Partial<DualModeOptions> = {}) =>
    stage.serve(world, options, planFor(how, told));

  test.each([
    'hands it to error handling',
    'answers itself',
    'answers itself and leaves the status',
  ] as const)('and %s', async (how) => {
    const told: Refusal[] = [];
    const service = await serve(new World(), how, told, { realm: 'shop' });
    const answer = await service.send(withKey({}, WRONG));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      401,
      { error: { type: 'API_KEY_INVALID', message: expect.any(String) } },
    ]);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'www-authenticate': 'Xlink realm="shop", error="API_KEY_INVALID", ApiKey realm="shop"',
    });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(told).toMatchObject([
      {
        status: 401,
        error: { id: 'API_KEY_INVALID' },
        problem: { code: 'API_KEY_INVALID', authMethod: 'api-key' },
      },
    ]);
    await service.quiet();
    expect(service.calls).toEqual([]);
    expect(service.of('request')).toMatchObject([
      { outcome: 'refused', reason: 'API_KEY_INVALID', status: 401 },
    ]);
  });

  test('what guards refuse comes the same way', async () => {
    const told: Refusal[] = [];
    const service = await serve(new World(), 'hands it to error handling', told);
    expect((await service.send(withKey({ path: '/guarded' }, ACME))).status).toBe(200);
    const answer = await service.send(withKey({ path: '/guarded' }, BOLT));
    expect([answer.status, JSON.parse(answer.text).error.type]).toEqual([403, 'SCOPE_DENIED']);
    expect(answer.headers['www-authenticate']).toContain('scope="orders:write"');
    expect(told.map(({ error }) => error.scope)).toEqual(['orders:write']);
    await service.quiet();
    expect(service.of('request').at(-1)).toMatchObject({
      outcome: 'refused',
      reason: 'SCOPE_DENIED',
      status: 403,
    });
  });

  test('with an error of its own, if that is what it throws', async () => {
    const service = await serve(new World(), 'throws something else', []);
    const answer = await service.send({});
    expect([answer.status, JSON.parse(answer.text).error.message]).toEqual([500, 'of the API']);
    expect(service.calls).toEqual([]);
  });

  test('but not those by which clients of the library decide', async () => {
    const known = await World.withCaller();
    const told: Refusal[] = [];
    const service = await serve(known, 'answers itself', told, { clients: known.clients });
    const sealed = { accept: `${ANSWER_TYPE}, */*` };
    const signed = await signedRequest(known, { headers: sealed });
    expect((await service.send(signed)).status).toBe(200);
    const replayed = await service.send(signed);
    expect([replayed.status, JSON.parse(replayed.text).code]).toEqual([409, 'REPLAY_DETECTED']);
    const unsupported = await signedRequest(known, { headers: sealed });
    service.adapter.setMode('observe');
    const refusal = await service.send(unsupported);
    expect([refusal.status, refusal.headers['content-type']]).toEqual([415, 'application/xlink-envelope']);
    const enrollment = await service.send({ method: 'POST', path: ENROLL_PATH });
    expect(JSON.parse(enrollment.text).code).toBe('CREDENTIALS_MISSING');
    expect(told).toEqual([]);
    expect((await service.send(await signedRequest(known))).status).toBe(415); // asks for no sealed answer
    expect(told.map(({ error }) => error.id)).toEqual(['XLINK_NOT_SUPPORTED']);
  });

  having(stage, 'connections').test('a caller that is still sending gets to read the answer', async () => {
    const known = await World.withCaller();
    const service = await serve(known, 'answers itself', [], { maxBodyBytes: 10 });
    const body = Buffer.alloc(2_000_000, 'a');
    const sent = await signedRequest(known, { headers: { 'content-type': 'text/plain' }, body });
    const wire = await openWire(service.port);
    await wire.write(onTheWire(sent));
    const answer = await wire.answer();
    expect([answer.status, JSON.parse(answer.text).error.type]).toEqual([413, 'BODY_TOO_LARGE']);
    await wire.write(onTheWire(withKey({}, ACME)));
    expect((await wire.answer()).status).toBe(200);
  });

  test.each([null, 'problem', {}])('onRefusal: %j is a mistake that is told at once', async (onRefusal) => {
    const { adapter } = await serve(new World(), 'answers itself', []);
    for (const make of [
      () => adapter.middleware({ onRefusal } as never),
      () => adapter.koa({ onRefusal } as never),
      () => fastifyXlink(adapter, { onRefusal } as never),
      () => honoMiddleware(adapter, { onRefusal } as never),
    ])
      expect(make).toThrow(expect.objectContaining({ id: 'INVALID_OPTION', field: 'onRefusal' }));
    expect(() => adapter.middleware({ onrefusal: () => {} } as never)).toThrow(/onRefusal/);
  });
});

describe.each(EXPRESSES)('$name', ({ express }) => {
  test.each([
    ['nothing', undefined],
    ['route', 'route'],
    ['router', 'router'],
  ])('a refusal cannot be waved through by next(%s)', async (_, given) => {
    const service = await new World().serve({
      express,
      mount({ app, adapter, handler }) {
        const refuse = adapter.middleware({ onRefusal: (_refusal, _req, _res, next) => next(given) });
        app.get('/orders', refuse, handler);
        app.use(handler);
        const onError: ErrorRequestHandler = (error, _req, res, _next) =>
          void res.status(error.status).end(error.code);
        app.use(onError);
      },
    });
    const { status, text } = await service.send({});
    expect([status, text, service.calls]).toEqual([401, 'CREDENTIALS_MISSING', []]);
  });
});
