import { untilAborted } from '../http/abort.js';
import type { BufferedRequest } from './buffered-request.js';

/** Sends for a caller who may give up: nothing leaves after that, and nothing is waited for. */
export async function sendFor(
  { signal }: BufferedRequest,
  fetch_: typeof fetch,
  url: URL,
  init: RequestInit,
): Promise<Response> {
  signal?.throwIfAborted();
  return untilAborted(fetch_(url.href, signal ? { ...init, signal } : init), signal);
}
