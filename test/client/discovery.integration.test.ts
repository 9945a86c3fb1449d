import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  type DiscoverOptions,
  discover,
  generateIdentity,
  Identity,
  type KeyRecord,
  xlinkFetch,
} from '@private.me/xlink';
import { listen } from '../support/listen.js';
import { fetchFor, idOfRejection, LOCAL, rejection, serveApi, serveHandmade } from './support.js';

const PATH = '/.well-known/xlink.json';
const INVALID = 'DISCOVERY_FAILED:INVALID';

/** A `fetch` that answers from a table of URLs. */
const fetchOf =
  (answers: Record<string, unknown>, asked: string[] = []): typeof fetch =>
  async (input) => {
    asked.push(String(input));
    const answer = answers[String(input)];
    if (answer instanceof Response) return answer;
    return answer === undefined ? new Response('', { status: 404 }) : Response.json(answer);
  };

async function documentOf(identity?: Identity): Promise<Record<string, unknown> & { keyRecord: KeyRecord }> {
  const owner = identity ?? (await generateIdentity()).value!;
  return {
    did: owner.did,
    keyRecord: await createKeyRecord(owner),
    versions: [1, 2],
    mode: 'hybrid',
    endpoints: { enroll: '/.well-known/xlink/enroll' },
  };
}

/** Serves the document at the well-known path; `change` spoils it. */
async function discoverChanged(change: object, options: DiscoverOptions = {}) {
  const document = { ...(await documentOf()), ...change };
  return discover('api.example.com', {
    fetch: fetchOf({ [`https://api.example.com${PATH}`]: document }),
    ...options,
  });
}

