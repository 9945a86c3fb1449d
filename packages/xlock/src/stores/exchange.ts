import { MAX_SHARE_BYTES } from './backend.js';

/** What a store over HTTP is asked with. */
export interface Exchange {
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
}

/** Asks once, follows no redirect, and reads no more than a share may have. Rejects for any status but 2xx and 404. */
export async function exchanged(
  { fetch, timeoutMs }: Exchange,
  url: URL,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: Uint8Array },
): Promise<Uint8Array | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, { ...init, redirect: 'error', signal } as RequestInit);
  const found = response.status !== 404;
  if (found && !response.ok) {
    await response.body?.cancel();
    throw new Error(`The store answered with status ${response.status}.`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader(); // not every browser can iterate over a stream
  for (let read = await reader?.read(); read && !read.done; read = await reader!.read()) {
    size += read.value.length;
    if (size > MAX_SHARE_BYTES) {
      await reader!.cancel();
      throw new Error('The store answered with more than a share may have.');
    }
    chunks.push(read.value);
  }
  return found ? joined(chunks, size) : undefined;
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** Whether a URL is https, or http to this machine. */
export function isSafeUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text) || hasCredentials(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}

/** Whether a URL has `user:password@` in it. */
export function hasCredentials(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}
