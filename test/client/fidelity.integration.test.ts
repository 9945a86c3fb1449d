import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { XlinkFetch } from '@private.me/xlink';
import express, { type Express } from 'express';
import { dispatcher, REQUEST_ROWS, RESPONSE_ROWS, type Side } from './fidelity-rows.js';
import { type ApiService, fetchFor, KEY, rejection, serveApi } from './support.js';

/** Headers that a handler sees and a caller can set. */
const SEEN = ['accept', 'content-type', 'content-length', 'cookie', 'user-agent', 'x-own', 'x-other'];

let open = 0;

function mount(app: Express): void {
  app.all('/echo', express.raw({ type: () => true }), (req, res) => {
    const headers = Object.fromEntries(SEEN.map((name) => [name, req.headers[name]]));
    const body = Buffer.isBuffer(req.body) ? req.body.toString('base64') : null;
    res.json({ method: req.method, url: req.url, type: req.headers['content-type'], headers, body });
  });
  app.all('/to', (req, res) => res.redirect(Number(req.query.status), '/echo?there'));
  app.all('/away', (_req, res) => res.redirect(302, 'http://127.0.0.1:9/'));
  app.all('/round', (_req, res) => res.redirect(302, '/round'));
  app.all('/status', (req, res) => void res.status(Number(req.query.code)).send('body'));
  app.get('/headers', (_req, res) => {
    res.set({ ETag: '"v1"', Link: '</a>; rel="next"', 'X-Own': 'a, b' });
    res.append('Set-Cookie', ['a=1; Path=/', 'b=2, 3']).json({ text: 'grüße' });
  });
  app.get('/form', (_req, res) => void res.type('application/x-www-form-urlencoded').send('a=1&b=%C3%BC'));
  app.get('/long', (_req, res) => void res.send(Buffer.alloc(300_000)));
  app.get('/gzip', (_req, res) => void res.set('Content-Encoding', 'gzip').send(gzipSync('plain')));
  app.get('/never', () => {});
  app.get('/open', (_req, res) => void res.json({ open }));
  app.get('/endless', (_req, res) => {
    open += 1;
    const timer = setInterval(() => res.write('event'), 5);
    res.on('close', () => {
      open -= 1;
      clearInterval(timer);
    });
  });
}

let api: ApiService;
let sealed: XlinkFetch;
/** The platform's, with the key in a header. */
const keyed = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
  const request = new Request(input, init);
  request.headers.set('X-API-Key', KEY);
  return fetch(request);
};

beforeEach(async () => {
  api = await serveApi({}, mount);
  sealed = fetchFor(api.url);
  await sealed('/echo');
});

const rows = { ...REQUEST_ROWS, ...RESPONSE_ROWS };

describe('as with the platform', () => {
  test.each(Object.keys(rows))('%s [B6]', async (name) => {
    const platform: Side = { fetch: keyed as typeof fetch, url: api.url };
    const expected = await rows[name]!(platform);
    const before = api.adapter.getMetrics().apiKeyRequests;
    expect(await rows[name]!({ ...platform, fetch: sealed })).toEqual(expected);
    expect(api.adapter.getMetrics().apiKeyRequests).toBe(before); // it was an envelope
  });
});

