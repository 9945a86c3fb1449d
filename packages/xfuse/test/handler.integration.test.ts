import { describe, expect, test } from '@jest/globals';
import express from 'express';
import Koa from 'koa';
import { bridgeHandler, type Xfuse } from '../src/index.js';
import { json, KEY, keyApi, listen, openBridge, textOf, xlinkApi } from './support.js';

type Framework = 'node:http' | 'Express' | 'Koa';

async function front(framework: Framework, bridge: Xfuse): Promise<string> {
  const handler = bridgeHandler(bridge, { authenticate: () => 'customer' });
  if (framework === 'node:http') return listen((request, response) => void handler(request, response));
  if (framework === 'Express') return listen(express().use(handler));
  const app = new Koa().use(async (ctx) => {
    ctx.respond = false;
    await handler(ctx.req, ctx.res);
  });
  return listen(app.callback());
}

describe('in front of both sides', () => {
  for (const framework of ['node:http', 'Express', 'Koa'] as const)
    test(framework, async () => {
      const legacy = await keyApi(async (request, response) => {
        response.setHeader('set-cookie', ['a=1', 'b=2']);
        json(response, { side: 'legacy', body: await textOf(request), url: request.url }, 201);
      });
      const modern = await xlinkApi((request, response) => {
        response.status(201).json({ side: 'modern', body: JSON.stringify(request.body), url: request.url });
      });
      const { bridge } = await openBridge({
        legacy: { endpoint: legacy.url },
        modern: { endpoint: modern.url, apiKey: KEY },
      });
      const url = await front(framework, bridge);
      const call = async () => {
        const headers = { 'x-api-key': KEY, 'content-type': 'application/json' };
        const answer = await fetch(`${url}/orders?x=1`, { method: 'POST', headers, body: '{"a":1}' });
        return {
          status: answer.status,
          cookies: answer.headers.getSetCookie(),
          ...((await answer.json()) as object),
        };
      };
      const same = { status: 201, body: '{"a":1}', url: '/orders?x=1' };
      expect(await call()).toEqual({ ...same, side: 'legacy', cookies: ['a=1', 'b=2'] });
      bridge.setTrafficRatio({ aci: 1 });
      expect(await call()).toEqual({ ...same, side: 'modern', cookies: [] });
    });

  test('a long upload streams to the legacy side, and a broken legacy side is a 502', async () => {
    const legacy = await keyApi(async (request, response) =>
      request.url === '/cut'
        ? request.socket.destroy()
        : json(response, { length: (await textOf(request)).length }),
    );
    const { bridge } = await openBridge({
      legacy: { endpoint: legacy.url, apiKey: KEY },
      modern: { endpoint: legacy.url, fetch },
      aci: 1,
    });
    const url = await front('node:http', bridge);
    const answer = await fetch(`${url}/upload`, { method: 'PUT', body: 'x'.repeat(3 * 2 ** 20) });
    expect(await answer.json()).toEqual({ length: 3 * 2 ** 20 });
    bridge.setTrafficRatio({ aci: 0 });
    const cut = await fetch(`${url}/cut`);
    expect([cut.status, await cut.json()]).toMatchObject([502, { code: 'LEGACY_FAILED' }]);
  });
});
