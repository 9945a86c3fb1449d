import { readdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { XlinkFetchOptions } from '@private.me/xlink';
import axios from 'axios';
import express from 'express';
import { axiosFor } from './http-clients/axios.js';
import { gotFor } from './http-clients/got.js';
import { kyFor } from './http-clients/ky.js';
import { openapiFor } from './http-clients/openapi-fetch.js';
import { type ApiService, KEY, LOCAL, serveApi } from './support.js';

/** The calls that are compared, as each client makes them. */
interface Client {
  get(path: string): Promise<unknown>;
  post(path: string, json: object): Promise<unknown>;
  /** The status of a failed call, as the client tells it. */
  status(path: string): Promise<number | undefined>;
  /** Chunks as they come, until the reader has enough. */
  download(path: string): Promise<AsyncIterable<Uint8Array>>;
  abort(path: string, signal: AbortSignal): Promise<unknown>;
  put(path: string): Promise<unknown>;
  form(path: string, form: FormData): Promise<unknown>;
}

interface Paths {
  [path: string]: Record<
    'get' | 'post' | 'put',
    { responses: { 200: { content: { 'application/json': unknown } } } }
  >;
}

const failed = async <T>(promise: Promise<T>) =>
  promise.then(
    () => {
      throw new Error('no failure');
    },
    (error) => error,
  );

const CLIENTS: Readonly<Record<string, (url: string, options: XlinkFetchOptions) => Client>> = {
  axios: (url, options) => {
    const client = axiosFor(url, options);
    return {
      get: async (path) => (await client.get(path)).data,
      post: async (path, json) => (await client.post(path, json)).data,
      status: async (path) => (await failed(client.get(path))).response?.status,
      download: async (path) => (await client.get(path, { responseType: 'stream' })).data,
      abort: (path, signal) => client.get(path, { signal }),
      put: (path) => client.put(path, { a: 1 }),
      form: async (path, form) => (await client.postForm(path, form)).data,
    };
  },
  ky: (url, options) => {
    const client = kyFor(url, options);
    return {
      get: (path) => client.get(path.slice(1)).json(),
      post: (path, json) => client.post(path.slice(1), { json }).json(),
      status: async (path) => (await failed(client.get(path.slice(1), { retry: 0 }).text())).response?.status,
      download: async (path) => (await client.get(path.slice(1))).body as never,
      abort: (path, signal) => client.get(path.slice(1), { signal }).text(),
      put: (path) => client.put(path.slice(1), { json: { a: 1 } }).text(),
      form: (path, body) => client.post(path.slice(1), { body }).json(),
    };
  },
  'openapi-fetch': (url, options) => {
    const client = openapiFor<Paths>(url, options);
    const dataOf = async (call: Promise<{ data?: unknown; response: Response }>) => (await call).data;
    return {
      get: (path) => dataOf(client.GET(path, {})),
      post: (path, body) => dataOf(client.POST(path, { body } as never)),
      status: async (path) => (await client.GET(path, {})).response.status,
      download: async (path) => (await client.GET(path, { parseAs: 'stream' })).data as never,
      abort: (path, signal) => client.GET(path, { signal }),
      put: async (path) => {
        const { response } = await client.PUT(path, { body: { a: 1 } } as never);
        if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      },
      form: (path, body) =>
        dataOf(client.POST(path, { body, bodySerializer: (form: unknown) => form } as never)),
    };
  },
  got: (url, options) => {
    const client = gotFor(url, options);
    return {
      get: (path) => client.get(path.slice(1)).json(),
      post: (path, json) => client.post(path.slice(1), { json }).json(),
      status: async (path) =>
        (await failed(client.get(path.slice(1), { retry: { limit: 0 } }))).response?.statusCode,
      download: async (path) => client.stream.get(path.slice(1)),
      abort: (path, signal) => client.get(path.slice(1), { signal }),
      put: (path) => client.put(path.slice(1), { json: { a: 1 } }),
      form: (path, body) => client.post(path.slice(1), { body }).json(),
    };
  },
};

let api: ApiService;
let puts = 0;

beforeEach(async () => {
  puts = 0;
  api = await serveApi({}, (app) => {
    app.get('/no', (_req, res) => void res.status(503).json({ no: 1 }));
    app.get('/never', () => {});
    app.get('/events', (_req, res) => {
      res.write('first');
      res.once('drain', () => {});
    });
    app.put('/busy', (_req, res) => {
      puts += 1;
      res.status(503).end();
    });
    app.put('/broken', (_req, res) => {
      puts += 1;
      res.socket!.destroy();
    });
    app.post('/form', express.raw({ type: () => true }), (req, res) => {
      res.json({ type: req.headers['content-type'], text: String(req.body) });
    });
  });
});

describe.each(Object.entries(CLIENTS))('%s', (_, clientFor) => {
  let client: Client;

  beforeEach(() => {
    client = clientFor(api.url, { ...LOCAL, apiKey: KEY });
  });

  test('gets and posts, sealed', async () => {
    expect(await client.get('/orders')).toMatchObject({ mode: 'xlink', client: 'acme' });
    expect(await client.post('/orders', { item: 'tea' })).toMatchObject({
      mode: 'xlink',
      body: { item: 'tea' },
    });
    expect(api.seen.at(-1)!.headers['content-type']).toBe('application/xlink-envelope');
    expect(api.seen.at(-1)!.body).not.toContain('"tea"');
  });

  test('tells the status of an error', async () => {
    expect(await client.status('/no')).toBe(503);
  });

  test('downloads as it comes', async () => {
    for await (const chunk of await client.download('/events')) {
      expect(Buffer.from(chunk).toString()).toBe('first'); // and the answer is not over
      break;
    }
  });

  test('gives up', async () => {
    await client.get('/orders');
    const controller = new AbortController();
    const answer = failed(client.abort('/never', controller.signal));
    while (!api.seen.some(({ path }) => path === '/never')) await new Promise(setImmediate);
    controller.abort();
    expect((await answer).name).toMatch(/Abort|Canceled/);
  });

  test.each(['/busy', '/broken'])('does no write twice: %s', async (path) => {
    await failed(client.put(path));
    expect(puts).toBe(1);
  });

  test('sends forms', async () => {
    const form = new FormData();
    form.set('a', 'b');
    const { type, text } = (await client.form('/form', form)) as { type: string; text: string };
    expect(type).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(text).toContain('name="a"');
  });
});

test('axios names the wrong type of a form that it does not know to be one, with and without xLink', async () => {
  const form = new FormData();
  form.set('a', 'b');
  const url = `${api.url}/form`;
  const byKey = await axios.post(url, form, { adapter: 'fetch', headers: { 'X-API-Key': KEY } });
  const sealed = await axiosFor(api.url, { ...LOCAL, apiKey: KEY }).post('/form', form);
  for (const { data } of [byKey, sealed]) expect(data.type).toBe('application/x-www-form-urlencoded');
});

test('axios keeps what xlinkFetch rejects with as the cause', async () => {
  const fetchOptions = { integrity: 'sha256-AAAA' };
  const error = await failed(axiosFor(api.url, { ...LOCAL, apiKey: KEY }).get('/orders', { fetchOptions }));
  expect(error.cause).toMatchObject({ id: 'FETCH_OPTION_UNSUPPORTED', field: 'integrity' });
});

test('docs/client.md shows each of them as it is here', () => {
  const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
  const folder = new URL('http-clients/', import.meta.url);
  for (const file of readdirSync(folder))
    expect(page).toContain(`\`\`\`ts\n${readFileSync(new URL(file, folder), 'utf8')}\`\`\``);
});
