import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isXfuseError, XfuseError } from '../errors.js';
import { checkNames, checkValue, integerIn, isFunction, isText } from '../util/options.js';
import { guardOf, unchecked } from './guard.js';
import type { BridgeCall } from './request.js';
import type { Xfuse } from './xfuse.js';

/** Options of {@link bridgeHandler}. */
export interface BridgeHandlerOptions {
  /** Longest body that is kept so that it can go to the modern side, in bytes; longer ones stream to the legacy side. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Whose request it is. Default: what its key header, `Authorization` or address says. */
  readonly caller?: (request: IncomingMessage) => string | undefined;
  /**
   * Checks a caller, and returns its id, the same every time, or `null`: then the legacy side answers, nothing is mirrored, and no side
   * is remembered; the same if it throws. The modern side serves whom it names with the rights of the bridge. Needed for a ratio above 0
   * where callers bring their own keys (`legacy` has no `apiKey`), unless `modern.fetch` is the platform's `fetch`. Default: none.
   */
  readonly authenticate?: (
    request: IncomingMessage,
  ) => string | null | undefined | Promise<string | null | undefined>;
}

/** RFC 9110 section 7.6.1, and what `fetch` sets itself. */
const NOT_PASSED_ON = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade host content-length expect'.split(
    ' ',
  ),
);

/**
 * A handler for `node:http` and Express in front of both sides; in Koa `ctx.respond = false` and `handler(ctx.req, ctx.res)`. It
 * must come before what reads bodies. The modern side sees the bridge as one caller;
 * the key header of callers goes to the legacy side only. Throws `INVALID_OPTION`, also for a ratio above 0 that needs `authenticate`.
 */
export function bridgeHandler(
  bridge: Xfuse,
  options: BridgeHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const owner = 'bridgeHandler';
  checkNames(owner, options, ['maxBodyBytes', 'caller', 'authenticate']);
  checkValue(owner, 'maxBodyBytes', options.maxBodyBytes, integerIn(0, 2 ** 26), 'bytes, at most 64 MiB');
  checkValue(owner, 'caller', options.caller, isFunction, 'a function');
  checkValue(owner, 'authenticate', options.authenticate, isFunction, 'a function');
  const { maxBodyBytes = 2 ** 20, authenticate, caller = authenticate ? undefined : callerOf } = options;
  const guard = guardOf(bridge);
  if (guard.needsCallers && !authenticate) {
    if (guard.ratio() > 0) throw unchecked('authenticate');
    guard.lock();
  }
  return async (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const id = authenticate && (await idOf(authenticate, request));
      const name = caller ? caller(request) : id;
      const call: BridgeCall =
        authenticate && id === undefined ? { mode: 'legacy' } : name === undefined ? {} : { caller: name };
      const body = await bodyOf(request, maxBodyBytes);
      const init = { method: request.method ?? 'GET', headers: headersOf(request), signal: gone.signal };
      const answer = await bridge.fetch(pathOf(request), {
        ...init,
        ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
        redirect: 'manual',
        xfuse: call,
      });
      await answerWith(answer, response);
    } catch (error) {
      if (response.headersSent || gone.signal.aborted) response.destroy();
      else refuse(response, error);
    }
  };
}

const pathOf = (request: IncomingMessage): string =>
  (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/';

/** The id of a caller who was checked; whatever goes wrong in the check is a no. */
async function idOf(
  authenticate: NonNullable<BridgeHandlerOptions['authenticate']>,
  request: IncomingMessage,
): Promise<string | undefined> {
  try {
    const id = await authenticate(request);
    return isText(id) ? (id as string) : undefined;
  } catch {
    return undefined;
  }
}

function callerOf({ headers, socket }: IncomingMessage): string {
  return String(headers['x-api-key'] ?? headers.authorization ?? socket.remoteAddress);
}

/** Headers of this hop only (RFC 9110 section 7.6.1). */
const listedIn = (connection: string | null | undefined): string[] =>
  (connection ?? '')
    .toLowerCase()
    .trim()
    .split(/\s*,\s*/);

function headersOf(request: IncomingMessage): Headers {
  const listed = listedIn(request.headers.connection);
  const headers = new Headers();
  // What `fetch` can undo, it asks for itself.
  const isOurs = (name: string) => NOT_PASSED_ON.has(name) || name === 'accept-encoding';
  for (const [name, values] of Object.entries(request.headersDistinct))
    if (!isOurs(name) && !listed.includes(name))
      for (const value of values ?? []) headers.append(name, value);
  return headers;
}

/** Bytes of a short body, a stream of a long one. */
async function bodyOf(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const length = request.headers['content-length'];
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > 0;
  if (!hasBody) return undefined;
  if (request.readableEnded)
    throw new XfuseError('INVALID_OPTION', { hint: 'bridgeHandler: mount it before what reads bodies.' });
  if (length === undefined || Number(length) > maxBytes) return Readable.toWeb(request);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function answerWith(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status;
  const listed = listedIn(answer.headers.get('connection'));
  for (const [name, value] of answer.headers) {
    // `fetch` has undone the encoding, so that neither it nor the length is right any more.
    if (NOT_PASSED_ON.has(name) || listed.includes(name)) continue;
    if (name === 'content-encoding' || name === 'set-cookie') continue;
    response.setHeader(name, value);
  }
  const cookies = answer.headers.getSetCookie();
  if (cookies.length) response.setHeader('set-cookie', cookies);
  if (!answer.body) return void response.end();
  await pipeline(Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]), response);
}

function refuse(response: ServerResponse, error: unknown): void {
  const known = isXfuseError(error) ? error : new XfuseError('LEGACY_FAILED', { cause: error });
  response.writeHead(known.status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ status: known.status, code: known.id, title: known.title }));
}