const stream = () => ({ method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' }) as RequestInit;
const REFUSED: Readonly<
  Record<string, readonly [path: string, init: RequestInit, id: string, field?: string]>
> = {
  '`integrity`': ['/echo', { integrity: 'sha256-AAAA' }, 'FETCH_OPTION_UNSUPPORTED', 'integrity'],
  '`mode: no-cors`': ['/echo', { mode: 'no-cors' }, 'FETCH_OPTION_UNSUPPORTED', 'mode'],
  '`redirect: follow`, to another origin': ['/away', {}, 'FETCH_OPTION_UNSUPPORTED', 'redirect'],
  '`redirect: follow`, more than 20 times': ['/round', {}, 'FETCH_OPTION_UNSUPPORTED', 'redirect'],
  '`data:` and other URLs but http and https': ['data:text/plain,x', {}, 'DISCOVERY_FAILED:INSECURE', 'url'],
};

describe('refused by name', () => {
  test.each(Object.entries(REFUSED))('%s [B6]', async (_, [path, init, id, field]) => {
    const error = await rejection(sealed(path, init));
    expect([error.id, (error as { field?: string }).field]).toEqual([id, field]);
    if (init.body) return;
    const url = new URL(path, api.url);
    const inside = await rejection(sealed(new Request(url, init)));
    expect([inside.id, (inside as { field?: string }).field]).toEqual([id, field]);
  });
});

/** What the network layer of the platform gets to act on, which in Node is not to be seen from outside. */
const HANDED_ON: Readonly<Record<string, readonly [init: RequestInit, isReadable?: false]>> = {
  '`cache`': [{ cache: 'reload' }],
  '`credentials`': [{ credentials: 'include' }],
  '`keepalive`': [{ keepalive: true }],
  '`mode: cors`, `same-origin`': [{ mode: 'same-origin' }],
  '`referrerPolicy`': [{ referrerPolicy: 'origin' }],
  '`priority`': [{ priority: 'high' } as RequestInit, false],
};

describe('handed on to the platform', () => {
  test.each(Object.entries(HANDED_ON))('%s [B6]', async (_, [init, isReadable]) => {
    const got: RequestInit[] = [];
    const fetch = fetchFor(api.url, {
      fetch: (input, given) => {
        if (String(input).endsWith('/echo')) got.push(given!);
        return globalThis.fetch(input, given);
      },
    });
    expect((await fetch('/echo', init)).status).toBe(200);
    if (isReadable !== false) await fetch(new Request(`${api.url}/echo`, init));
    for (const one of got) expect(one).toMatchObject(init);
    expect(got).toHaveLength(isReadable === false ? 1 : 2);
  });
});

const OTHERWISE: Readonly<Record<string, () => Promise<void>>> = {
  '`referrer`': async () => {
    const got: (RequestInit | undefined)[] = [];
    const fetch = fetchFor(api.url, {
      fetch: (input, given) => {
        got.push(given);
        return globalThis.fetch(input, given);
      },
    });
    await fetch('/echo', { referrer: `${api.url}/page` });
    expect(got.at(-1)).toMatchObject({ referrer: '' });
  },
  '`Content-Length`, `Xlink-…` and `Authorization: Xlink …` of the caller': async () => {
    const headers = { 'Content-Length': '99', 'Xlink-Envelope': 'AAAA', Authorization: 'Xlink AAAA' };
    const answer = await sealed('/echo', { method: 'POST', body: 'x', headers });
    expect(await answer.json()).toMatchObject({ headers: { 'content-length': '1' } });
  },
  '`body`: `ReadableStream` or async iterable, with `duplex`': async () => {
    const answer = await sealed('/echo', stream());
    expect(await answer.json()).toMatchObject({ headers: { 'content-length': '1' } });
  },
  'a stream in a `Request`': async () => {
    const answer = await sealed(new Request(`${api.url}/echo`, stream()));
    expect(await answer.json()).toMatchObject({ method: 'POST', body: Buffer.from('x').toString('base64') });
  },
  '`dispatcher` in a `Request`, after a redirect': async () => {
    const { paths, dispatcher: counted } = dispatcher();
    const init = { dispatcher: counted } as object;
    expect((await sealed(new Request(`${api.url}/to?status=302`, init))).status).toBe(200);
    expect(paths).toEqual(['/to?status=302']);
    expect((await sealed('/to?status=302', init)).status).toBe(200);
    expect(paths.slice(1)).toEqual(['/to?status=302', '/echo?there']);
  },
  '`statusText`': async () => {
    expect((await keyed(`${api.url}/echo`)).statusText).toBe('OK');
    expect((await sealed('/echo')).statusText).toBe('');
  },
  '`headers`: `xlink-sealed`; they can be changed': async () => {
    const { headers } = await sealed('/echo');
    expect(headers.get('xlink-sealed')).toBe('true');
    headers.set('X-Own', 'a');
    expect(headers.get('x-own')).toBe('a');
  },
  '`body.getReader({ mode: "byob" })`': async () => {
    const { body } = await sealed('/endless');
    expect(() => body!.getReader({ mode: 'byob' })).toThrow('byte stream');
    await body!.cancel();
  },
};

describe('otherwise, and said so', () => {
  test.each(Object.keys(OTHERWISE))('%s [B6]', (name) => OTHERWISE[name]!());
});

test('docs/client.md has a row for each, and no other', () => {
  const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
  const named = [...page.matchAll(/^\| (.+?) \| (as `fetch`|refused|handed on|otherwise)/gm)].map(
    ([, name, how]) => `${name}: ${how}`,
  );
  const all = [
    ...Object.keys(rows).map((name) => `${name}: as \`fetch\``),
    ...Object.keys(REFUSED).map((name) => `${name}: refused`),
    ...Object.keys(HANDED_ON).map((name) => `${name}: handed on`),
    ...Object.keys(OTHERWISE).map((name) => `${name}: otherwise`),
  ];
  expect(named.sort()).toEqual(all.sort());
});
