import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  type DeprecationOptions,
  isXlinkError,
  type Mode,
  type RequestEvent,
  type XlinkEvent,
} from '@private.me/xlink';
import { FRAMEWORKS, type Mounted } from '../support/express.js';
import {
  type Answer,
  expectNoSecrets,
  json,
  KEY,
  ORDER,
  type RefusalText,
  type Sent,
  type Service,
  sealedRequest,
  signedRequest,
  withKey,
} from '../support/http.js';
import { thrownBy } from '../support/results.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { BAD_HEADERS, LIMITS } from './bad-requests.js';

const MIGRATION_URL = 'https://api.example.com/migrate';
const LINK = `<${MIGRATION_URL}>; rel="deprecation"; type="text/html"`;
const DEPRECATION: DeprecationOptions = {
  since: new Date('2025-01-01T00:00:00Z'),
  sunset: new Date('2025-06-30T12:00:00Z'),
  migrationUrl: MIGRATION_URL,
};

const MODES: Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];

const otherPath = async (sent: Promise<Sent>): Promise<Sent> => ({ ...(await sent), path: '/refunds' });

const REQUESTS = {
  'a key': async () => withKey(json(ORDER)),
  'a wrong key': async () => withKey(json(ORDER), 'wrong-key-of-somebody'),
  'a sealed body': (known: WorldWithCaller) => sealedRequest(known),
  'an envelope in a header': (known: WorldWithCaller) => signedRequest(known, json(ORDER)),
  'a bad sealed body and a key': async (known: WorldWithCaller) =>
    withKey(await otherPath(sealedRequest(known))),
  'a good sealed body and a key': async (known: WorldWithCaller) => withKey(await sealedRequest(known)),
  'a bad envelope in a header and a key': async (known: WorldWithCaller) =>
    withKey(await otherPath(signedRequest(known, json(ORDER)))),
  'a good envelope in a header and a key': async (known: WorldWithCaller) =>
    withKey(await signedRequest(known, json(ORDER))),
  nothing: async () => json(ORDER),
  OPTIONS: async () => ({ method: 'OPTIONS' }),
};

type Outcome = 'by key' | 'by envelope' | 'through' | RefusalText;

const TABLE: Record<keyof typeof REQUESTS, Record<Mode, Outcome>> = {
  'a key': {
    observe: 'by key',
    hybrid: 'by key',
    deprecation: 'by key',
    'xlink-only': '401 XLINK_REQUIRED',
  },
  'a wrong key': {
    observe: '401 API_KEY_INVALID',
    hybrid: '401 API_KEY_INVALID',
    deprecation: '401 API_KEY_INVALID',
    'xlink-only': '401 XLINK_REQUIRED',
  },
  'a sealed body': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'an envelope in a header': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'a bad sealed body and a key': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: '401 REQUEST_BINDING_MISMATCH',
    deprecation: '401 REQUEST_BINDING_MISMATCH',
    'xlink-only': '401 REQUEST_BINDING_MISMATCH',
  },
  'a good sealed body and a key': {
    observe: '415 XLINK_NOT_SUPPORTED',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  'a bad envelope in a header and a key': {
    observe: 'by key',
    hybrid: '401 REQUEST_BINDING_MISMATCH',
    deprecation: '401 REQUEST_BINDING_MISMATCH',
    'xlink-only': '401 REQUEST_BINDING_MISMATCH',
  },
  'a good envelope in a header and a key': {
    observe: 'by key',
    hybrid: 'by envelope',
    deprecation: 'by envelope',
    'xlink-only': 'by envelope',
  },
  nothing: {
    observe: '401 CREDENTIALS_MISSING',
    hybrid: '401 CREDENTIALS_MISSING',
    deprecation: '401 CREDENTIALS_MISSING',
    'xlink-only': '401 CREDENTIALS_MISSING',
  },
  OPTIONS: { observe: 'through', hybrid: 'through', deprecation: 'through', 'xlink-only': 'through' },
};

const ROWS = MODES.flatMap((mode) =>
  Object.entries(TABLE).map(([name, outcomes]) => ({
    mode,
    name: name as keyof typeof REQUESTS,
    outcome: outcomes[mode],
  })),
);

