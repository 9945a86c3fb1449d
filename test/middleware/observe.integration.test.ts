import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { FRAMEWORKS } from '../support/express.js';
import {
  expectNoSecrets,
  json,
  KEY,
  ORDER,
  PREFLIGHT,
  type Service,
  signedRequest,
  withKey,
} from '../support/http.js';
import { having, isFor, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { BAD_HEADERS } from './bad-headers.js';
import { LIMITS } from './bad-requests.js';

import { isOf } from './modes-support.js';
import { bytesIn, jsonTextOf } from './support.js';

describe.each(STAGES)('$name', (stage) => {
  const { serve } = stage;

  describe('observe never changes an outcome', () => {
    /** What the handler gets from the adapter, with the credentials of this request left out of the comparison. */
    const essence = ({ calls }: Service) =>
      calls.map((call) => {
        const { method, url, headers, auth, message } = call;
        const kept: IncomingHttpHeaders = { ...headers };
        for (const name of ['authorization', 'xlink-envelope'] as const) delete kept[name];
        return { method, url, headers: kept, bytes: bytesIn(call).toString('hex'), auth, message };
      });

    test.each(BAD_HEADERS.filter(isFor(stage)))(
      '$name beside a good key: passes, and is counted',
      async ({ make, refusal }) => {
        const known = await World.withCaller();
        const options = { ...LIMITS, mode: 'observe' } as const;
        const service = await serve(known, options);
        const sent = withKey(await make(known));
        const { authorization: _, 'xlink-envelope': __, ...headers } = sent.headers!;

        const answer = await service.send(sent);
        await service.quiet();
        expect(answer.status).toBe(200);
        expect(service.validated).toEqual([KEY]);
        expect(service.events.filter(isOf('observed'))).toEqual([
          { type: 'observed', reason: refusal.slice(4) },
        ]);
        expect(service.adapter.getMetrics()).toMatchObject({
          apiKeyRequests: 1,
          xlinkRequests: 0,
          failedAuth: 0,
        });
        expectNoSecrets(service, JSON.stringify(answer));

        await service.send({ ...sent, headers });
        const [observed, plain] = essence(service);
        expect(observed).toEqual(plain);
      },
    );

    test('a good envelope beside a good key is counted too, and the key decides', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: 'observe' });
      await service.send(withKey(await signedRequest(known, json(ORDER))));
      expect(service.events.filter(isOf('observed'))).toEqual([
        { type: 'observed', reason: 'ok', version: 2 },
      ]);
      expect(service.calls).toMatchObject([{ auth: { mode: 'api-key' } }]);
      expect(jsonTextOf(service.calls[0]!)).toBe(JSON.stringify(ORDER));
      expect(service.calls[0]!.message).toBeUndefined();
    });

    test.each([false, true])(
      'an oversized body with a digest still streams into the handler (chunked: %j)',
      async (chunked) => {
        const known = await World.withCaller();
        const service = await serve(known, { mode: 'observe' });
        const body = Buffer.alloc(3 * 1024 * 1024, 'abcdefg');
        const answer = await service.send({ ...withKey(await signedRequest(known, { body })), chunked });
        expect(answer.status).toBe(200);
        expect(service.events.filter(isOf('observed'))).toEqual([
          { type: 'observed', reason: 'BODY_TOO_LARGE' },
        ]);
        expect(Buffer.compare(bytesIn(service.calls[0]!), body)).toBe(0);
      },
    );

    test('a wrong key beside a good envelope is refused as before', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: 'observe' });
      const sent = withKey(await signedRequest(known), 'wrong-key-of-somebody');
      await service.refused(sent, '401 API_KEY_INVALID');
    });
  });

  describe('getMetrics', () => {
    test('is all zeros before the first request', async () => {
      const known = await World.withCaller();
      const { adapter } = await serve(known);
      expect(adapter.getMetrics()).toEqual({
        totalRequests: 0,
        xlinkRequests: 0,
        signatureRequests: 0,
        apiKeyRequests: 0,
        xlinkPercentage: 0,
        failedAuth: 0,
        avgLatencyMs: { xlink: 0, apiKey: 0 },
      });
    });

    test("has exactly the papers' shape", async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      for (let i = 0; i < 2; i++) await service.send(withKey());
      await service.send(await signedRequest(known));
      await service.send({});
      await service.send(withKey({}, 'wrong-key-of-somebody'));
      await service.send(PREFLIGHT);
      await service.quiet();
      const metrics = service.adapter.getMetrics();
      expect(metrics).toEqual({
        totalRequests: 3,
        xlinkRequests: 1,
        signatureRequests: 0,
        apiKeyRequests: 2,
        xlinkPercentage: 33.3,
        failedAuth: 2,
        avgLatencyMs: { xlink: expect.any(Number), apiKey: expect.any(Number) },
      });
      const { xlink, apiKey } = metrics.avgLatencyMs;
      for (const mean of [xlink, apiKey]) expect(mean * 10).toBeCloseTo(Math.round(mean * 10), 9);
      expect(xlink).toBeGreaterThan(0);
    });

    having(stage, 'connections').test(
      'counts a key caller who was gone before the validator answered',
      async () => {
        const known = await World.withCaller();
        let answer = () => {};
        const asked = new Promise<void>((resolve) => {
          answer = resolve;
        });
        const service = await serve(known, {
          legacyKeyValidator: () => asked.then(() => ({ userId: 'u1' })),
        });
        const request = httpRequest({ port: service.port, host: '127.0.0.1', headers: { 'x-api-key': KEY } });
        request.on('error', () => {});
        const arrived = once(service.server, 'request');
        request.end();
        const [, response] = await arrived;
        const gone = once(response, 'close');
        request.destroy();
        await gone;
        answer();
        await service.until('request', 1);
        expect(service.adapter.getMetrics()).toMatchObject({
          totalRequests: 1,
          apiKeyRequests: 1,
          failedAuth: 0,
        });
      },
    );
  });
});

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  test('a body that a parser in front consumed is counted as that', async () => {
    const known = await World.withCaller();
    const service = await known.serve({
      express,
      mode: 'observe',
      mount({ app, adapter, handler }) {
        app.use(express.json({ type: '*/*' }), adapter.middleware(), handler);
      },
    });
    expect((await service.send(withKey(await signedRequest(known, json(ORDER))))).status).toBe(200);
    expect(service.events.filter(isOf('observed'))).toEqual([{ type: 'observed', reason: 'BODY_CONSUMED' }]);
    expect(service.calls[0]!.body).toEqual(ORDER);
  });
});