describe('the three tiers', () => {
  test('asks the registry for a name, and the origin of the service who it is', async () => {
    const asked: string[] = [];
    const document = await documentOf();
    const answers = {
      'https://xlink.registry.io/services/payments-service': { url: 'https://pay.example.com/xlink' },
      [`https://pay.example.com${PATH}`]: document,
    };
    const service = await discover('payments-service', { fetch: fetchOf(answers, asked) });
    expect(service).toMatchObject({
      did: document['did'],
      url: 'https://pay.example.com/xlink',
      mode: 'hybrid',
    });
    expect(service.endpoints.enroll).toBe('https://pay.example.com/.well-known/xlink/enroll');
    expect(asked).toEqual(Object.keys(answers));
  });

  test('takes another registry, and pins the DID that the registry names', async () => {
    const document = await documentOf();
    const other = await documentOf();
    const answers = {
      'https://registry.example.com/v1/services/pay': { ...other, url: 'https://pay.example.com' },
      [`https://pay.example.com${PATH}`]: document,
    };
    const options = { registryUrl: 'https://registry.example.com/v1/', fetch: fetchOf(answers) };
    expect(await idOfRejection(discover('pay', options))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });

  test.each([
    [{}, INVALID],
    [{ url: 'ftp://pay.example.com' }, INVALID],
    [{ url: 'https://user:pw@pay.example.com' }, INVALID],
    [{ url: 'https://pay.example.com', did: 7 }, INVALID],
    [{ url: 'http://pay.example.com' }, 'DISCOVERY_FAILED:INSECURE'],
    [{ url: 'https://169.254.169.254' }, 'DISCOVERY_FAILED:PRIVATE_ADDRESS'],
  ])('refuses a registry entry %j', async (entry, id) => {
    const fetch = fetchOf({ 'https://xlink.registry.io/services/pay': entry });
    expect(await idOfRejection(discover('pay', { fetch }))).toBe(id);
  });

  test('does not take a name that nobody knows for a service without xLink', async () => {
    expect(await idOfRejection(discover('nobody', { fetch: fetchOf({}) }))).toBe('DISCOVERY_FAILED');
  });

  test.each([
    ['api.example.com', 'https://api.example.com', 'https://api.example.com'],
    ['api.example.com:8443', 'https://api.example.com:8443', 'https://api.example.com:8443'],
    ['https://api.example.com/xlink', 'https://api.example.com/xlink', 'https://api.example.com'],
    ['https://api.example.com/v1/?a=b', 'https://api.example.com/v1/?a=b', 'https://api.example.com'],
  ])('reads the document of %s', async (target, url, origin) => {
    const fetch = fetchOf({ [`${origin}${PATH}`]: await documentOf() });
    expect(await discover(target, { fetch })).toMatchObject({ url, origin });
  });

  test.each([
    '',
    ' ',
    'a b',
    'a/b',
    'api.example.com/path',
    'user@host.example',
    'a.b#c',
    'a.b?c',
    'https://',
    'https://u:p@a.b',
    'a\\b.c',
  ])('refuses the target %j', async (target) => {
    const asked: string[] = [];
    expect(await idOfRejection(discover(target, { fetch: fetchOf({}, asked) }))).toBe('DISCOVERY_FAILED');
    expect(asked).toEqual([]);
  });
});

describe('the address', () => {
  const PRIVATE = [
    'localhost',
    'LOCALHOST.',
    'a.localhost',
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1.',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '１２７.0.0.1',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a00:1]',
    '[::127.0.0.1]',
    '[fc00::1]',
    '[fd12:3456::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[64:ff9b::10.0.0.1]',
    '[2002:a00:1::]',
    '[2001::1]',
  ];
  const PUBLIC = [
    'example.com',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '[2606:4700::1111]',
    '[::ffff:1.1.1.1]',
    '[64:ff9b::1.1.1.1]',
    'localhost.example.com',
    '10.example.com',
  ];

  test.each(PRIVATE)('refuses %s', async (host) => {
    const asked: string[] = [];
    const found = discover(`https://${host}/x`, { fetch: fetchOf({}, asked) });
    expect(await idOfRejection(found)).toBe('DISCOVERY_FAILED:PRIVATE_ADDRESS');
    expect(asked).toEqual([]);
  });

  test.each(PUBLIC)('takes %s', async (host) => {
    expect(await idOfRejection(discover(`https://${host}`, { fetch: fetchOf({}) }))).toBe(
      'DISCOVERY_FAILED:NOT_SUPPORTED',
    );
  });

  test('must be https', async () => {
    expect(await idOfRejection(discover('http://example.com'))).toBe('DISCOVERY_FAILED:INSECURE');
    expect(await idOfRejection(discover('ftp://example.com', { unsafeAllowHttp: true }))).toBe(
      'DISCOVERY_FAILED:INSECURE',
    );
  });
});

describe('the document', () => {
  test('comes back checked, with what is not known left out', async () => {
    const service = await discoverChanged({ name: 'Pay', more: 1, endpoints: { key: '/k', other: '//x' } });
    expect(service).toMatchObject({ name: 'Pay', endpoints: { key: 'https://api.example.com/k' } });
    expect(service).not.toHaveProperty('more');
  });

  test.each([
    ['did', { did: 'did:web:example.com' }],
    ['keyRecord', { keyRecord: 'none' }],
    ['versions', { versions: [] }],
    ['versions', { versions: [1, 4] }],
    ['versions', { versions: ['1'] }],
    ['versions', { versions: [1, 2, 3] }],
    ['mode', { mode: 'open' }],
    ['name', { name: 'a\nb' }],
    ['name', { name: 7 }],
    ['endpoints', { endpoints: [] }],
    ['endpoints', { endpoints: { enroll: 'https://evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '//evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '/\\evil.example/enroll' } }],
    ['endpoints', { endpoints: { key: 'relative' } }],
    ['endpoints', { endpoints: { key: '/k#x' } }],
  ])('is refused for its %s: %j', async (field, change) => {
    expect(await rejection(discoverChanged(change))).toMatchObject({ id: INVALID, field });
  });

  test.each([[[]], ['text'], [null], [7]])('is refused if it is %j', async (document) => {
    const fetch: typeof globalThis.fetch = async () => Response.json(document);
    expect(await idOfRejection(discover('a.example', { fetch }))).toBe(INVALID);
  });

  test('is refused if it is not JSON, and not quoted', async () => {
    for (const [type, text] of [
      ['application/json', '<html>secret'],
      ['text/html', '{}'],
      ['application/json', '\ud800'],
    ] as const) {
      const fetch: typeof globalThis.fetch = async () =>
        new Response(text, { headers: { 'Content-Type': type } });
      const error = await rejection(discover('a.example', { fetch }));
      expect(error.id).toBe(INVALID);
      expect(error.stack).not.toContain('secret');
    }
  });

  test('is refused with a key record of another DID', async () => {
    const { keyRecord } = await documentOf();
    expect(await rejection(discoverChanged({ keyRecord }))).toMatchObject({
      id: INVALID,
      field: 'keyRecord',
    });
  });

  test('is refused with a key record that was tampered with', async () => {
    const [mine, other] = [await documentOf(), await documentOf()];
    for (const change of [{ x25519: other.keyRecord.x25519 }, { epoch: 1 }, { mlKem768: undefined }]) {
      const keyRecord = { ...mine.keyRecord, ...change };
      const document = { did: mine['did'], keyRecord, versions: [1] };
      expect(await rejection(discoverChanged(document))).toMatchObject({ id: INVALID, field: 'keyRecord' });
    }
  });

  test('is refused if it shows another DID than the pinned one', async () => {
    const pinnedDid = (await generateIdentity()).value!.did;
    expect(await idOfRejection(discoverChanged({}, { pinnedDid }))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });
});

describe('a hostile service', () => {
  const find = (url: string, options: DiscoverOptions = {}) =>
    idOfRejection(discover(url, { ...LOCAL, ...options }));

  test.each([404, 410, 415])('that answers %s has no xLink', async (status) => {
    const { url } = await listen((_req, res) => void res.writeHead(status).end());
    expect(await find(url)).toBe('DISCOVERY_FAILED:NOT_SUPPORTED');
  });

  test.each([204, 400, 401, 403, 405, 429, 500, 503])('that answers %s says nothing', async (status) => {
    const { url } = await listen((_req, res) => void res.writeHead(status).end());
    expect(await find(url)).toBe('DISCOVERY_FAILED');
  });

  test('that is not there says nothing', async () => {
    expect(await find('http://127.0.0.1:9')).toBe('DISCOVERY_FAILED');
  });

  test('cannot send more than 64 KiB, announced, streamed without end, or compressed', async () => {
    let sent = 0;
    const { url: endless } = await listen((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' });
      const more = () => {
        while (!res.destroyed && res.write(' '.repeat(16_384))) sent += 16_384;
      };
      res.on('drain', more);
      more();
    });
    expect(await find(endless)).toBe('DISCOVERY_FAILED:TOO_LARGE');
    expect(sent).toBeLessThan(2 ** 24);
    const { url: announced } = await listen((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 65_537 });
      res.flushHeaders();
    });
    expect(await find(announced)).toBe('DISCOVERY_FAILED:TOO_LARGE');
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(Buffer.alloc(2 ** 24, 32));
    const { url: compressed } = await listen((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }).end(bomb);
    });
    expect(await find(compressed)).toBe('DISCOVERY_FAILED:TOO_LARGE');
  });

  test('cannot be slow, neither before its headers nor in its body', async () => {
    const { url: silent } = await listen(() => {});
    const { url: trickling } = await listen(async (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'application/json' });
      while (!res.destroyed) {
        res.write(' ');
        await sleep(20);
      }
    });
    for (const url of [silent, trickling]) {
      const started = performance.now();
      expect(await find(url, { timeoutMs: 200 })).toBe('DISCOVERY_FAILED:TIMEOUT');
      expect(performance.now() - started).toBeLessThan(1500);
    }
  });

  test('cannot hold on to a fetch that knows no signal', async () => {
    const fetch: typeof globalThis.fetch = () => new Promise(() => {});
    expect(await find('https://a.example', { fetch, timeoutMs: 50 })).toBe('DISCOVERY_FAILED:TIMEOUT');
  });

  test.each([
    ['another host', 'https://evil.example/doc'],
    ['a private address', 'http://169.254.169.254/latest/meta-data'],
    ['another port', 'http://127.0.0.1:1/doc'],
    ['another scheme', 'https://127.0.0.1/doc'],
    ['a URL that is none', 'http://'],
  ])('cannot redirect to %s', async (_, location) => {
    const { url } = await listen((_req, res) => void res.writeHead(302, { Location: location }).end());
    expect(await find(url)).toBe('DISCOVERY_FAILED:REDIRECT');
  });

  test('cannot redirect from https to http', async () => {
    const asked: string[] = [];
    const answers = {
      [`https://a.example${PATH}`]: new Response(null, {
        status: 302,
        headers: { Location: `http://a.example${PATH}` },
      }),
    };
    expect(await find('https://a.example', { fetch: fetchOf(answers, asked) })).toBe(
      'DISCOVERY_FAILED:REDIRECT',
    );
    expect(asked).toHaveLength(1);
  });

  test('may redirect within its origin, three times', async () => {
    const document = JSON.stringify(await documentOf());
    const serve = (hops: number) =>
      listen((req, res) => {
        const at = Number(new URL(req.url!, 'http://x').searchParams.get('n') ?? 0);
        if (at < hops) res.writeHead(307, { Location: `/doc?n=${at + 1}` }).end();
        else res.writeHead(200, { 'Content-Type': 'application/json' }).end(document);
      });
    expect(await discover((await serve(3)).url, LOCAL)).toMatchObject({ mode: 'hybrid' });
    expect(await find((await serve(4)).url)).toBe('DISCOVERY_FAILED:REDIRECT');
  });

  test('gets no cookie, no key and no referrer', async () => {
    const api = await serveApi();
    await discover(api.url, LOCAL);
    expect(Object.keys(api.seen[0]!.headers)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/cookie|key|authorization|referer/)]),
    );
  });
});

