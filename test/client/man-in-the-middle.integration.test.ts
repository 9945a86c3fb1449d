import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type FallbackEvent,
  type IdentityStore,
  type ServiceMemory,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import { listen } from '../support/listen.js';
import { type HeldAnswer, ManInTheMiddle, type Rule } from './man-in-the-middle.js';
import {
  type ApiService,
  fetchFor,
  idOfRejection,
  JSON_HEADERS,
  KEY,
  LOCAL,
  postJson,
  rejection,
  serveApi,
} from './support.js';

const DOCUMENT = '/.well-known/xlink.json';
const PLAINTEXT = 'pay 4711 to mallory';
const pay = () => postJson({ note: PLAINTEXT });

const problem = (status: number, code: string, subCode?: string) => ({
  status,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '0' },
  body: JSON.stringify({ type: 'about:blank', status, code, ...(subCode ? { subCode } : {}) }),
});

/** A service in hybrid mode, somebody before it, and a client that has the key. */
async function setup(options: XlinkFetchOptions = {}, service?: ApiService) {
  const api = service ?? (await serveApi());
  const man = await ManInTheMiddle.before(api.url);
  const fallbacks: FallbackEvent[] = [];
  const onFallback = (event: FallbackEvent) => void fallbacks.push(event);
  const fetch = fetchFor(man.url, { onFallback, ...options });
  return { api, man, fetch, fallbacks };
}

/** After the first call has enrolled the client: what he saw until then is over. */
async function moved(options: XlinkFetchOptions = {}) {
  const world = await setup(options);
  expect((await world.fetch('/pay', pay())).status).toBe(201);
  world.man.seen.length = 0;
  world.api.handled.length = 0;
  return world;
}

/** Executes the request and says that it was not. */
const afterwards =
  (answer: ReturnType<typeof problem> | { status: number }): Rule =>
  async (_request, forward) => {
    await forward();
    return answer;
  };

function expectNothingGivenAway(man: ManInTheMiddle) {
  expect([man.saw(KEY), man.saw(PLAINTEXT)]).toEqual([false, false]);
}

describe('forged refusals of an envelope that was executed', () => {
  const forgeries: [string, ReturnType<typeof problem> | { status: number }][] = [
    ['415 XLINK_NOT_SUPPORTED', problem(415, 'XLINK_NOT_SUPPORTED')],
    ['415', { status: 415 }],
    ['404', { status: 404 }],
    ['401 VERIFICATION_FAILED', problem(401, 'VERIFICATION_FAILED', 'DID_NOT_IN_REGISTRY')],
    ['401 DECRYPT_FAILED', problem(400, 'DECRYPT_FAILED', 'GCM_TAG_MISMATCH')],
    ['401 KEY_EPOCH_UNKNOWN', problem(401, 'KEY_EPOCH_UNKNOWN')],
    ['401 RECIPIENT_MISMATCH', problem(401, 'RECIPIENT_MISMATCH')],
    ['401 API_KEY_REQUIRED', problem(401, 'API_KEY_REQUIRED')],
    ['426', { status: 426 }],
    ['500', { status: 500 }],
    ['307 to himself', { status: 307 }],
  ];
  for (const who of ['a client', 'a client that is pinned'])
    test.each(forgeries)(
      `${who} hears %s and sends neither key nor plaintext, nor a second time [B1]`,
      async (_, forged) => {
        const api = await serveApi();
        const { man, fetch, fallbacks } = await setup(
          who === 'a client' ? {} : { pinnedDid: api.agent.did },
          api,
        );
        expect((await fetch('/pay', pay())).status).toBe(201);
        man.seen.length = 0;
        api.handled.length = 0;
        man.at('/pay', afterwards(forged));
        expect(await idOfRejection(fetch('/pay', pay()))).toMatch(/^ANSWER_INVALID|^NETWORK_ERROR/);
        man.rule = (_request, forward) => forward();
        expect((await fetch('/pay', pay())).status).toBe(201);
        expectNothingGivenAway(man);
        expect(fallbacks).toEqual([]);
        expect(api.handled).toEqual(['POST /pay', 'POST /pay']);
      },
    );

  test('the error says that the answer was not sealed, and what was in it [B1]', async () => {
    const { man, fetch } = await moved();
    man.at('/pay', afterwards(problem(415, 'XLINK_NOT_SUPPORTED')));
    const error = await rejection(fetch('/pay', pay()));
    expect(error).toMatchObject({ id: 'ANSWER_INVALID:NOT_SEALED', cause: { id: 'XLINK_NOT_SUPPORTED' } });
  });

  test('a first contact gives the key to enrollment only, and to nobody else [B1]', async () => {
    const { api, man, fetch, fallbacks } = await setup();
    man.at('/pay', afterwards(problem(415, 'XLINK_NOT_SUPPORTED')));
    expect(await idOfRejection(fetch('/pay', pay()))).toBe('ANSWER_INVALID:NOT_SEALED');
    const withKey = man.seen.filter((held) => held.includes(KEY));
    expect(withKey).toHaveLength(1);
    expect(withKey[0]).toContain('/.well-known/xlink/enroll');
    expect([man.saw(PLAINTEXT), fallbacks]).toEqual([false, []]);
    expect(api.handled).toEqual(['POST /pay']);
  });
});

