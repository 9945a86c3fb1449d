import type { OptionCheck } from '../util/options.js';

/** `localhost`, `127.0.0.0/8` and `::1`, as a `URL` writes them. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** An https URL without credentials, query and fragment; http only for this very machine. */
export const isBaseUrl: OptionCheck = (value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  const isBare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isSafe && isBare
    ? undefined
    : 'an https URL without credentials and query (http only for localhost)';
};

/** The URL of a path below a base, with or without a slash at its end. */
export const below = (baseUrl: string, path: string): string => `${baseUrl.replace(/\/+$/, '')}${path}`;
