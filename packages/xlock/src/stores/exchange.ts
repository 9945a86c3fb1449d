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
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_SHARE_BYTES) throw new Error('The store answered with more than a share may have.');
    chunks.push(chunk);
  }
  return found ? new Uint8Array(Buffer.concat(chunks)) : undefined;
}

/** Whether a URL is https, or http to this machine. */
export function isSafeUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname))
  );
}
