import { unref } from '../util/backoff.js';
import type { PolicySource } from './source.js';

/** Calls `read` whenever the source may have changed, until the returned function is called. */
export function keepReading(source: PolicySource, intervalMs: number, read: () => void): () => void {
  if (source.watch) return source.watch(read);
  const timer = setInterval(read, intervalMs);
  unref(timer);
  return () => clearInterval(timer);
}