/** The headers that say how keys are going out of use. */
const WARNINGS = [
  'x-deprecated-auth',
  'x-migration-url',
  'deprecation',
  'sunset',
  'link',
  'access-control-expose-headers',
] as const;
const warningsOf = ({ headers }: Answer) =>
  Object.fromEntries(WARNINGS.filter((name) => headers[name]).map((name) => [name, headers[name]]));

const isOf =
  <T extends XlinkEvent['type']>(type: T) =>
  (event: XlinkEvent): event is Extract<XlinkEvent, { type: T }> =>
    event.type === type;
const requestsOf = ({ events }: Service): RequestEvent[] => events.filter(isOf('request'));

/** What this mode names in a 401. */
const challengeOf = (mode: Mode, id: string): string => {
  const [xlink, key] = [`Xlink realm="api", error="${id}"`, 'ApiKey realm="api"'];
  return mode === 'observe' ? key : mode === 'xlink-only' ? xlink : `${xlink}, ${key}`;
};

describe.each(FRAMEWORKS)('$name', ({ express }) => {
  describe('what a mode makes of a request', () => {
    test.each(ROWS)('$mode: $name -> $outcome', async ({ mode, name, outcome }) => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mode, deprecation: DEPRECATION });
      const sent = await REQUESTS[name](known);

      if (outcome.includes(' ') && !outcome.startsWith('by')) {
        const answer = await service.refused(sent, outcome as RefusalText);
        const id = outcome.slice(4);
        const challenge = outcome.startsWith('401') ? challengeOf(mode, id) : undefined;
        expect(answer.headers['www-authenticate']).toBe(challenge);
        expect(warningsOf(answer)).toEqual(
          id === 'XLINK_REQUIRED'
            ? {
                'x-migration-url': MIGRATION_URL,
                link: LINK,
                'access-control-expose-headers': 'Link, X-Deprecated-Auth, X-Migration-Url',
              }
            : {},
        );
        expect(requestsOf(service)).toMatchObject([
          { mode, outcome: 'refused', reason: id, status: Number(outcome.slice(0, 3)) },
        ]);
        expect(service.validated).toHaveLength(id === 'API_KEY_INVALID' ? 1 : 0);
        return;
      }
      const answer = await service.send(sent);
      await service.quiet();
      expect(answer.status).toBe(200);
      expect(service.calls).toHaveLength(1);
      const { auth, authOf } = service.calls[0]!;
      expect(authOf).toEqual(auth);
      if (outcome === 'through') {
        expect(auth).toBeUndefined();
        expect(requestsOf(service)).toEqual([]);
      } else if (outcome === 'by key') {
        expect(auth).toEqual({ mode: 'api-key', userId: 'u1' });
        expect(service.validated).toEqual([KEY]);
        expect(requestsOf(service)).toMatchObject([
          { mode, method: 'api-key', outcome: 'accepted', reason: 'ok', status: 200 },
        ]);
      } else {
        expect(auth).toMatchObject({ mode: 'xlink', did: known.caller.did });
        expect(service.validated).toEqual([]);
        expect(requestsOf(service)).toMatchObject([
          { mode, method: 'xlink', outcome: 'accepted', reason: 'ok', status: 200, version: 2 },
        ]);
      }
      const warned = mode === 'deprecation' && outcome === 'by key';
      expect(Object.keys(warningsOf(answer))).toEqual(warned ? [...WARNINGS] : []);
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expectNoSecrets(service);
    });

    test('the default mode is observe', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mode: undefined as never });
      expect(service.adapter.mode).toBe('observe');
      expect((await service.send(withKey())).status).toBe(200);
    });

    test('the realm is that of the options', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, realm: 'orders v2' });
      const { headers } = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(headers['www-authenticate']).toBe(
        'Xlink realm="orders v2", error="CREDENTIALS_MISSING", ApiKey realm="orders v2"',
      );
    });

    test('hint and field are told only where exposeDetails says so', async () => {
      for (const exposeDetails of [true, false]) {
        const known = await World.withCaller();
        const service = await known.serve({ express, exposeDetails });
        const sent = await otherPath(signedRequest(known));
        const answer = await service.refused(sent, '401 REQUEST_BINDING_MISMATCH');
        const members = ['type', 'title', 'status', 'code', 'authMethod'];
        expect(Object.keys(JSON.parse(answer.text))).toEqual(
          exposeDetails ? [...members, 'detail', 'field'] : members,
        );
      }
    });

    test('requests that skip names reach the handler without credentials, and are not counted', async () => {
      const known = await World.withCaller();
      const skip = ({ target }: { target: string }) => target === '/health';
      const service = await known.serve({ express, skip, mode: 'xlink-only' });
      expect((await service.send({ path: '/health' })).status).toBe(200);
      await service.refused({ path: '/health/' }, '401 CREDENTIALS_MISSING');
      expect(requestsOf(service)).toHaveLength(1);
    });

    test('a skip that throws refuses the request and tells the server', async () => {
      const known = await World.withCaller();
      const cause = new Error('no such table');
      const skip = () => {
        throw cause;
      };
      const service = await known.serve({ express, skip });
      await service.refused(withKey(), '500 INTERNAL');
      expect(service.events.filter(isOf('fault'))).toMatchObject([{ error: { id: 'INTERNAL', cause } }]);
    });
  });

  describe('deprecation', () => {
    const behind = (headers: Record<string, string | string[]>) => (parts: Mounted) => {
      parts.app.use((_req, res, next) => {
        for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
        next();
      });
      parts.app.use(parts.adapter.middleware(), parts.handler);
    };

    test('warns a key caller in every form there is, and keeps headers that are there', async () => {
      const known = await World.withCaller();
      const service = await known.serve({
        express,
        mode: 'deprecation',
        deprecation: DEPRECATION,
        mount: behind({ Link: '</next>; rel="next"', 'Access-Control-Expose-Headers': 'ETag' }),
      });
      expect(warningsOf(await service.send(withKey()))).toEqual({
        'x-deprecated-auth': 'true',
        'x-migration-url': MIGRATION_URL,
        deprecation: '@1735689600',
        sunset: 'Mon, 30 Jun 2025 12:00:00 GMT',
        link: `</next>; rel="next", ${LINK}`,
        'access-control-expose-headers':
          'ETag, Deprecation, Sunset, Link, X-Deprecated-Auth, X-Migration-Url',
      });
    });

    test('keeps several Link headers', async () => {
      const known = await World.withCaller();
      const service = await known.serve({
        express,
        mode: 'deprecation',
        deprecation: DEPRECATION,
        mount: behind({ Link: ['</a>; rel="prev"', '</b>; rel="next"'] }),
      });
      const { headers } = await service.send(withKey());
      expect(String(headers.link).split(/, ?(?=<)/)).toEqual(['</a>; rel="prev"', '</b>; rel="next"', LINK]);
    });

    test('keeps a challenge that is there', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mount: behind({ 'WWW-Authenticate': 'Negotiate' }) });
      const { headers } = await service.refused({}, '401 CREDENTIALS_MISSING');
      expect(headers['www-authenticate']).toBe(`Negotiate, ${challengeOf('hybrid', 'CREDENTIALS_MISSING')}`);
    });

    test('says since when the mode is on where no date is given, and nothing else', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      const before = Math.floor(Date.now() / 1000);
      service.adapter.setMode('deprecation');
      const warnings = warningsOf(await service.send(withKey()));
      expect(Object.keys(warnings)).toEqual([
        'x-deprecated-auth',
        'deprecation',
        'access-control-expose-headers',
      ]);
      const since = Number(String(warnings.deprecation).slice(1));
      expect(since).toBeGreaterThanOrEqual(before);
      expect(since).toBeLessThanOrEqual(Date.now() / 1000);
    });

    test('does not warn callers who came with an envelope, nor those who are refused', async () => {
      const known = await World.withCaller();
      const options = { mode: 'deprecation', deprecation: DEPRECATION } as const;
      const service = await known.serve({ express, ...options });
      expect(warningsOf(await service.send(await signedRequest(known)))).toEqual({});
      const refused = await service.refused(withKey({}, 'wrong-key-of-somebody'), '401 API_KEY_INVALID');
      expect(warningsOf(refused)).toEqual({});
    });

    test('xlink-only refuses without a link where there is none to give', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mode: 'xlink-only' });
      expect(warningsOf(await service.refused(withKey(), '401 XLINK_REQUIRED'))).toEqual({});
    });
  });

  describe('setMode', () => {
    test('counts for the next request, never for one under way, and can be taken back', async () => {
      const known = await World.withCaller();
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      let waiting = 0;
      let allWait = () => {};
      const tenWait = new Promise<void>((resolve) => {
        allWait = resolve;
      });
      const service = await known.serve({
        express,
        async legacyKeyValidator() {
          if (++waiting === 10) allWait();
          await gate;
          return { userId: 'u1' };
        },
      });
      const ten = () => Promise.all(Array.from({ length: 10 }, () => service.send(withKey())));
      const statuses = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))];

      const underWay = ten();
      await tenWait;
      service.adapter.setMode('xlink-only', 'rehearsal');
      expect(statuses(await ten())).toEqual([401]);
      expect(service.calls).toEqual([]);
      service.adapter.setMode('hybrid', 'rolled back');
      const after = ten();
      release();
      expect(statuses(await underWay)).toEqual([200]);
      expect(statuses(await after)).toEqual([200]);
      await service.quiet();

      const tally: Record<string, number> = {};
      for (const { mode, outcome, reason } of requestsOf(service))
        tally[`${mode} ${outcome} ${reason}`] = (tally[`${mode} ${outcome} ${reason}`] ?? 0) + 1;
      expect(tally).toEqual({ 'hybrid accepted ok': 20, 'xlink-only refused XLINK_REQUIRED': 10 });
      expect(service.events.filter(isOf('mode'))).toEqual([
        { type: 'mode', to: 'hybrid' },
        { type: 'mode', from: 'hybrid', to: 'xlink-only', reason: 'rehearsal' },
        { type: 'mode', from: 'xlink-only', to: 'hybrid', reason: 'rolled back' },
      ]);
    });

    test('under constant traffic every request has the outcome of one mode or the other', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      const traffic = Array.from({ length: 120 }, async (_, i) => {
        if (i % 20 === 10) service.adapter.setMode(i % 40 === 10 ? 'xlink-only' : 'hybrid');
        return service.send(i % 2 ? withKey() : await signedRequest(known));
      });
      const answers = await Promise.all(traffic);
      await service.quiet();
      answers.forEach(({ status }, i) => {
        expect(i % 2 ? [200, 401] : [200]).toContain(status);
      });
      const allowed = [
        'hybrid api-key ok',
        'hybrid xlink ok',
        'xlink-only xlink ok',
        'xlink-only api-key XLINK_REQUIRED',
      ];
      for (const { mode, method, reason } of requestsOf(service))
        expect(allowed).toContain(`${mode} ${method} ${reason}`);
      expect(requestsOf(service)).toHaveLength(120);
    });

    test('to the mode it is in does nothing', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      service.adapter.setMode('hybrid');
      expect(service.events).toEqual([{ type: 'mode', to: 'hybrid' }]);
    });

    test.each(['', 'HYBRID', 'off', undefined, null, 1, 'toString'])(
      'refuses %j and stays where it is',
      async (mode) => {
        const known = await World.withCaller();
        const service = await known.serve({ express });
        const error = await thrownBy(() => service.adapter.setMode(mode as Mode));
        expect(isXlinkError(error) && [error.id, error.field]).toEqual(['INVALID_OPTION', 'mode']);
        expect(error.hint).toContain('observe, hybrid, deprecation, xlink-only');
        expect(service.adapter.mode).toBe('hybrid');
        expect(service.events).toHaveLength(1);
      },
    );

    test('an observer that throws changes nothing', async () => {
      const known = await World.withCaller();
      const seen: string[] = [];
      const broken = () => {
        throw new Error(`broken ${KEY}`);
      };
      const service = await known.serve({ express, observers: [broken, ({ type }) => void seen.push(type)] });
      service.adapter.setMode('observe');
      expect((await service.send(withKey())).status).toBe(200);
      await service.quiet();
      expect(seen).toEqual(['mode', 'mode', 'request']);
    });
  });

  describe('observe never changes an outcome', () => {
    /** What the handler gets from the adapter, with the credentials of this request left out of the comparison. */
    const essence = ({ calls }: Service) =>
      calls.map(({ method, url, headers, stream, auth, message }) => {
        const kept: IncomingHttpHeaders = { ...headers };
        for (const name of ['authorization', 'xlink-envelope'] as const) delete kept[name];
        return { method, url, headers: kept, stream: stream.toString('hex'), auth, message };
      });

    test.each(BAD_HEADERS)('$name beside a good key: passes, and is counted', async ({ make, refusal }) => {
      const known = await World.withCaller();
      const options = { ...LIMITS, mode: 'observe' } as const;
      const service = await known.serve({ express, ...options });
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
    });

    test('a good envelope beside a good key is counted too, and the key decides', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mode: 'observe' });
      await service.send(withKey(await signedRequest(known, json(ORDER))));
      expect(service.events.filter(isOf('observed'))).toEqual([
        { type: 'observed', reason: 'ok', version: 2 },
      ]);
      expect(service.calls).toMatchObject([
        { auth: { mode: 'api-key' }, stream: Buffer.from(JSON.stringify(ORDER)) },
      ]);
      expect(service.calls[0]!.message).toBeUndefined();
    });

    test.each([false, true])(
      'an oversized body with a digest still streams into the handler (chunked: %j)',
      async (chunked) => {
        const known = await World.withCaller();
        const service = await known.serve({ express, mode: 'observe' });
        const body = Buffer.alloc(3 * 1024 * 1024, 'abcdefg');
        const answer = await service.send({ ...withKey(await signedRequest(known, { body })), chunked });
        expect(answer.status).toBe(200);
        expect(service.events.filter(isOf('observed'))).toEqual([
          { type: 'observed', reason: 'BODY_TOO_LARGE' },
        ]);
        expect(Buffer.compare(service.calls[0]!.stream, body)).toBe(0);
      },
    );

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
      expect(service.events.filter(isOf('observed'))).toEqual([
        { type: 'observed', reason: 'BODY_CONSUMED' },
      ]);
      expect(service.calls[0]!.body).toEqual(ORDER);
    });

    test('a wrong key beside a good envelope is refused as before', async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express, mode: 'observe' });
      const sent = withKey(await signedRequest(known), 'wrong-key-of-somebody');
      await service.refused(sent, '401 API_KEY_INVALID');
    });
  });

  describe('getMetrics', () => {
    test('is all zeros before the first request', async () => {
      const known = await World.withCaller();
      const { adapter } = await known.serve({ express });
      expect(adapter.getMetrics()).toEqual({
        totalRequests: 0,
        xlinkRequests: 0,
        apiKeyRequests: 0,
        xlinkPercentage: 0,
        failedAuth: 0,
        avgLatencyMs: { xlink: 0, apiKey: 0 },
      });
    });

    test("has exactly the papers' shape", async () => {
      const known = await World.withCaller();
      const service = await known.serve({ express });
      for (let i = 0; i < 2; i++) await service.send(withKey());
      await service.send(await signedRequest(known));
      await service.send({});
      await service.send(withKey({}, 'wrong-key-of-somebody'));
      await service.send({ method: 'OPTIONS' });
      await service.quiet();
      const metrics = service.adapter.getMetrics();
      expect(metrics).toEqual({
        totalRequests: 3,
        xlinkRequests: 1,
        apiKeyRequests: 2,
        xlinkPercentage: 33.3,
        failedAuth: 2,
        avgLatencyMs: { xlink: expect.any(Number), apiKey: expect.any(Number) },
      });
      const { xlink, apiKey } = metrics.avgLatencyMs;
      for (const mean of [xlink, apiKey]) expect(mean * 10).toBeCloseTo(Math.round(mean * 10), 9);
      expect(xlink).toBeGreaterThan(0);
    });

    test('counts a key caller who was gone before the validator answered', async () => {
      const known = await World.withCaller();
      let answer = () => {};
      const asked = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const service = await known.serve({
        express,
        legacyKeyValidator: () => asked.then(() => ({ userId: 'u1' })),
        mount({ app, adapter }) {
          app.use(adapter.middleware(), (_req, res) => void res.end());
        },
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
    });
  });
});
