import type { OptionCheck } from '../util/options.js';

/** `localhost`, `127.0.0.0/8` and `::1`, as a `URL` writes them. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The URL in a string; `undefined` if it has credentials, query or fragment, or is neither http nor https. */
function bareUrl(value: unknown): URL | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isBare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isBare && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** An https URL without credentials, query and fragment; http only for this very machine. */
export const isBaseUrl: OptionCheck = (value) => {
  const url = bareUrl(value);
  return url && (url.protocol === 'https:' || LOOPBACK.test(url.hostname))
    ? undefined
    : 'an https URL without credentials, query and fragment (http only for localhost)';
};

/** The same, and http for any machine. */
export const isAnyBaseUrl: OptionCheck = (value) =>
  bareUrl(value) ? undefined : 'an http or https URL without credentials, query and fragment';

/** The URL of a path below a base, with or without a slash at its end. */
export const below = (baseUrl: string, path: string): string => `${baseUrl.replace(/\/+$/, '')}${path}`;
