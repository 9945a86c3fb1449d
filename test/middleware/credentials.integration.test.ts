import { describe, expect, test } from '@jest/globals';
import { requestBinding } from '@private.me/xlink';
import {
  expectRefused,
  json,
  KEY,
  ORDER,
  onTheWire,
  openWire,
  PREFLIGHT,
  type RefusalText,
  type Sent,
  signedEnvelope,
  signedRequest,
  start,
  withKey,
} from '../support/http.js';
import { recorder } from '../support/service.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';

/** A request line and header lines, as they are. */
const head = (line: string, ...fields: string[]) => `${[line, 'host: test', ...fields].join('\r\n')}\r\n\r\n`;

describe.each(STAGES)('$name', (stage) => {
  const { serve } = stage;
  const withLines = having(stage, 'header lines');

  describe('OPTIONS', () => {
    test('a preflight passes without credentials, in every mode, and is not counted', async () => {
      const service = await serve(new World());
      for (const mode of ['observe', 'hybrid', 'deprecation', 'xlink-only'] as const) {
        service.adapter.setMode(mode);
        expect((await service.send(PREFLIGHT)).status).toBe(200);
      }
      await service.quiet();
      expect(service.calls.map(({ auth }) => auth)).toEqual(Array(4).fill(undefined));
      expect(service.of('request')).toEqual([]);
    });

    const { origin, ...method } = PREFLIGHT.headers!;
    const body = JSON.stringify(ORDER);
    const others: [string, Sent][] = [
      ['without a body', { method: 'OPTIONS' }],
      ['with a body', { method: 'OPTIONS', body }],
      ['with an Origin only', { method: 'OPTIONS', headers: { origin } }],
      ['with Access-Control-Request-Method only', { method: 'OPTIONS', headers: method }],
      [
        'like a preflight, but for another method by _method',
        { ...PREFLIGHT, path: '/orders?_method=DELETE' },
      ],
      [
        'like a preflight, but with an override',
        { ...PREFLIGHT, headers: { ...PREFLIGHT.headers, 'x-http-method-override': 'DELETE' } },
      ],
      ['like a preflight, but with a body', { ...PREFLIGHT, body }],
      ['like a preflight, but with a chunked body', { ...PREFLIGHT, body, chunked: true }],
    ];
    test.each(others)('[A10] %s is a request like any other', async (_, sent) => {
      const service = await serve(new World(), { mode: 'xlink-only' });
      await service.refused(sent, '401 CREDENTIALS_MISSING');
      service.adapter.setMode('hybrid');
      expect((await service.send(withKey(sent))).status).toBe(200);
    });

    test('an envelope speaks for one', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { mode: 'xlink-only' });
      expect((await service.send(await signedRequest(known, { method: 'OPTIONS' }))).status).toBe(200);
      expect(service.calls[0]).toMatchObject({ method: 'OPTIONS', auth: { mode: 'xlink' } });
    });
  });

  withLines.describe('[A11] several lines of a credential', () => {
    const good = `authorization: Bearer ${KEY}`;
    type Row = [name: string, refusal: RefusalText, lines: (envelope: string) => string[]];
    const rows: Row[] = [
      [
        'a good key, then a bad envelope',
        '400 CREDENTIALS_AMBIGUOUS',
        () => [good, 'authorization: Xlink bad'],
      ],
      [
        'a bad envelope, then a good key',
        '400 CREDENTIALS_AMBIGUOUS',
        () => ['authorization: Xlink bad', good],
      ],
      ['a good key twice', '400 CREDENTIALS_AMBIGUOUS', () => [good, good]],
      [
        'a good key, then another scheme',
        '400 CREDENTIALS_AMBIGUOUS',
        () => [good, 'Authorization: Basic YTpi'],
      ],
      [
        'a good envelope twice',
        '400 ENVELOPE_AMBIGUOUS',
        (one) => Array(2).fill(`authorization: Xlink ${one}`),
      ],
      [
        'one in each header',
        '400 ENVELOPE_AMBIGUOUS',
        (one) => [`authorization: Xlink ${one}`, `xlink-envelope: ${one}`],
      ],
      ['Xlink-Envelope twice', '400 ENVELOPE_AMBIGUOUS', (one) => Array(2).fill(`xlink-envelope: ${one}`)],
    ];
    test.each(rows)('%s', async (_, refusal, lines) => {
      const known = await World.withCaller();
      const service = await serve(known);
      const envelope = Buffer.from(JSON.stringify(await signedEnvelope(known))).toString('base64url');
      const wire = await openWire(service.port);
      await wire.write(head('GET /orders HTTP/1.1', ...lines(envelope)));
      await expectRefused(service, await wire.answer(), refusal);
      expect(service.validated).toEqual([]);
    });

    test('in observe mode, too, where no reader may find another key than the adapter', async () => {
      const service = await serve(new World(), { mode: 'observe' });
      const wire = await openWire(service.port);
      await wire.write(head('GET /orders HTTP/1.1', good, 'authorization: Bearer other'));
      await expectRefused(service, await wire.answer(), '400 CREDENTIALS_AMBIGUOUS');
    });
  });

  having(stage, 'framing').test('[A12] a chunked body beside Content-Length: 0 is a body', async () => {
    const known = await World.withCaller();
    const service = await serveInsecurely(known);
    const signedWithoutBody = await signedRequest(known, { method: 'POST' });
    const wire = await openWire(service.port);
    await wire.write(
      onTheWire({
        ...json({ item: 'gold' }),
        chunked: true,
        headers: { ...signedWithoutBody.headers, 'content-length': 0, 'content-type': 'application/json' },
      }),
    );
    await expectRefused(service, await wire.answer(), '400 CONTENT_DIGEST_MISSING');
  });

  having(stage, 'framing', 'two lengths').test('[A12] which an envelope speaks for', async () => {
    const known = await World.withCaller();
    const service = await serveInsecurely(known);
    const wire = await openWire(service.port);
    const { headers, ...sent } = await signedRequest(known, json(ORDER));
    await wire.write(onTheWire({ ...sent, chunked: true, headers: { ...headers, 'content-length': 0 } }));
    expect((await wire.answer()).status).toBe(200);
    expect(service.calls.map(({ stream }) => stream.toString())).toEqual([JSON.stringify(ORDER)]);
  });

  /** The same application on a server that takes what others refuse. */
  async function serveInsecurely(known: World) {
    const served = await serve(known);
    const [listener] = served.server.listeners('request').slice(-1);
    return start(served, listener as never, { insecureHTTPParser: true });
  }
});

