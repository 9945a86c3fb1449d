import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Module,
  Post,
  Req,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Agent, authOf, MemoryClientStore, requireScope, xlinkFetch } from '@private.me/xlink';
import { afterTest } from '../support/after-test.js';
import { ACME, BOLT, recorder, WRONG } from '../support/http.js';

// As docs/frameworks.md has it: global prefix, Nest's own parsers and error answers, a guard of the library and one of the API's own.

const scope = (name: string): CanActivate => {
  const guard = requireScope(name);
  return {
    canActivate(context: ExecutionContext) {
      const http = context.switchToHttp();
      const response = http.getResponse();
      return new Promise<boolean>((resolve, reject) => {
        response.once('close', () => resolve(false)); // it has answered
        guard(http.getRequest(), response, (error) => (error ? reject(error) : resolve(true)));
      });
    },
  };
};

/** A guard of the API's own, which asks who it is. */
const onlyXlink: CanActivate = {
  canActivate: (context) => authOf(context.switchToHttp().getRequest())?.mode === 'xlink',
};

class Orders {
  list(request: object) {
    return { who: authOf(request)?.mode };
  }
  create(body: object) {
    return { got: body };
  }
  audit() {
    return { secret: 1 };
  }
}
class Api {}

/** Decorators by hand: the transform of the tests knows none. */
function decorate(): void {
  const { prototype } = Orders;
  const on = (name: keyof Orders, ...decorators: MethodDecorator[]) => {
    for (const one of decorators) one(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!);
  };
  on('list', Get());
  Req()(prototype, 'list', 0);
  on('create', Post(), UseGuards(scope('orders:write')));
  Body()(prototype, 'create', 0);
  on('audit', Get('audit'), UseGuards(onlyXlink));
  Controller('orders')(Orders);
  Module({ controllers: [Orders] })(Api);
}
decorate();

async function serve() {
  const parts = recorder(await Agent.quickstart({ name: 'api' }), {
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) =>
      ({ [ACME]: { clientId: 'acme', scopes: ['orders:write'] }, [BOLT]: { clientId: 'bolt', scopes: [] } })[
        key
      ] ?? null,
  });
  const app = await NestFactory.create(Api, { logger: false });
  app.use(parts.adapter.middleware());
  app.setGlobalPrefix('v1');
  await app.listen(0, '127.0.0.1');
  afterTest(() => app.close());
  const url = await app.getUrl();
  const byKey = (key: string, path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { ...init.headers, 'x-api-key': key } });
  return { ...parts, url, byKey };
}

const POSTED = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"item":"tea"}' };

test('NestJS with a global prefix: handlers see the same by key and by xLink', async () => {
  const { url, byKey, events } = await serve();
  const xlink = xlinkFetch({
    baseUrl: url,
    apiKey: ACME,
    unsafeAllowHttp: true,
    unsafeAllowPrivateAddresses: true,
  });
  expect(await (await byKey(ACME, '/v1/orders')).json()).toEqual({ who: 'api-key' });
  expect(await (await xlink('/v1/orders')).json()).toEqual({ who: 'xlink' });
  for (const call of [
    (init: RequestInit) => byKey(ACME, '/v1/orders', init),
    (init: RequestInit) => xlink('/v1/orders', init),
  ]) {
    const answer = await call(POSTED);
    expect([answer.status, await answer.json()]).toEqual([201, { got: { item: 'tea' } }]);
  }
  expect((await fetch(`${url}/.well-known/xlink.json`)).status).toBe(200);
  expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
});

test('NestJS: guards of the library and of the API refuse', async () => {
  const { url, byKey, events, signals } = await serve();
  expect((await fetch(`${url}/v1/orders`)).status).toBe(401);
  expect((await byKey(WRONG, '/v1/orders')).status).toBe(401);
  const denied = await byKey(BOLT, '/v1/orders', POSTED);
  expect([denied.status, ((await denied.json()) as { code: string }).code]).toEqual([403, 'SCOPE_DENIED']);
  expect(denied.headers.get('www-authenticate')).toContain('scope="orders:write"');
  const forbidden = await byKey(ACME, '/v1/orders/audit');
  expect([forbidden.status, await forbidden.json()]).toMatchObject([403, { message: 'Forbidden resource' }]);
  expect((await byKey(ACME, '/v1/missing')).status).toBe(404);
  const requests = () => events.flatMap((event) => (event.type === 'request' ? [event] : []));
  while (requests().length < 5) await new Promise((resolve) => signals.once('event', resolve));
  expect(requests().map(({ reason, status }) => `${reason} ${status}`)).toEqual([
    'CREDENTIALS_MISSING 401',
    'API_KEY_INVALID 401',
    'SCOPE_DENIED 403',
    'ok 403',
    'ok 404',
  ]);
});
