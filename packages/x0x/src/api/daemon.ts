import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { X0xError } from '../errors.js';
import { X0xNode } from '../node.js';
import type { X0xNodeOptions } from '../node-options.js';
import { hasMemberTwice } from '../util/json.js';
import { checkValue, integerIn } from '../util/options.js';
import { publishAddress, withdrawAddress } from './api-port.js';
import { CHALLENGE_HEADER, isChallenge, proofFor } from './daemon-proof.js';
import { type ApiAnswer, dispatch, refusalOf } from './dispatch.js';
import { EVENTS_PATH, streamMessages } from './events.js';
import type { ApiRequest } from './route.js';
import { hasToken, tokenIn } from './token.js';

const MAX_BODY_BYTES = 512 * 1024;
/** Of all requests at once: programs of one machine. */
const MOST_CONNECTIONS = 256;
/** For the head of a request, for all of it, and how often that is looked at, in ms. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000 };
/** The only address it listens to. */
const LOOPBACK = '127.0.0.1';
const DEFAULT_PORT = 12_700;

/** Options of {@link X0xDaemon.start}. */
export interface X0xDaemonOptions extends X0xNodeOptions {
  /** Of the API, on 127.0.0.1; 0: a free one. Default 12700, and a free one for named instances. */
  readonly apiPort?: number;
}

/** An instance with its REST API on loopback: `api.port` and `api-token` in its data directory say where, and with which token. */
export class X0xDaemon {
  /** The instance. */
  readonly node: X0xNode;
  /** Where the API is, such as `127.0.0.1:12700`. */
  readonly address: string;
  readonly #server: Server;

  private constructor(node: X0xNode, server: Server) {
    this.node = node;
    this.#server = server;
    this.address = `${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  }

  /** Opens an instance and its API. Throws what `X0xNode.open` throws, and what keeps it from listening. */
  static async start({ apiPort, ...options }: X0xDaemonOptions = {}): Promise<X0xDaemon> {
    checkValue('X0xDaemon.start', 'apiPort', apiPort, integerIn(0, 65_535), 'a port');
    const node = await X0xNode.open(options);
    try {
      const { dataDir } = node.identity;
      const token = await tokenIn(dataDir);
      const server = createServer(TIMEOUTS, (req, res) => void serve(node, token, req, res));
      server.maxConnections = MOST_CONNECTIONS;
      await listening(server, apiPort ?? (options.name === undefined ? DEFAULT_PORT : 0));
      const daemon = new X0xDaemon(node, server);
      await publishAddress(dataDir, daemon.address);
      return daemon;
    } catch (error) {
      await node.close();
      throw error;
    }
  }

  /** Ends the API and the instance. `api.port` goes; keys, contacts and token stay. */
  async stop(): Promise<void> {
    await withdrawAddress(this.node.identity.dataDir, this.address);
    this.#server.close();
    this.#server.closeAllConnections();
    await this.node.close();
  }
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, LOOPBACK);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const isTaken = (cause as { code?: unknown }).code === 'EADDRINUSE';
    throw isTaken ? new X0xError('API_PORT_IN_USE', { field: 'apiPort', cause }) : cause;
  }
}

async function serve(node: X0xNode, token: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let answer: ApiAnswer;
  try {
    const url = urlOf(req);
    assertAllowed(req, url, token);
    if (url.pathname === '/health') return health(req, res, token);
    if (url.pathname === EVENTS_PATH && req.method === 'GET') return streamMessages(node, res);
    answer = await dispatch(node, await requestOf(req, url));
  } catch (error) {
    answer = refusalOf(error);
  }
  respond(req, res, answer);
}

/** A body that was not read ends the connection: nobody waits for the rest of it. */
function respond(req: IncomingMessage, res: ServerResponse, { status, body }: ApiAnswer): void {
  if (res.destroyed) return;
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(req.readableEnded || !hasBody(req) ? {} : { Connection: 'close' }),
  });
  res.end(JSON.stringify(body));
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** Answers everybody on this machine, without reading what they send. */
function health(req: IncomingMessage, res: ServerResponse, token: string): void {
  if (req.method !== 'GET') {
    respond(req, res, refusalOf(new X0xError('METHOD_NOT_ALLOWED')));
    return;
  }
  const challenge = req.headers[CHALLENGE_HEADER];
  const address = `${LOOPBACK}:${req.socket.localPort}`;
  const proof = isChallenge(challenge) ? { proof: proofFor(token, address, challenge) } : {};
  respond(req, res, { status: 200, body: { ok: true, status: 'healthy', ...proof } });
}

function urlOf({ url = '/' }: IncomingMessage): URL {
  try {
    return new URL(url, 'http://daemon');
  } catch {
    throw new X0xError('REQUEST_INVALID', { field: 'url', hint: 'The target of the request is no URL.' });
  }
}

/** Who asks is a program of this machine that may read the token: no page of a browser, under whatever name it got here. */
function assertAllowed({ headers }: IncomingMessage, { pathname, searchParams }: URL, token: string): void {
  if ([...searchParams].some(([name, value]) => /token/i.test(name) || value === token))
    throw new X0xError('UNAUTHORIZED:TOKEN_IN_URL');
  const isLoopback = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '');
  if (!isLoopback || headers.origin !== undefined) throw new X0xError('UNAUTHORIZED:ORIGIN');
  if (pathname !== '/health' && !hasToken(headers.authorization, token)) throw new X0xError('UNAUTHORIZED');
}

async function requestOf(req: IncomingMessage, { pathname, searchParams }: URL): Promise<ApiRequest> {
  const text = await bodyOf(req);
  return {
    method: req.method ?? 'GET',
    path: pathname,
    query: searchParams,
    body: text === '' ? {} : membersOf(text),
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of req as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MAX_BODY_BYTES) throw new X0xError('REQUEST_TOO_LARGE');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function membersOf(text: string): ApiRequest['body'] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined; // the message of JSON.parse quotes what it read
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new X0xError('REQUEST_INVALID', { field: 'body', hint: 'The body must be a JSON object.' });
  if (hasMemberTwice(text))
    throw new X0xError('REQUEST_INVALID', { field: 'body', hint: 'A member is in the body twice.' });
  return value as ApiRequest['body'];
}
