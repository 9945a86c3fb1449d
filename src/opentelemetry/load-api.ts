import type { OpenTelemetryApi } from './api-types.js';

/** How Node, Bun and Jest say that a package is not installed; not that one of its own files is missing. */
const NOT_INSTALLED = /^Cannot find (package|module) '@opentelemetry\/api'/;

/**
 * The API if it is installed, else `undefined`. Any other failure rejects: a broken installation is no absent one.
 * Loaded without top-level await, which `require()` of the package would not survive.
 */
export function loadApi(): Promise<OpenTelemetryApi | undefined> {
  return import('@opentelemetry/api').catch((error: unknown) => {
    if (isNotInstalled(error)) return undefined;
    throw error;
  });
}

function isNotInstalled(error: unknown): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && NOT_INSTALLED.test(String(message))
  );
}