describe('a service that changes', () => {
  test('cannot show weaker or older keys later', async () => {
    const seed = (await Agent.quickstart()).exportPKCS8();
    const strong = await Identity.fromSeed((await seed).slice(16));
    const weak = await Identity.fromSeed((await seed).slice(16), { maxVersion: 1 });
    for (const [keyRecord, id] of [
      [await createKeyRecord(weak, { epoch: 2_000_000_000 }), 'KEY_RECORD_DOWNGRADED'],
      [await createKeyRecord(weak, { epoch: 1 }), 'KEY_RECORD_ROLLED_BACK'],
    ] as const) {
      let now = Date.now();
      const agent = await Agent.quickstart();
      const handmade = await serveHandmade();
      const fetch = xlinkFetch({ ...LOCAL, agent, baseUrl: handmade.url, clock: () => now });
      const record = await createKeyRecord(strong);
      handmade.document = (document) => ({ ...document, did: strong.did, keyRecord: record });
      await fetch('/a').catch(() => {});
      handmade.document = (document) => ({ ...document, did: weak.did, keyRecord, versions: [1] });
      now += 300_001;
      expect(await idOfRejection(fetch('/a'))).toBe(id);
      expect(await agent.registry.lookup(strong.did)).toMatchObject({ keys: record });
    }
  });

  test('may show the same keys under an older epoch, as another instance of it does', async () => {
    const handmade = await serveHandmade();
    const own = await Identity.fromSeed((await handmade.agent.exportPKCS8()).slice(16));
    const records = [
      await createKeyRecord(own, { epoch: 1_800_000_000 }),
      await createKeyRecord(own, { epoch: 1_700_000_000 }),
    ];
    handmade.document = (document) => ({ ...document, keyRecord: records.shift() });
    let later = 0;
    const fetch = fetchFor(handmade.url, {
      agent: await Agent.quickstart(),
      clock: () => Date.now() + later,
    });
    expect((await fetch('/a')).status).toBe(200);
    later = 300_001;
    expect((await fetch('/a')).status).toBe(200);
    expect(records).toEqual([]);
  });

  test('cannot become somebody else where its DID is pinned', async () => {
    const handmade = await serveHandmade();
    let later = 0;
    const clock = () => Date.now() + later;
    const fetch = fetchFor(handmade.url, { pinnedDid: handmade.agent.did, clock });
    expect((await fetch('/a')).status).toBe(200);
    const other = await documentOf();
    handmade.document = (document) => ({ ...document, ...other });
    later = 300_001;
    expect(await idOfRejection(fetch('/a'))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });
});
