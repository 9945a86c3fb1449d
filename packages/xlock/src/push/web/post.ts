import { lookup } from 'node:dns';
import { request as http, type RequestOptions } from 'node:http';
import { request as https } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isPrivateHost } from '@private.me/xlink/server';

/** What a push service answered. */
export interface PushAnswer {
  readonly status: number;
}

/** How {@link postPush} asks. */
export interface PostOptions {
  readonly timeoutMs: number;
  /** Whether private addresses and plain http are asked, too. */
  readonly allowsPrivate: boolean;
}

/** Whether an endpoint may be asked: https, no private host, no user. A browser says it, so it is not believed. */
export function isPushEndpoint(text: unknown, allowsPrivate: boolean): text is string {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password, port } = new URL(text);
  if (username !== '' || password !== '') return false;
  if (allowsPrivate) return protocol === 'https:' || protocol === 'http:';
  return protocol === 'https:' && port === '' && !isPrivateHost(hostname);
}

/** A name that leads to a private address is not followed there: what was looked up is what is connected to. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '', 0);
    const bad = addresses.some(({ address, family }) =>
      isPrivateHost(family === 6 ? `[${address}]` : address),
    );
    if (bad || addresses.length === 0)
      return callback(new Error('The push service is at a private address.'), '', 0);
    if (options.all) return callback(null, addresses as never);
    callback(null, addresses[0]!.address, addresses[0]!.family);
  });
};

/** Posts once, follows no redirect, and reads nothing of the answer but its status. */
export function postPush(
  endpoint: string,
  headers: Record<string, string>,
  body: Uint8Array,
  { timeoutMs, allowsPrivate }: PostOptions,
): Promise<PushAnswer> {
  const url = new URL(endpoint);
  const options: RequestOptions = {
    method: 'POST',
    headers: { ...headers, 'content-length': body.length },
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
    ...(allowsPrivate ? {} : { lookup: publicLookup }),
  };
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? https : http)(url, options, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
      response.once('error', () => {});
      response.once('data', () => response.destroy());
    });
    asked.once('error', reject).end(body);
  });
}
