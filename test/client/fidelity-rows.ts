import { setTimeout as sleep } from 'node:timers/promises';
import { runInThisContext } from 'node:vm';

/** A `fetch`, and where the API is: one row is run by the platform's with a key, and by xlinkFetch. */
export interface Side {
  readonly fetch: typeof globalThis.fetch;
  readonly url: string;
}

/** What a call came to, in a form that can be compared. */
export type Row = (side: Side) => Promise<unknown>;

/** What is there of a rejection whoever rejects. */
const failure = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    (error) => ({ name: error.name, isReason: error === reason }),
  );
const reason = new Error('had enough');

const echo = async ({ fetch, url }: Side, init?: RequestInit, path = '/echo') =>
  (await (await fetch(`${url}${path}`, init)).json()) as Record<string, unknown>;
const sent = (body: BodyInit) => (side: Side) => echo(side, { method: 'POST', body });
const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);

async function form(side: Side) {
  const body = new FormData();
  body.append('a', '1');
  body.append('file', new Blob(['content'], { type: 'text/csv' }), 'a.csv');
  const { type, body: text } = await echo(side, { method: 'POST', body });
  const headers = { 'Content-Type': String(type) };
  const parsed = await new Response(Buffer.from(String(text), 'base64'), { headers }).formData();
  const file = parsed.get('file') as File;
  return [parsed.get('a'), file.name, file.type, await file.text()];
}

/** Counts, and hands on to the platform's own. */
export function dispatcher() {
  const own = (runInThisContext('globalThis') as Record<symbol, { dispatch(...args: unknown[]): boolean }>)[
    Symbol.for('undici.globalDispatcher.1')
  ]!;
  const paths: string[] = [];
  const dispatch = (options: { path: string }, ...rest: unknown[]) => {
    paths.push(options.path);
    return own.dispatch(options, ...rest);
  };
  return { paths, dispatcher: { dispatch } };
}

