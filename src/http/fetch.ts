import { concat } from '../crypto/bytes.js';
import { unref } from '../util/backoff.js';
import { onAbort } from '../util/on-abort.js';
import { decodeUtf8 } from '../util/utf8.js';

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, the body of the answer included. */
  readonly timeoutMs: number;
  /** A longer answer is an error. */
  readonly maxAnswerBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpTextResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * One exchange: within a time and a size, without redirects (an envelope is for one address), cookies and caches.
 * Rejects if there is no whole answer.
 */
export async function httpCall(fetch_: typeof fetch, call: HttpCall): Promise<HttpTextResponse> {
  const { signal, timeoutMs, maxAnswerBytes, url, ...init } = call;
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  if (signal.aborted) stop();
  const unlink = onAbort(signal, stop);
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  unref(timer);
  try {
    const response = await fetch_(url, {
      ...init,
      redirect: 'manual',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: controller.signal,
    });
    const text = decodeUtf8(await readAtMost(response, maxAnswerBytes));
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    controller.abort(error); // gives up a connection that is still busy
    throw error;
  } finally {
    clearTimeout(timer);
    unlink();
  }
}

/** All bytes of a body, counted as they arrive. Rejects once there are more than `maxBytes`. */
export async function readAtMost({ body }: Response | Request, maxBytes: number): Promise<Uint8Array> {
  const reader = body?.getReader();
  if (!reader) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = (await reader.read()) as { done: boolean; value: Uint8Array };
    if (done) return concat(chunks);
    size += value.length;
    if (size > maxBytes) {
      void reader.cancel().catch(() => {});
      throw new Error(`the body is longer than ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
}
