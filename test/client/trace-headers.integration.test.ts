import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { expect, test } from '@jest/globals';
import { Agent, DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import express from 'express';
import { listen } from '../support/http.js';

const PARENT = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

async function serve() {
  const seen: Record<string, unknown>[] = [];
  const adapter = new DualModeAdapter({
    agent: await Agent.quickstart(),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    legacyKeyValidator: () => ({ clientId: 'acme' }),
  });
  const app = express();
  app.use(adapter.middleware());
  app.use((req, res) => {
    const { traceparent, tracestate, baggage } = req.headers;
    seen.push({ method: Reflect.get(req, 'auth')?.mode, traceparent, tracestate, baggage });
    res.json({ ok: true });
  });
  const { port } = await listen(createServer(app));
  const call = xlinkFetch({
    apiKey: 'k',
    baseUrl: `http://127.0.0.1:${port}`,
    unsafeAllowHttp: true,
    unsafeAllowPrivateAddresses: true,
  });
  return { seen, call };
}

test('xlinkFetch sends the trace headers of the caller on, sealed or signed', async () => {
  const { seen, call } = await serve();
  const headers = { traceparent: PARENT, tracestate: 'a=b', baggage: 'c=d' };
  await call('/orders', { headers });
  await call('/orders', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(seen).toEqual([
    { method: 'xlink', ...headers },
    { method: 'xlink', ...headers },
  ]);
});

test('and those that instrumentation of fetch adds underneath', async () => {
  const { seen, call } = await serve();
  const onCreate = (message: unknown) =>
    (message as { request: { addHeader(name: string, value: string): void } }).request.addHeader(
      'traceparent',
      PARENT,
    );
  subscribe('undici:request:create', onCreate);
  try {
    await call('/orders');
  } finally {
    unsubscribe('undici:request:create', onCreate);
  }
  expect(seen).toEqual([{ method: 'xlink', traceparent: PARENT, tracestate: undefined, baggage: undefined }]);
});