describe('forged refusals that ask to try again', () => {
  test.each([
    ['503 COLD_START', problem(503, 'NONCE_STORE_UNAVAILABLE', 'COLD_START')],
    ['503', { status: 503 }],
    ['429', problem(429, 'RATE_LIMITED')],
    ['KEY_EPOCH_UNKNOWN', problem(401, 'KEY_EPOCH_UNKNOWN')],
    ['RECIPIENT_MISMATCH', problem(401, 'RECIPIENT_MISMATCH')],
  ])('%s: a write is carried out once [B2]', async (_, forged) => {
    const { api, man, fetch } = await moved();
    man.at('/pay', afterwards(forged));
    expect(await idOfRejection(fetch('/pay', pay()))).toBe('ANSWER_INVALID:NOT_SEALED');
    expect(api.handled).toEqual(['POST /pay']);
    expectNothingGivenAway(man);
  });

  test('a read, or a write with an Idempotency-Key, is sent once more, as a new request [B2]', async () => {
    const { api, man, fetch } = await moved();
    const once = (): Rule => {
      let left = 1;
      return async (_request, forward) => {
        const answer = await forward();
        return left-- > 0 ? problem(503, 'NONCE_STORE_UNAVAILABLE', 'COLD_START') : answer;
      };
    };
    man.at('/read', once());
    expect((await fetch('/read')).status).toBe(200);
    man.at('/pay', once());
    const keyed = { ...pay(), headers: { ...JSON_HEADERS, 'Idempotency-Key': 'order-1' } };
    expect((await fetch('/pay', keyed)).status).toBe(201);
    expect(api.handled).toEqual(['GET /read', 'GET /read', 'POST /pay', 'POST /pay']);
  });

  test('rotated keys of the service: what is sealed anew is the same claim [B2]', async () => {
    const { api, man, fetch } = await moved();
    const bodies: Buffer[] = [];
    man.at('/pay', async (request, forward) => {
      bodies.push(request.body);
      const answer = await forward();
      return bodies.length === 1 ? problem(401, 'KEY_EPOCH_UNKNOWN') : answer;
    });
    await rejection(fetch('/pay', pay()));
    const first = bodies[0]!;
    man.rule = async (request, forward) => forward({ ...request, body: first });
    // The very bytes again: his replay, or the client's, is refused by the one claim.
    const answer = await rejection(fetch('/pay', pay()));
    expect(answer.id).toMatch(/^ANSWER_INVALID/);
    expect(api.handled).toEqual(['POST /pay']);
  });
});