describe('[A13] one target for everything', () => {
  const requestTarget = ({ target }: { target: string }) => target.replace(/^\/internal\/v2/, '/api');

  test.each(STAGES)(
    '$name: modes of routes, own routes, skip and publicPaths look at what the client saw',
    async ({ serve }) => {
      const known = await World.withCaller();
      const seen: string[] = [];
      const service = await serve(known, {
        requestTarget: (request) => requestTarget(request).replace('/api/.well-known', '/.well-known'),
        clients: known.clients,
        routeModes: [{ path: '/api/payments', mode: 'xlink-only' }],
        skip: ({ target }) => {
          seen.push(target);
          return target === '/api/health';
        },
      });
      await service.refused(withKey({ path: '/internal/v2/payments/7' }), '401 XLINK_REQUIRED');
      expect((await service.send({ path: '/internal/v2/health' })).status).toBe(200);
      const discovery = await service.send({ path: '/internal/v2/.well-known/xlink.json' });
      expect([discovery.status, JSON.parse(discovery.text).did]).toEqual([200, known.api.did]);
      const request = requestBinding('GET', '/api/orders?dry=1');
      const sent = await signedRequest(known, { path: '/internal/v2/orders?dry=1' }, { request });
      expect((await service.send(sent)).status).toBe(200);
      expect(seen).toEqual(expect.arrayContaining(['/api/payments/7', '/api/health', '/api/orders?dry=1']));
    },
  );

  test('it is asked for once', async () => {
    const known = await World.withCaller();
    let asked = 0;
    const parts = recorder(known.api, {
      requestTarget: ({ target }) => {
        asked += 1;
        return target;
      },
    });
    const service = await start(parts, (req, res) => {
      parts.adapter.middleware()(req, res, () => void res.end());
    });
    expect((await service.send(await signedRequest(known))).status).toBe(200);
    expect(asked).toBe(1);
  });
});
