import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { type DiscoverOptions, discover, generateIdentity } from '@private.me/xlink';
import { listen } from '../support/listen.js';
import { documentOf, fetchOf } from './discovery-support.js';
import { idOfRejection, LOCAL, serveApi } from './support.js';

const PATH = '/.well-known/xlink.json';
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

describe('a hostile service', () => {
  const find = (url: string, options: DiscoverOptions = {}) =>
    idOfRejection(discover(url, { ...LOCAL, ...options }));

  test.each([404, 410])('that answers %s has no xLink', async (status) => {
    const { url } = await listen((_req, res) => void res.writeHead(status).end());
    expect(await find(url)).toBe('DISCOVERY_FAILED:NOT_SUPPORTED');
  });

  test.each([204, 400, 401, 403, 405, 406, 415, 426, 429, 451, 500, 503])(
    'that answers %s says nothing',
    async (status) => {
      const { url } = await listen((_req, res) => void res.writeHead(status).end());
      expect(await find(url)).toBe('DISCOVERY_FAILED');
    },
  );

  test('that is not there says nothing', async () => {
    expect(await find('http://127.0.0.1:9')).toBe('DISCOVERY_FAILED');
  });

  test('cannot send more than 320 KiB, announced, streamed without end, or compressed', async () => {
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
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 327_681 });
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
    const identity = (await generateIdentity()).value!;
    const serve = (hops: number) =>
      listen(async (req, res) => {
        const at = Number(new URL(req.url!, 'http://x').searchParams.get('n') ?? 0);
        if (at < hops) res.writeHead(307, { Location: `/doc?n=${at + 1}` }).end();
        else {
          const document = await documentOf({ identity, host: req.headers.host! });
          res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document));
        }
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
