import { untilAborted } from '../http/abort.js';
import { given } from '../util/given.js';
import type { CallerRequest } from './buffered-request.js';

/** Sends for a caller who may give up: nothing leaves after that, and nothing is waited for. */
export async function sendFor(
  { signal, carrier, method }: CallerRequest,
  fetch_: typeof fetch,
  url: URL,
  init: RequestInit,
): Promise<Response> {
  signal?.throwIfAborted();
  const target = carrier?.url === url.href ? carrier : url.href;
  const body = init.body ?? (carrier?.bodyUsed ? new Uint8Array(0) : undefined); // of a used one, it must be said anew
  return untilAborted(
    fetch_(target, { ...init, ...duplexOf(body), ...given({ body, signal }), method, redirect: 'manual' }),
    signal,
  );
}

/** What the platform's `fetch` wants to be told of a body that is a stream. */
const duplexOf = (body: unknown): object => (body instanceof ReadableStream ? { duplex: 'half' } : {});
