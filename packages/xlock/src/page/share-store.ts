import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type LimitStore,
  MemoryLimitStore,
  MemoryOperationsStore,
  type OperationsStore,
} from '@private.me/xlink';
import { type AddressOf, blockOf, peerAddress } from '@private.me/xlink/http-api';
import { Documents } from '@private.me/xlink/server';
import { isOrigin } from '../challenge/challenge.js';
import { fromBase64url, sha256, toBase64url } from '../util/bytes.js';
import { checkNames, checkValue, hasMethods, integerIn, invalidOption, isFunction } from '../util/options.js';
import type { PageHandler } from './approval-page.js';

/** Options of {@link shareStore}. */
export interface ShareStoreOptions {
  /** Where shares are kept. Default: in memory, which loses them at a restart. */
  readonly store?: OperationsStore;
  /** Origins of approval pages, which may ask from browsers. Default none. */
  readonly origins?: readonly string[];
  /** Path below which the shares are, as callers write it. Default `/`. */
  readonly path?: string;
  /** Requests of one address in a minute; those without a token are counted apart. Default 120. */
  readonly requestsPerMinute?: number;
  /** Counts them. Default: in memory. */
  readonly limits?: LimitStore;
  /** Whose requests are counted together. Default: the other end of the connection; behind a proxy `forwardedAddress` of `@private.me/xlink/http-api`. */
  readonly addressOf?: AddressOf;
}

/** What a share and its frame have at most, in bytes. */
const MOST = 4096;
/** Tokens are 32 random bytes, base64url. */
const TOKEN = /^Bearer ([\w-]{43})$/;

/**
 * A store of shares for approval pages: `PUT`, `GET` and `DELETE` of `<path>/<name>` with a `Bearer` token of 32 bytes, which every user has for
 * every store. A share is kept under the hash of token and name: who has another token finds nothing, and the store does not know whose it is.
 * Whoever has a token of their own may store: what holds strangers back is the limit for each address. Run each store with another operator. Throws `INVALID_OPTION`.
 */
export function shareStore(options: ShareStoreOptions = {}): PageHandler {
  const OWNER = 'shareStore';
  checkNames(OWNER, options, ['store', 'origins', 'path', 'requestsPerMinute', 'limits', 'addressOf']);
  const {
    store,
    origins = [],
    path = '/',
    requestsPerMinute = 120,
    limits,
    addressOf = peerAddress,
  } = options;
  checkValue(OWNER, 'store', store, hasMethods('load', 'list', 'save', 'remove'), 'an OperationsStore');
  if (!Array.isArray(origins) || !origins.every(isOrigin))
    throw invalidOption('origins', `${OWNER}: origins must be those of approval pages.`);
  checkValue(OWNER, 'path', path, (value) => /^\/[\w./-]*$/.test(String(value)), 'a path such as /shares');
  checkValue(OWNER, 'requestsPerMinute', requestsPerMinute, integerIn(1, 1_000_000), 'a whole number');
  checkValue(OWNER, 'limits', limits, hasMethods('take'), 'a LimitStore of @private.me/xlink');
  checkValue(OWNER, 'addressOf', addressOf, isFunction, 'a function');
  const shares = new Documents<{ readonly share: string }>(
    store ?? new MemoryOperationsStore(),
    'xlock-share',
  );
  const counts = limits ?? new MemoryLimitStore();
  const base = path.replace(/\/*$/, '/');

  async function answer(request: IncomingMessage, response: ServerResponse, name: string): Promise<number> {
    const { method, headers } = request;
    const isAsking = method === 'OPTIONS' && origins.includes(String(headers.origin));
    if (isAsking) return 204;
    const token = TOKEN.exec(String(headers.authorization))?.[1];
    const hasToken = token !== undefined && fromBase64url(token, 32) !== undefined;
    // Who sends none uses up nothing of those who share the address.
    const counted = `xlock-share${hasToken ? '' : '-refused'} ${blockOf(addressOf, request)}`;
    const { count } = await counts.take(counted, 60_000);
    if (count > requestsPerMinute) return 429;
    if (!hasToken) return 401;
    const place = toBase64url(sha256(`${token} ${name}`));
    if (method === 'GET') {
      const found = await shares.get(place);
      if (!found) return 404;
      response.setHeader('content-type', 'application/octet-stream');
      response.write(fromBase64url(found.share)!);
      return 200;
    }
    if (method === 'DELETE') {
      await shares.removeIf(place, () => true);
      return 204;
    }
    if (method !== 'PUT') return 405;
    const body = await bodyOf(request);
    if (!body) return 413;
    const share = toBase64url(body);
    await shares.update(place, () => ({ share }));
    return 204;
  }

  return (request, response, next) => {
    const target = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';
    const [, name] = target.startsWith(base)
      ? (/^([a-z0-9-]{1,64})$/.exec(target.slice(base.length)) ?? [])
      : [];
    if (!name) return next ? next() : void response.writeHead(404).end();
    const { origin } = request.headers;
    response.setHeader('vary', 'origin');
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    if (origin !== undefined && origins.includes(origin)) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-methods', 'GET, PUT, DELETE');
      response.setHeader('access-control-allow-headers', 'authorization, content-type');
      response.setHeader('access-control-max-age', '600');
    }
    answer(request, response, name).then(
      (status) => {
        if (!response.headersSent) response.statusCode = status;
        response.end();
      },
      () => {
        if (!response.headersSent) response.statusCode = 503;
        response.end();
      },
    );
  };
}

/** The body; `undefined` for one that is no share. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST) return undefined;
    chunks.push(chunk);
  }
  return size === 0 ? undefined : Buffer.concat(chunks);
}
