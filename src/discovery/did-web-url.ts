import { xlinkError } from '../errors/errors.js';

/** A domain name, `localhost` included, and a port if need be. */
const HOST =
  /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(%3a[1-9][0-9]{0,4})?$/i;
/** Without the encoded slash, backslash and control characters, which servers take for something else than a name. */
const SEGMENT = /^([A-Za-z0-9._-]|%(?!2f|5c|[01]|7f)[0-9a-f]{2})+$/i;
const MAX_LENGTH = 2048;

/**
 * Where the document of a did:web is: `did:web:example.com` is at `https://example.com/.well-known/did.json`,
 * `did:web:example.com%3A8443:teams:billing` at `https://example.com:8443/teams/billing/did.json`. Throws `INVALID_DID`
 * for everything else, IP addresses included, which the specification excludes.
 */
export function didWebUrl(did: string): URL {
  const [scheme, method, host = '', ...segments] =
    typeof did === 'string' && did.length <= MAX_LENGTH ? did.split(':') : [];
  const isWellFormed =
    scheme === 'did' && method === 'web' && HOST.test(host) && segments.every((name) => SEGMENT.test(name));
  if (!isWellFormed) throw invalid();
  const path = segments.length === 0 ? '/.well-known' : `/${segments.join('/')}`;
  const text = `https://${host.replace(/%3a/i, ':')}${path}/did.json`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The parser drops dot segments and turns numbers into addresses: whatever it changed is not the name that was given.
  const name = host.replace(/%3a.*$/i, '').toLowerCase();
  const isAddress = /^[\d.]+$/.test(name);
  if (url?.hostname !== name || isAddress || url.pathname !== `${path}/did.json`) throw invalid();
  return url;
}

const invalid = () => xlinkError('INVALID_DID', { field: 'did' });
