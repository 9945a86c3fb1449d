import { untilAborted } from '../http/abort.js';
import { given } from '../util/given.js';
import type { CallerRequest } from './buffered-request.js';

/** Sends for a caller who may give up: nothing leaves after that, and nothing is waited for. */
export async function sendFor(
  { signal, carrier, method, request }: CallerRequest,
  fetch_: typeof fetch,
  url: URL,
  init: RequestInit,
): Promise<Response> {
  signal?.throwIfAborted();
  const target = carrier?.url === url.href ? carrier : url.href;
  const body = init.body ?? (carrier?.bodyUsed ? new Uint8Array(0) : undefined); // of a used one, it must be said anew
  return untilAborted(
    fetch_(target, {
      ...init,
      redirect: 'manual',
      ...streamed(body, request.redirect),
      ...given({ body, signal }),
      method,
    }),
    signal,
  );
}

/**
 * What the platform's `fetch` is to be told of a body that is a stream. Node's keeps a copy of all that went out, for a redirect,
 * unless both say that there is none to follow.
 */
function streamed(body: unknown, redirect: RequestRedirect): RequestInit {
  if (!(body instanceof ReadableStream)) return {};
  return { duplex: 'half', ...(redirect === 'error' ? { redirect, window: null } : {}) } as RequestInit;
}
