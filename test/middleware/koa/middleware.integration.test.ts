import { describe, expect, test } from '@jest/globals';
import { ANSWER_TYPE, authOf, type Mode, type XlinkAuth } from '@private.me/xlink';
import { koaMiddleware } from '@private.me/xlink/koa';
import { KEY_PATH } from '../../../src/http/own-routes.js';
import { openedAnswer } from '../../support/answers.js';
import {
  bodyForm,
  json,
  ORDER,
  PREFLIGHT,
  type RefusalText,
  type Sent,
  sealedRequest,
  signedRequest,
  withKey,
} from '../../support/http.js';
import { KOAS } from '../../support/koa.js';
import { World, type WorldWithCaller } from '../../support/world.js';
import { counted, serveKnown } from './support.js';

describe.each(KOAS)('$name', ({ Koa }) => {
  describe('what a mode takes', () => {
    type Make = (known: WorldWithCaller) => Promise<Sent> | Sent;
    const requests: [string, Make][] = [
      ['nothing', () => ({})],
      ['a key', () => withKey()],
      ['a wrong key', () => withKey({}, 'some-wrong-key')],
      ['a signed request', (known) => signedRequest(known)],
      ['a sealed request', (known) => sealedRequest(known)],
      [
        'a bad envelope and a key',
        async (known) => withKey({ ...(await signedRequest(known)), path: '/other' }),
      ],
    ];
    const MISSING = '401 CREDENTIALS_MISSING';
    const WRONG = '401 API_KEY_INVALID';
    const BOUND_ELSEWHERE = '401 REQUEST_BINDING_MISMATCH';
    const table: [Mode, ('api-key' | 'xlink' | RefusalText)[]][] = [
      [
        'observe',
        [MISSING, 'api-key', WRONG, '415 XLINK_NOT_SUPPORTED', '415 XLINK_NOT_SUPPORTED', 'api-key'],
      ],
      ['hybrid', [MISSING, 'api-key', WRONG, 'xlink', 'xlink', BOUND_ELSEWHERE]],
      ['deprecation', [MISSING, 'api-key', WRONG, 'xlink', 'xlink', BOUND_ELSEWHERE]],
      [
        'xlink-only',
        [MISSING, '401 XLINK_REQUIRED', '401 XLINK_REQUIRED', 'xlink', 'xlink', BOUND_ELSEWHERE],
      ],
    ];
    const rows = table.flatMap(([mode, outcomes]) =>
      requests.map(([name, make], at) => ({ mode, name, make, outcome: outcomes[at]! })),
    );

    test.each(rows)('$mode: $name is $outcome', async ({ mode, make, outcome }) => {
      const { known, service } = await serveKnown({ Koa, mode });
      const sent = await make(known);
      if (outcome !== 'api-key' && outcome !== 'xlink') {
        await service.refused(sent, outcome);
        expect(counted(service)).toEqual([`refused ${outcome.slice(4)} ${outcome.slice(0, 3)} unmatched`]);
        return;
      }
      expect((await service.send(sent)).status).toBe(200);
      await service.quiet();
      expect(service.calls).toMatchObject([{ auth: { mode: outcome }, authOf: { mode: outcome } }]);
      expect(counted(service)).toEqual(['accepted ok 200 unmatched']);
    });

    test('changes with setMode for the next request', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      expect((await service.send(withKey())).status).toBe(200);
      service.adapter.setMode('xlink-only');
      await service.refused(withKey(), '401 XLINK_REQUIRED');
      service.adapter.setMode('hybrid');
      expect((await service.send(withKey())).status).toBe(200);
    });
  });

  describe('what a handler finds', () => {
    test('of a key: what the validator returned', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      await service.send(withKey(json(ORDER)));
      const auth = { mode: 'api-key', userId: 'u1' };
      expect(service.calls).toEqual([expect.objectContaining({ auth, authOf: auth, message: undefined })]);
      expect(service.calls[0]!.stream.toString()).toBe(JSON.stringify(ORDER));
    });

    test.each([1, 2, 3] as const)('of a sealed body of version %d', async (version) => {
      const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: version });
      const service = await known.serveKoa({ Koa });
      expect((await service.send(await sealedRequest(known, {}, { scope: 'orders:write' }))).status).toBe(
        200,
      );
      const [call] = service.calls;
      const identity = { scope: 'orders:write', version, encrypted: true };
      expect(call).toMatchObject({
        headers: { 'content-type': 'application/json', 'content-length': `${JSON.stringify(ORDER).length}` },
        body: ORDER,
        auth: { mode: 'xlink', did: known.caller.did, ...identity },
        message: { sender: known.caller.did, payload: ORDER, request: 'POST /orders', ...identity },
      });
      expect(call!.auth).toEqual(call!.authOf);
      expect(call!.message!.envelopeId).toBe((call!.auth as XlinkAuth).envelopeId);
      expect(call!.stream.toString()).toBe(JSON.stringify(ORDER));
    });

    test.each([1, 2, 3] as const)('of an envelope of version %d in a header', async (version) => {
      const known = await World.withCaller({ maxVersion: 3 }, { maxVersion: version });
      const service = await known.serveKoa({ Koa });
      const sent = await signedRequest(known, { method: 'DELETE', path: '/orders/7?really=1' });
      expect((await service.send(sent)).status).toBe(200);
      expect(service.calls).toMatchObject([
        {
          url: '/orders/7?really=1',
          body: undefined,
          auth: { mode: 'xlink', did: known.caller.did, version, encrypted: false },
        },
      ]);
    });

    test('by authOf, whether asked with the context or with the request of Node', async () => {
      const known = await World.withCaller();
      const found: unknown[] = [];
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter }) {
          app.use(koaMiddleware(adapter));
          app.use((ctx) => {
            found.push(authOf(ctx), authOf(ctx.req), authOf(ctx.request));
            ctx.status = 204;
          });
        },
      });
      await service.send(await signedRequest(known));
      expect(found[0]).toMatchObject({ mode: 'xlink', did: known.caller.did });
      expect(found).toEqual([found[0], found[0], undefined]);
    });
  });

  describe('a refusal', () => {
    test.each([
      ['observe', 'ApiKey realm="shop"'],
      ['hybrid', 'Xlink realm="shop", error="CREDENTIALS_MISSING", ApiKey realm="shop"'],
      ['xlink-only', 'Xlink realm="shop", error="CREDENTIALS_MISSING"'],
    ] as const)('in %s names the schemes that are taken', async (mode, challenge) => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa, mode, realm: 'shop' });
      const answer = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(answer.headers['www-authenticate']).toBe(challenge);
    });

    test('of a HEAD has all but the body', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({ Koa });
      const answer = await service.send({ method: 'HEAD' });
      expect(answer).toMatchObject({
        status: 401,
        text: '',
        headers: { 'content-type': 'application/problem+json', 'www-authenticate': expect.any(String) },
      });
    });

    test('is seen by middleware in front like any other answer', async () => {
      const known = await World.withCaller();
      const seen: unknown[] = [];
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter, handler }) {
          app.use(async (ctx, next) => {
            ctx.set('Link', '</terms>; rel="terms-of-service"');
            await next();
            seen.push(ctx.status, ctx.type, JSON.parse(ctx.body as string).code);
          });
          app.use(adapter.koa()).use(handler);
        },
        mode: 'xlink-only',
        deprecation: { migrationUrl: 'https://shop.example/move' },
      });
      const answer = await service.refused(withKey(), '401 XLINK_REQUIRED');
      expect(seen).toEqual([401, 'application/problem+json', 'XLINK_REQUIRED']);
      expect(answer.headers).toMatchObject({
        'x-migration-url': 'https://shop.example/move',
        link: '</terms>; rel="terms-of-service", <https://shop.example/move>; rel="deprecation"; type="text/html"',
      });
    });

    test('is counted even if the answer was sent before by somebody else', async () => {
      const known = await World.withCaller();
      const service = await known.serveKoa({
        Koa,
        mount({ app, adapter, handler }) {
          app.use(async (ctx, next) => {
            ctx.respond = false;
            ctx.res.writeHead(503).flushHeaders();
            await next();
            ctx.res.end();
          });
          app.use(adapter.koa()).use(handler);
        },
      });
      expect((await service.send({})).status).toBe(503);
      await service.quiet();
      expect(counted(service)).toEqual(['refused CREDENTIALS_MISSING 503 unmatched']);
      expect(service.calls).toEqual([]);
    });
  });

  test('a preflight passes, unauthenticated and uncounted', async () => {
    const known = await World.withCaller();
    const service = await known.serveKoa({ Koa, mode: 'xlink-only' });
    expect((await service.send(PREFLIGHT)).status).toBe(200);
    await service.quiet();
    expect(service.calls).toMatchObject([{ auth: undefined, authOf: undefined }]);
    expect(counted(service)).toEqual([]);
  });

  test('one envelope sent fifty times at once is accepted once', async () => {
    const { known, service } = await serveKnown({ Koa });
    const sent = await sealedRequest(known);
    const answers = await Promise.all(Array.from({ length: 50 }, () => service.send(sent)));
    await service.quiet();
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(49).fill(409)]);
    expect(service.calls).toHaveLength(1);
    expect(counted(service)).toHaveLength(50);
    expect(service.adapter.getMetrics()).toMatchObject({ xlinkRequests: 1, failedAuth: 49 });
  });

  test('the routes of the adapter itself are answered', async () => {
    const known = await World.withCaller();
    const { api } = known;
    const service = await known.serveKoa({ Koa });
    const answer = await service.send({ path: '/.well-known/xlink.json' });
    expect([answer.status, JSON.parse(answer.text).did]).toEqual([200, api.did]);
    expect(answer.headers['content-type']).toBe('application/json');
    expect((await service.send({ method: 'DELETE', path: KEY_PATH })).status).toBe(401);
    expect(service.calls).toEqual([]);
  });

  test('an answer is sealed for a caller that asks for it', async () => {
    const { known, service } = await serveKnown({ Koa });
    const headers = { accept: ANSWER_TYPE };
    const answer = await service.send(await sealedRequest(known, { headers }));
    expect([answer.status, answer.headers['content-type']]).toEqual([200, ANSWER_TYPE]);
    const { envelopeId: inReplyTo, request } = service.calls[0]!.message!;
    expect(await openedAnswer(known.caller, answer.bytes, { inReplyTo, request: request! })).toMatchObject({
      message: { sender: known.api.did },
      status: 200,
      contentType: 'application/json; charset=utf-8',
      text: '{"ok":true}',
    });
  });

  test('a body that is no envelope is refused', async () => {
    const known = await World.withCaller();
    const service = await known.serveKoa({ Koa });
    await service.refused(withKey(bodyForm('item=tea')), '400 PARSE_FAILED:SYNTAX');
    expect(service.validated).toEqual([]);
  });
});
