import { untilAborted } from '../http/abort.js';
import { given } from '../util/given.js';
import type { BufferedRequest } from './buffered-request.js';

/** Sends for a caller who may give up: nothing leaves after that, and nothing is waited for. */
export async function sendFor(
  { signal, carrier, method }: BufferedRequest,
  fetch_: typeof fetch,
  url: URL,
  init: RequestInit,
): Promise<Response> {
  signal?.throwIfAborted();
  const target = carrier?.url === url.href ? carrier : url.href;
  const body = init.body ?? (carrier?.bodyUsed ? new Uint8Array(0) : undefined); // of a used one, it must be said anew
  return untilAborted(
    fetch_(target, { ...init, ...given({ body, signal }), method, redirect: 'manual' }),
    signal,
  );
}
