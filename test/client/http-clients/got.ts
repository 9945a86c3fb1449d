import { Readable } from 'node:stream';
import { type XlinkFetchOptions, xlinkFetch } from '@private.me/xlink';
import got, { type BeforeRequestHook } from 'got';

export function gotFor(baseUrl: string, options: XlinkFetchOptions) {
  const fetch = xlinkFetch({ baseUrl, ...options });
  return got.extend({
    prefixUrl: baseUrl,
    retry: { methods: ['GET', 'HEAD'] }, // by itself, got repeats PUT and DELETE, too
    hooks: { beforeRequest: [answeredBy(fetch)] }, // the last of your hooks: got sends nothing after it
  });
}

/** What a hook returns is the answer. */
const answeredBy =
  (fetch: typeof globalThis.fetch): BeforeRequestHook =>
  async (request) => {
    const { method, signal, followRedirect } = request;
    const body =
      request.body === undefined ? null : await new Response(request.body as BodyInit).arrayBuffer();
    const sent = Object.entries(request.headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    );
    const redirect = followRedirect ? 'follow' : 'manual';
    const response = await fetch(request.url!, {
      method,
      headers: sent,
      body,
      redirect,
      ...(signal ? { signal } : {}),
    });
    const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
    headers['set-cookie'] = response.headers.getSetCookie();
    for (const name of ['content-encoding', 'content-length']) delete headers[name]; // of what is decoded by now
    const stream = response.body ? Readable.fromWeb(response.body as never) : Readable.from([]);
    return Object.assign(stream, { statusCode: response.status, headers, complete: true }) as never;
  };