describe('the key', () => {
  test('goes only where its owner pointed [B3]', async () => {
    const home = await serveApi();
    const seen: string[] = [];
    const { url: stranger } = await listen((req, res) => {
      seen.push(`${JSON.stringify(req.headers)} ${req.url}`);
      res.writeHead(req.url === DOCUMENT ? 404 : 200).end();
    });
    const fetch = fetchFor(home.url);
    expect((await fetch('/a')).status).toBe(200);
    expect(await idOfRejection(fetch(`${stranger}/a`))).toBe('DISCOVERY_FAILED:NOT_SUPPORTED');
    const own = fetchFor(home.url, { apiKeyOrigin: stranger });
    expect((await own(`${stranger}/b`)).status).toBe(200);
    expect(seen.filter((held) => held.includes(KEY)).map((held) => held.split(' ').at(-1))).toEqual(['/b']);
  });

  test('goes nowhere by itself where its owner pointed at no service, also not to the first one that is called [B3]', async () => {
    const seen: string[] = [];
    const { url } = await listen((req, res) => {
      seen.push(`${JSON.stringify(req.headers)} ${req.url}`);
      res.writeHead(req.url === DOCUMENT ? 404 : 200).end();
    });
    const fetch = xlinkFetch({ ...LOCAL, apiKey: KEY });
    for (const path of ['/a', '/b'])
      expect(await idOfRejection(fetch(url + path))).toBe('DISCOVERY_FAILED:NOT_SUPPORTED');
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((held) => held.includes(KEY))).toEqual([]);
  });

  test('goes along where the call carries it itself [B3]', async () => {
    const { url } = await listen((req, res) => {
      res.writeHead(req.url === DOCUMENT ? 404 : 200).end(String(req.headers['x-api-key']));
    });
    const elsewhere = await serveApi();
    const fetch = fetchFor(elsewhere.url);
    const answer = await fetch(`${url}/a`, { headers: { 'X-API-Key': KEY } });
    expect(await answer.text()).toBe(KEY);
  });

  test.each([
    ['Authorization: Basic, as name', { Authorization: `Basic ${btoa(`${KEY}:`)}` }, ''],
    ['Authorization: Basic, as password', { Authorization: `Basic ${btoa(`user:${KEY}`)}` }, ''],
    ['Authorization: Bearer', { Authorization: `Bearer ${KEY}` }, ''],
    ['Authorization: Token', { Authorization: `Token token="${KEY}"` }, ''],
    ['X-API-Key', { 'X-API-Key': KEY }, ''],
    ['a header of its own', { 'X-Acme-Secret': KEY }, ''],
    ['a cookie', { Cookie: `theme=dark; key=${KEY}` }, ''],
    ['the query', {}, `?api_key=${KEY}&q=1`],
    ['the query, escaped', {}, `?q=1&api_key=${KEY.replaceAll('-', '%2D')}`],
  ])('does not travel beside an envelope in %s [B5]', async (_, headers, query) => {
    const { api, man, fetch } = await moved();
    const answer = await fetch(`/pay${query}`, { ...pay(), headers: { ...JSON_HEADERS, ...headers } });
    expect([answer.status, await answer.json()]).toMatchObject([201, { mode: 'xlink' }]);
    expectNothingGivenAway(man);
    expect(api.handled).toEqual([expect.stringMatching(query ? /^POST \/pay\?q=1$/ : /^POST \/pay$/)]);
  });
});

/** Where an identity and what it learned are kept between runs. */
interface Memory extends IdentityStore {
  services: ServiceMemory;
  saved: string | undefined;
}

function memory(): Memory {
  let pkcs8: Uint8Array | undefined;
  const store: Memory = {
    saved: undefined,
    load: () => pkcs8,
    save: (bytes) => void (pkcs8 = Uint8Array.from(bytes)),
    services: {
      load: () => store.saved,
      save: (json) => void (store.saved = json),
    },
  };
  return store;
}

describe('discovery that is withheld or forged, after the service has proven itself', () => {
  const gone: [string, Rule][] = [
    ['404', () => ({ status: 404 })],
    ['410', () => ({ status: 410 })],
    ['415', () => ({ status: 415 })],
    ['503', () => ({ status: 503 })],
    ['nothing', () => undefined],
    [
      'a page of a captive portal',
      () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }),
    ],
    ['a redirect', () => ({ status: 302, headers: { location: 'http://127.0.0.1:9/' } })],
    [
      'a document that was changed',
      async (_request, forward) => {
        const { status, headers, body } = await forward();
        return { status, headers, body: body.toString().replace('"hybrid"', '"observe"') };
      },
    ],
    [
      'a document of his own',
      async () => {
        const own = await serveApi({ mode: 'observe' });
        const answer = await globalThis.fetch(own.url + DOCUMENT);
        return { status: 200, headers: { 'content-type': 'application/json' }, body: await answer.text() };
      },
    ],
  ];
  test.each(gone)('%s minutes later does not bring the key back [B4]', async (_, rule) => {
    let laterMs = 0;
    const { man, fetch, fallbacks } = await moved({ clock: () => Date.now() + laterMs });
    laterMs = 4 * 60_000;
    man.at(DOCUMENT, rule);
    expect(await idOfRejection(fetch('/pay', pay()))).toMatch(/^DISCOVERY_FAILED/);
    expectNothingGivenAway(man);
    expect(fallbacks).toEqual([]);
  });

  test.each(gone)('%s after a restart does not bring the key back [B4]', async (_, rule) => {
    const identity = memory();
    const { api, man } = await moved({ identity });
    expect(JSON.stringify(identity.saved)).not.toContain(KEY);
    man.at(DOCUMENT, rule);
    const fallbacks: FallbackEvent[] = [];
    const again = fetchFor(man.url, { identity, onFallback: (event) => void fallbacks.push(event) });
    expect(await idOfRejection(again('/pay', pay()))).toMatch(/^DISCOVERY_FAILED/);
    expectNothingGivenAway(man);
    expect([fallbacks, api.handled]).toEqual([[], []]);
  });

  test('an older document of the service, from when keys decided, is not taken [B4]', async () => {
    const identity = memory();
    const api = await serveApi({ mode: 'observe' });
    const man = await ManInTheMiddle.before(api.url);
    const observed = fetchFor(man.url, { identity });
    let old: HeldAnswer | undefined;
    man.at(DOCUMENT, async (_request, forward) => (old = await forward()));
    expect(await (await observed('/pay', pay())).json()).toMatchObject({ mode: 'api-key' });
    api.adapter.setMode('hybrid');
    man.rule = (_request, forward) => forward();
    const moved = fetchFor(man.url, { identity });
    expect(await (await moved('/pay', pay())).json()).toMatchObject({ mode: 'xlink' });
    man.seen.length = 0;
    man.at(DOCUMENT, () => old);
    const again = fetchFor(man.url, { identity });
    expect(await idOfRejection(again('/pay', pay()))).toBe('DISCOVERY_FAILED:ROLLED_BACK');
    expectNothingGivenAway(man);
  });

  test('what was learned cannot be kept: the call fails, and nothing is believed [B4]', async () => {
    const identity = memory();
    identity.services = { load: () => undefined, save: () => Promise.reject(new Error('the disk is full')) };
    const { fetch } = await setup({ identity });
    expect(await idOfRejection(fetch('/pay', pay()))).toBe('SERVICE_MEMORY_FAILED');
  });
});

