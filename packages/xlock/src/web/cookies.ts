import type { IncomingMessage } from 'node:http';

/** `__Host-`: only this host, over TLS, could have set it (RFC 6265bis). Over plain http, on this machine, there is no such thing. */
const PREFIX = '__Host-';

/**
 * The value of a cookie; `undefined` if it is not there. `isSecure`: the origin is https, where the name has the prefix, and one without it counts for
 * nothing: another host of the domain could have set it.
 */
export function cookieIn(
  { headers: { cookie } }: IncomingMessage,
  name: string,
  isSecure: boolean,
): string | undefined {
  const pairs = new Map(
    (cookie ?? '')
      .split(';')
      .map((pair) => [pair.split('=')[0]!.trim(), pair.split('=').slice(1).join('=').trim()]),
  );
  return pairs.get(isSecure ? PREFIX + name : name);
}

/** A `Set-Cookie` that scripts cannot read, and other sites cannot send along. `seconds` 0: it is removed. */
export const cookieLine = (name: string, value: string, seconds: number, isSecure: boolean): string =>
  [
    `${isSecure ? PREFIX : ''}${name}=${value}`,
    'Path=/',
    `Max-Age=${seconds}`,
    'HttpOnly',
    'SameSite=Lax',
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
