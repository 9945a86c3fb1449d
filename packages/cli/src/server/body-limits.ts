import type { BodyLimit } from '@private.me/xlink';
import type { Route } from './route.js';

/** What the adapter reads without being told, in bytes. */
const USUAL_BYTES = 1024 * 1024;

/**
 * What the adapter must let through for routes that take more than usual. It knows paths by prefix: of several routes below one prefix
 * the largest counts there, and each reads no more than its own `maxBodyBytes` afterwards.
 */
export function bodyLimitsOf(routes: readonly Route[]): readonly BodyLimit[] {
  const largest = new Map<string, BodyLimit>();
  for (const { method, path, maxBodyBytes = 0 } of routes) {
    if (maxBodyBytes <= USUAL_BYTES) continue;
    const prefix = path.replace(/\/\{.*$/, '');
    const key = `${method} ${prefix}`;
    const maxBytes = Math.max(maxBodyBytes, largest.get(key)?.maxBytes ?? 0);
    largest.set(key, { path: prefix, methods: [method], maxBytes });
  }
  return [...largest.values()];
}