/** Members of a request. */
export const REQUEST_ROWS: Readonly<Record<string, Row>> = {
  '`method`, written in any case': async (side) =>
    Promise.all(
      ['get', 'Post', 'put', 'DELETE', 'PATCH', 'options'].map(
        async (method) => (await echo(side, { method })).method,
      ),
    ),
  '`method` that `fetch` forbids, a body of GET': async ({ fetch, url }) => [
    await failure(fetch(url, { method: 'TRACE' })),
    await failure(fetch(url, { method: 'GET', body: 'x' })),
  ],
  '`headers` as `Headers`, pairs or object': async (side) => {
    const pairs: [string, string][] = [
      ['X-Own', 'a'],
      ['X-Own', 'b'],
      ['Accept', 'text/csv'],
      ['Cookie', 'theme=dark'],
      ['User-Agent', 'mine'],
    ];
    const forms = [pairs, new Headers(pairs), { 'X-Own': 'c', Accept: 'text/csv' }];
    return Promise.all(
      forms.flatMap((headers) => [
        echo(side, { headers }),
        echo(side, { method: 'PUT', body: 'x', headers }),
      ]),
    );
  },
  '`body`: string': sent('grüße'),
  '`body`: `URLSearchParams`': sent(new URLSearchParams({ a: '1 2', b: 'ü' })),
  '`body`: `FormData`': form,
  '`body`: `Blob`': sent(new Blob(['x,y'], { type: 'text/csv' })),
  '`body`: `ArrayBuffer` and views of one': async (side) =>
    Promise.all(
      [bytes.buffer, bytes.subarray(5, 60_000), new DataView(bytes.buffer, 3, 9)].map((body) =>
        sent(body as BodyInit)(side),
      ),
    ),
  '`body`: empty, or `null`': async (side) => [
    await sent('')(side),
    await echo(side, { method: 'POST', body: null }),
  ],
  'a `Request`': async ({ fetch, url }) => {
    const request = new Request(`${url}/echo`, { method: 'put', body: 'x', headers: { 'X-Own': 'a' } });
    const answer = await fetch(request);
    return [await answer.json(), request.bodyUsed, await failure(fetch(request))];
  },
  'a `Request` and an init, which counts more': async ({ fetch, url }) => {
    const request = new Request(`${url}/echo`, { method: 'PUT', body: 'x', headers: { 'X-Own': 'a' } });
    const answer = await fetch(request, { method: 'POST', headers: { 'X-Other': 'b' }, body: 'y' });
    return answer.json();
  },
  'a `Request` as init': async ({ fetch, url }) => {
    const init = new Request(url, { method: 'DELETE', headers: { 'X-Own': 'a' } });
    return (await fetch(`${url}/echo`, init)).json();
  },
  '`clone()` of a `Request`, before and after': async ({ fetch, url }) => {
    const request = new Request(`${url}/echo`, { method: 'POST', body: 'x' });
    const clone = request.clone();
    const first = await (await fetch(request)).json();
    const second = await (await fetch(clone)).json();
    return [first, second, await failure((async () => request.clone())())];
  },
  '`URL` objects, fragments': async ({ fetch, url }) => {
    const answer = await fetch(new URL(`${url}/echo?a=b#part`));
    return [answer.url.slice(url.length), await answer.json()];
  },
  '`signal`: aborted before': async ({ fetch, url }) =>
    failure(fetch(url, { signal: AbortSignal.abort(reason) })),
  '`signal`: aborted meanwhile': async ({ fetch, url }) => {
    const controller = new AbortController();
    const answer = failure(fetch(`${url}/never`, { signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 200);
    return [await answer, await failure(fetch(`${url}/never`, { signal: AbortSignal.timeout(200) }))];
  },
  '`signal`: aborted while the body streams': async ({ fetch, url }) => {
    const ends: unknown[] = [];
    for (const why of [reason, undefined]) {
      const controller = new AbortController();
      const { body } = await fetch(`${url}/endless`, { signal: controller.signal });
      const reader = body!.getReader();
      await reader.read();
      controller.abort(why);
      ends.push(
        await failure(
          (async () => {
            while (!(await reader.read()).done);
          })(),
        ),
      );
    }
    return ends;
  },
  '`signal` of a `Request`, and `null` to be rid of it': async ({ fetch, url }) => {
    const request = () => new Request(`${url}/echo`, { signal: AbortSignal.abort(reason) });
    return [await failure(fetch(request())), (await fetch(request(), { signal: null })).status];
  },
  '`dispatcher` (Node)': async ({ fetch, url }) => {
    const counted = dispatcher();
    await (await fetch(`${url}/echo?d`, { dispatcher: counted.dispatcher } as object)).text();
    return counted.paths;
  },
  '`dispatcher` in a `Request` (Node)': async ({ fetch, url }) => {
    const counted = dispatcher();
    const init = { dispatcher: counted.dispatcher } as object;
    await (await fetch(new Request(`${url}/echo?r`, init))).text();
    for (const body of ['x', ''])
      await (await fetch(new Request(`${url}/echo?b`, { ...init, method: 'POST', body }))).text();
    return counted.paths;
  },
  '`window`': async ({ fetch, url }) => [
    (await fetch(`${url}/echo`, { window: null })).status,
    await failure(fetch(url, { window: {} as never })),
  ],
  '`redirect: follow`, within the origin': async ({ fetch, url }) => {
    const all: unknown[] = [];
    for (const status of [301, 302, 303, 307, 308])
      for (const method of ['GET', 'POST', 'PUT']) {
        const init = { method, headers: { 'X-Own': 'a' }, ...(method === 'GET' ? {} : { body: 'x' }) };
        const answer = await fetch(`${url}/to?status=${status}`, init);
        const { url: at, redirected, status: got } = answer.clone();
        all.push([status, method, got, at.slice(url.length), redirected, await answer.json()]);
      }
    return all;
  },
  '`redirect: manual`': async ({ fetch, url }) => {
    const answer = await fetch(`${url}/to?status=302`, { redirect: 'manual' });
    return [answer.status, answer.headers.get('location'), answer.redirected, answer.type];
  },
  '`redirect: error`': async ({ fetch, url }) => [
    await failure(fetch(`${url}/to?status=302`, { redirect: 'error' })),
    await failure(fetch(new Request(`${url}/to?status=302`, { redirect: 'error' }))),
    (await fetch(`${url}/echo`, { redirect: 'error' })).status,
  ],
};

/** Members of an answer. */
export const RESPONSE_ROWS: Readonly<Record<string, Row>> = {
  '`status`, `ok`, `url`, `type`, `redirected`': async ({ fetch, url }) =>
    Promise.all(
      [200, 201, 206, 400, 404, 500, 503].map(async (code) => {
        const { status, ok, url: at, type, redirected } = await fetch(`${url}/status?code=${code}`);
        return [status, ok, at.slice(url.length), type, redirected];
      }),
    ),
  '`status` 204, 205, 304, and answers to HEAD': async ({ fetch, url }) =>
    Promise.all(
      [204, 205, 304, 200].map(async (code) => {
        const method = code === 200 ? 'HEAD' : 'GET';
        const answer = await fetch(`${url}/status?code=${code}`, { method });
        return [answer.status, await answer.text(), answer.bodyUsed];
      }),
    ),
  '`headers`, each `Set-Cookie` for itself': async ({ fetch, url }) => {
    const { headers } = await fetch(`${url}/headers`);
    return [
      headers.getSetCookie(),
      ['etag', 'link', 'x-own', 'content-type'].map((name) => headers.get(name)),
    ];
  },
  '`json()`, `text()`, `arrayBuffer()`, `blob()`, `bytes()`': async ({ fetch, url }) => {
    const answer = () => fetch(`${url}/headers`);
    const blob = await (await answer()).blob();
    const more = (await answer()) as Response & { bytes?: () => Promise<Uint8Array> };
    return [
      await (await answer()).json(),
      await (await answer()).text(),
      Buffer.from(await (await answer()).arrayBuffer()).toString(),
      [blob.type, await blob.text()],
      more.bytes ? Buffer.from(await more.bytes()).toString() : 'none here',
    ];
  },
  '`formData()`': async ({ fetch, url }) => {
    const data = await (await fetch(`${url}/form`)).formData();
    return [...data.entries()];
  },
  '`body` as a stream, as it comes': async ({ fetch, url }) => {
    const { body } = await fetch(`${url}/endless`);
    const reader = body!.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    return [Buffer.from(value!).toString().slice(0, 5), (await reader.read()).done];
  },
  '`for await` over `body`': async ({ fetch, url }) => {
    const parts: Uint8Array[] = [];
    for await (const part of (await fetch(`${url}/long`)).body as never as AsyncIterable<Uint8Array>)
      parts.push(part);
    return Buffer.concat(parts).length;
  },
  '`cancel()` reaches the service': async ({ fetch, url }) => {
    const { body } = await fetch(`${url}/endless`);
    await body!.cancel();
    for (;;) {
      const { open } = (await (await fetch(`${url}/open`)).json()) as { open: number };
      if (open === 0) return open;
      await sleep(10);
    }
  },
  '`bodyUsed`, and a body that is read twice': async ({ fetch, url }) => {
    const answer = await fetch(`${url}/headers`);
    const before = answer.bodyUsed;
    await answer.text();
    return [before, answer.bodyUsed, await failure(answer.text())];
  },
  '`clone()`, and of that its `url`, `type`, `redirected`': async ({ fetch, url }) => {
    const answer = await fetch(`${url}/to?status=302`);
    const clones = [answer.clone(), answer.clone().clone()];
    const said = clones.map((one) => [
      one instanceof Response,
      one.url.slice(url.length),
      one.type,
      one.redirected,
      one.status,
    ]);
    const texts = await Promise.all([answer, ...clones].map((one) => one.text()));
    return [said, texts, await failure((async () => answer.clone())())];
  },
  '`Content-Encoding`, which is undone': async ({ fetch, url }) => (await fetch(`${url}/gzip`)).text(),
};
