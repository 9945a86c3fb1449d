/** As in `fetch`. */
const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What is meant for one origin only, beside the header of the key. */
const PRIVATE = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * Follows redirects as `fetch` does, but takes the header of the key away when the origin changes: `fetch` does so for
 * `Authorization` only. A body that can be read only once is not sent again; the redirect is the answer then.
 */
export async function followed(
  send: typeof fetch,
  url: URL,
  init: RequestInit,
  keyHeaders: readonly string[],
): Promise<Response> {
  if ((init.redirect ?? 'follow') !== 'follow') return send(url, init);
  let next = url;
  let { method = 'GET', body, ...rest } = init;
  const headers = new Headers(init.headers);
  for (let count = 0; ; count++) {
    const response = await send(next, {
      ...rest,
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined || body === null ? {} : { body }),
    });
    const location = response.headers.get('location');
    const target = location !== null && URL.canParse(location, next) ? new URL(location, next) : undefined;
    if (!REDIRECTS.has(response.status) || !target || count >= MAX_REDIRECTS) return response;
    const toGet =
      (response.status === 303 && method !== 'HEAD') || (response.status <= 302 && method === 'POST');
    if (!toGet && body instanceof ReadableStream) return response;
    void response.body?.cancel().catch(() => undefined);
    if (toGet) {
      method = 'GET';
      body = null;
      for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
    }
    if (target.origin !== next.origin) for (const name of [...PRIVATE, ...keyHeaders]) headers.delete(name);
    next = target;
  }
}