describe('answers', () => {
  test('of another request are not taken', async () => {
    const { man, fetch } = await moved();
    const answers: HeldAnswer[] = [];
    man.rule = async (_request, forward) => {
      answers.push(await forward());
      return answers[0]!;
    };
    expect((await fetch('/a')).status).toBe(200);
    expect(await idOfRejection(fetch('/a'))).toMatch(/^ANSWER_INVALID/);
  });

  test('have the status and the headers that the service sealed, whatever he writes around them', async () => {
    const { man, fetch } = await moved();
    const shown = (answer: Response) => [
      answer.status,
      answer.statusText,
      [...answer.headers].filter(([name]) => name !== 'date'),
    ];
    const honest = shown(await fetch('/a'));
    expect(honest[0]).toBe(200);
    const forged = { 'set-cookie': ['a=b'], 'x-admin': '1', 'cache-control': 'public', etag: '"1"' };
    for (const status of [200, 201, 401, 404, 500]) {
      man.rule = async (_request, forward) => {
        const answer = await forward();
        return { status, headers: { ...answer.headers, ...forged }, body: answer.body };
      };
      expect(shown(await fetch('/a'))).toEqual(honest);
    }
  });

  test('that are cut are not taken', async () => {
    const { man, fetch } = await moved();
    man.rule = async (_request, forward) => {
      const answer = await forward();
      return { ...answer, body: answer.body.subarray(0, -40) };
    };
    expect(await idOfRejection(fetch('/a'))).toMatch(/^ANSWER_INVALID/);
  });

  test('a client of another service cannot be made to call this one', async () => {
    const [a, b] = [await serveApi(), await serveApi()];
    const man = await ManInTheMiddle.before(a.url);
    const fetch = fetchFor(man.url);
    await fetch('/pay', pay());
    man.at('/pay', async (request) => {
      const answer = await globalThis.fetch(b.url + request.path, {
        method: request.method,
        body: new Uint8Array(request.body),
        headers: { 'content-type': String(request.headers['content-type']) },
      });
      return {
        status: answer.status,
        headers: Object.fromEntries(answer.headers),
        body: await answer.text(),
      };
    });
    await rejection(fetch('/pay', pay()));
    expect(b.handled).toEqual([]);
  });
});

test('a service that was known and has another identity now is refused, and forgotten only on purpose', async () => {
  const identity = memory();
  const { man } = await moved({ identity });
  const other = await serveApi({ agent: await Agent.quickstart({ name: 'other' }) });
  const impostor = await ManInTheMiddle.before(other.url);
  man.rule = (request, _forward) =>
    globalThis.fetch(impostor.url + request.path).then(async (answer) => ({
      status: answer.status,
      headers: { 'content-type': 'application/json' },
      body: await answer.text(),
    }));
  const again = fetchFor(man.url, { identity });
  expect(await idOfRejection(again('/pay', pay()))).toMatch(/^DISCOVERY_FAILED:(OTHER_IDENTITY|OTHER_HOST)/);
});
