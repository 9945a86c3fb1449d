import type { IncomingMessage, ServerResponse } from 'node:http';
import { pageFiles } from './page-files.js';
import { type ApprovalPageOptions, pageConfigOf } from './page-options.js';

/** A handler of node:http, and middleware of Express: `next` gets what is not of the page. */
export type PageHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * Serves the approval page: where users approve logins in a browser, on a phone or beside the login page, installable, and usable without a line to
 * this server. Keys and shares are made and kept in the browser; this server sees neither them nor what is approved. It must be at the root
 * of its origin. Reads its files at the first request. Throws `INVALID_OPTION`.
 */
export function approvalPage(options: ApprovalPageOptions): PageHandler {
  const config = pageConfigOf(options);
  const headers = headersOf(options);
  let files: ReturnType<typeof pageFiles> | undefined;
  return (request, response, next) => {
    files ??= pageFiles(config);
    files.then(
      (found) => {
        const path = (request.url ?? '/').split('?')[0]!;
        const file = found.get(path);
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        if (!file || !isRead) {
          if (next) return next();
          return response.writeHead(file ? 405 : 404, headers).end();
        }
        const { type, body, etag } = file;
        const isKnown = request.headers['if-none-match'] === etag;
        response.writeHead(isKnown ? 304 : 200, {
          ...headers,
          etag,
          ...(isKnown ? {} : { 'content-type': type, 'content-length': body.length }),
        });
        response.end(isKnown || request.method === 'HEAD' ? undefined : body);
      },
      (error: unknown) => {
        files = undefined; // perhaps it can be read the next time
        if (next) next(error);
        else response.writeHead(500, headers).end();
      },
    );
  };
}

/** Scripts and styles of this server only, none in the page itself, and connections to whom it was told. */
function headersOf({ services, stores, relay }: ApprovalPageOptions): Record<string, string> {
  const sockets = relay ? [relay.url, relay.url.replace(/^http/, 'ws')] : [];
  const listed = services === 'any' ? ['https:'] : services;
  const connect = [...listed, ...[...stores, ...sockets].map((url) => new URL(url).origin)];
  // `origin` of a URL with ws: is that with ws: in Node, too.
  const policy = [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'`,
    `img-src 'self'`,
    `connect-src 'self' ${[...new Set(connect)].join(' ')}`,
    `worker-src 'self'`,
    `manifest-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
  ];
  return {
    'content-security-policy': policy.join('; '),
    'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
  };
}

/**
 * A link that opens a challenge in an approval page, for a button or a code to scan: what it opens stands behind `#`, which no server is sent. `page`: the
 * origin of the page. `challenge`: `text` of what the verifier made.
 */
export const approvalLink = (page: string, challenge: string): string => `${page}/#${challenge}`;
