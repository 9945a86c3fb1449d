import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { X0xError } from '../errors.js';
import { X0xNode } from '../node.js';
import type { X0xNodeOptions } from '../node-options.js';
import { checkValue, integerIn } from '../util/options.js';
import { replaceFile } from '../util/private-file.js';
import { type ApiAnswer, dispatch, refusalOf } from './dispatch.js';
import { EVENTS_PATH, streamMessages } from './events.js';
import type { ApiRequest } from './route.js';
import { hasToken, tokenIn } from './token.js';

const MAX_BODY_BYTES = 512 * 1024;
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
      const server = createServer((req, res) => void serve(node, token, req, res));
      server.listen(apiPort ?? (options.name === undefined ? DEFAULT_PORT : 0), LOOPBACK);
      await once(server, 'listening');
      const daemon = new X0xDaemon(node, server);
      await replaceFile(join(dataDir, 'api.port'), daemon.address);
      return daemon;
    } catch (error) {
      await node.close();
      throw error;
    }
  }

  /** Ends the API and the instance. `api.port` goes; keys, contacts and token stay. */
  async stop(): Promise<void> {
    const path = join(this.node.identity.dataDir, 'api.port');
    const isOurs = (await readFile(path, 'utf8').catch(() => '')) === this.address;
    if (isOurs) await rm(path, { force: true });
    this.#server.close();
    this.#server.closeAllConnections();
    await this.node.close();
  }
}

async function serve(node: X0xNode, token: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let answer: ApiAnswer;
  try {
    const url = new URL(req.url ?? '/', 'http://daemon');
    assertAllowed(req, url, token);
    if (url.pathname === EVENTS_PATH && req.method === 'GET') return streamMessages(node, res);
    answer = await dispatch(node, await requestOf(req, url));
  } catch (error) {
    answer = refusalOf(error);
  }
  if (res.destroyed) return;
  const isTooLarge = answer.status === 413;
  res.writeHead(answer.status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    ...(answer.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(isTooLarge ? { Connection: 'close' } : {}),
  });
  res.end(JSON.stringify(answer.body));
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
  return value as ApiRequest['body'];
}
