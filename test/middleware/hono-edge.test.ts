import { describe, expect, test } from '@jest/globals';
import { honoMiddleware } from '@private.me/xlink/hono';
import { Hono } from 'hono';
import { KEY } from '../support/keys.js';
import { recorder } from '../support/service.js';
import { World } from '../support/world.js';

// Hono where there is the Fetch standard and nothing else: no server of Node's below.

async function edge() {
  const parts = recorder(await new World().agent('api'));
  const app = new Hono();
  app.use(honoMiddleware(parts.adapter) as never);
  app.get('/events', () => {
    const source = { pull: (to: ReadableStreamDefaultController) => to.enqueue(Buffer.from('data: 1\n\n')) };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }));
  });
  app.get('/none', (c) => c.body(null, 204));
  app.get('/throws', () => {
    throw Object.assign(new Error('handler'), { status: 502 });
  });
  app.get('*', (c) => c.text('ok'));
  const told = () =>
    parts.events.flatMap((event) =>
      event.type === 'request' ? [`${event.status}${event.aborted ? ' aborted' : ''}`] : [event.type],
    );
  const ask = async (path: string, method = 'GET') =>
    app.request(path, { method, headers: { 'x-api-key': KEY } });
  return { ...parts, ask, told };
}

describe('without Node', () => {
  test('[C6] a stream counts as open until it is given up', async () => {
    const { adapter, ask, told } = await edge();
    const reader = (await ask('/events')).body!.getReader();
    await reader.read();
    expect(adapter.getMetrics()).toMatchObject({ apiKeyRequests: 1 });
    expect(told()).toEqual(['mode', 'open']);
    await reader.cancel();
    expect(told()).toEqual(['mode', 'open', '200 aborted']);
  });

  test('a body is over when it was read, and what has none at once', async () => {
    const { ask, told } = await edge();
    const answer = await ask('/');
    expect(told()).toEqual(['mode']);
    expect(await answer.text()).toBe('ok');
    await ask('/none');
    await ask('/', 'HEAD');
    expect(told()).toEqual(['mode', '200', '204', '200']);
  });
});
