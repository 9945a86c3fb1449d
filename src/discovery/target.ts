import { xlinkError } from '../errors/errors.js';

/** What is to be discovered: a name for the registry, or the base URL of a service. */
export type Target = { readonly name: string } | { readonly url: string };

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const EXPECTED = 'Pass a name, a domain or a URL first, then options.';
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

/**
 * Tells names, domains and URLs apart: `payments-service` has neither dot nor scheme, `api.example.com` (with a port, if
 * need be) is a domain, `https://api.example.com/xlink` is a URL. Throws `DISCOVERY_FAILED` for anything else.
 */
export function parseTarget(target: string): Target {
  if (typeof target === 'string' && NAME.test(target)) return { name: target };
  const isUrl = typeof target === 'string' && SCHEME.test(target);
  const text = isUrl ? target : `https://${target}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url?.username === '' && url.password === '' && url.hash === '';
  if (!url || !isBare || (!isUrl && !isHostOnly(url, target)))
    throw xlinkError('DISCOVERY_FAILED', { field: 'target', hint: EXPECTED });
  return { url: text };
}

const isHostOnly = (url: URL, target: unknown): boolean =>
  typeof target === 'string' && !/[/?#\\@\s]/.test(target) && url.pathname === '/' && url.search === '';
