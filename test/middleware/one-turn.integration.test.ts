// Requests that come in one turn of the event loop are decided one behind the other. None of them is to notice the others.
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect } from '@jest/globals';
import { onTheWire, openWire, sealedRequest } from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

const PATHS = Array.from({ length: 12 }, (_, nr) => `/orders?nr=${nr}`);

describe.each(STAGES)('$name', (stage) => {
  const { test } = having(stage, 'raw headers');

  test('each request keeps the context that middleware in front gave it', async () => {
    const known = await World.withCaller();
    const context = new AsyncLocalStorage<string>();
    let [arrived, arrivedFirst] = [0, 0];
    const service = await stage.serve(
      known,
      {},
      {
        async forward(_req: IncomingMessage, res: ServerResponse) {
          arrivedFirst ||= arrived;
          res.end(JSON.stringify(context.getStore()));
        },
      },
    );
    const listeners = service.server.listeners('request');
    service.server.removeAllListeners('request');
    service.server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      arrived += 1;
      context.run(req.url!, () => {
        for (const listener of listeners) listener.call(service.server, req, res);
      });
    });
    const sent = await Promise.all(PATHS.map((path) => sealedRequest(known, { path })));
    const wire = await openWire(service.port);
    await wire.write(Buffer.concat(sent.map(onTheWire))); // in one piece, so that Node reads all of them in one turn
    const seen: unknown[] = [];
    for (const _ of PATHS) seen.push(JSON.parse((await wire.answer()).text));
    expect(seen).toEqual(PATHS);
    expect(arrivedFirst).toBe(PATHS.length);
  });

  test('a turn that never comes holds up nobody else', async () => {
    const known = await World.withCaller();
    const service = await stage.serve(known);
    const { setImmediate: real } = globalThis;
    globalThis.setImmediate = (() => ({})) as unknown as typeof setImmediate; // as faked timers do
    const first = service.send(sealedRequest(known));
    try {
      await once(service.server, 'request');
    } finally {
      globalThis.setImmediate = real;
    }
    const second = service.send(sealedRequest(known));
    expect([(await second).status, (await first).status]).toEqual([200, 200]);
  });
});
