import { createHash, createHmac } from 'node:crypto';

/** Who signs, and for which service. */
export interface SigV4Scope {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  readonly region: string;
  readonly service: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** Each byte that is not unreserved (RFC 3986) as `%XX`, in the path also not `/`. */
export const encodeRfc3986 = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * The headers of a request that is signed by AWS Signature Version 4, the body included. `url`: its path is taken as encoded already;
 * `headers`: more that are signed.
 */
export function signedHeaders(
  scope: SigV4Scope,
  method: string,
  url: URL,
  body: Uint8Array,
  now: number,
  headers: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const payload = hex(body);
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    'x-amz-content-sha256': payload,
    'x-amz-date': time,
    ...(scope.sessionToken === undefined ? {} : { 'x-amz-security-token': scope.sessionToken }),
  };
  const names = Object.keys(all).sort();
  const signed = names.join(';');
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort()
    .join('&');
  const lines = names.map((name) => `${name}:${all[name]!.trim().replace(/\s+/g, ' ')}\n`).join('');
  const canonical = [method, url.pathname, query, lines, signed, payload].join('\n');
  const range = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, range, hex(canonical)].join('\n');
  const key = [scope.region, scope.service, 'aws4_request'].reduce(
    hmac,
    hmac(`AWS4${scope.secretAccessKey}`, day),
  );
  const signature = hmac(key, text).toString('hex');
  const { host: _, ...sent } = all; // fetch says it by itself
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope.accessKeyId}/${range}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}
