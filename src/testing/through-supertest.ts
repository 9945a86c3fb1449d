import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request as requestOver,
  type ServerResponse,
} from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { xlinkError } from '../errors/errors.js';
import type { PlainRequest, WireRequest } from './request-forms.js';
import { listenerOf, type TestedApp } from './tested-app.js';

/** `supertest`, as far as it is used here. */
export type Supertest = (app: RequestListener) => object;

/** An answer of supertest; the parts that tests read. */
export interface SupertestAnswer {
  /** Status. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The media type. */
  readonly type: string;
  /** The body as text. */
  readonly text: string;
  /** JSON, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: as supertest has it
  readonly body: any;
}

/** A request of supertest: its methods that tests use. All others are there, too; cast to `Test` of supertest for their types. */
export interface SupertestRequest extends PromiseLike<SupertestAnswer> {
  /** Sets a header. */
  set(name: string, value: string): this;
  /** Sets several headers. */
  set(headers: Readonly<Record<string, string>>): this;
  /** The body: an object goes as JSON. */
  send(body?: string | object): this;
  /** Adds to the query. */
  query(query: string | object): this;
  /** Sets `Content-Type`. */
  type(type: string): this;
  /** A field of a form. */
  field(name: string, value: string): this;
  /** A file of a form. */
  attach(name: string, file: Uint8Array | string, filename?: string): this;
  /** Holds the status, and a body if there is one, against the answer. */
  expect(status: number, body?: unknown): this;
  /** Holds a header against a value. */
  expect(header: string, value: string | RegExp): this;
  /** Holds the body against another, or asks a function. */
  expect(body: unknown): this;
}

type Sign = (request: PlainRequest) => Promise<WireRequest>;

/** A request of supertest that is signed when it has become one: by then its query, form and headers are what is sent. */
export function supertestOf(
  app: TestedApp,
  supertest: Supertest | undefined,
  sign: Sign,
  method: string,
  path: string,
): SupertestRequest {
  const agent = (supertest ?? installed())((req, res) => void signedInto(app, sign, req, res));
  return (agent as Record<string, (path: string) => SupertestRequest>)[method]!(path);
}

/** What is installed beside this package, else what the program that runs has. */
function installed(): Supertest {
  for (const place of [import.meta.url, `${process.cwd()}/test.js`])
    try {
      const found = createRequire(place)('supertest');
      return found.default ?? found;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  const hint = 'Run npm install --save-dev supertest, or pass it: signedRequest(app, { supertest }).';
  throw xlinkError('INVALID_OPTION', { field: 'supertest', hint });
}

/** Stands where supertest expects the app: signs what comes, and has the app answer it. */
async function signedInto(
  app: TestedApp,
  sign: Sign,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const { method = 'GET', url = '/', headers } = req;
    const body = Buffer.concat(parts);
    const plain = { method, url, headers: headersOf(headers), ...(body.length > 0 ? { body } : {}) };
    const server = createServer(await listenerOf(app));
    const signed = await sign(plain);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    res.once('close', () => server.close());
    forward(signed, (server.address() as AddressInfo).port, res);
  } catch (error) {
    failed(res, error);
  }
}

const headersOf = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

function forward({ method, url, headers, body }: WireRequest, port: number, res: ServerResponse): void {
  delete headers['transfer-encoding']; // the body is whole
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const options = {
    host: '127.0.0.1',
    port,
    method,
    path: url,
    headers: { ...headers, ...length },
    agent: false,
  };
  requestOver(options, (answer) => {
    res.writeHead(answer.statusCode!, answer.statusMessage, answer.rawHeaders);
    answer.pipe(res).once('error', (error) => res.destroy(error));
  })
    .once('error', (error) => failed(res, error))
    .end(body);
}

/** What goes wrong here is no answer of the app: it says so. */
function failed(res: ServerResponse, error: unknown): void {
  if (res.headersSent) return void res.destroy();
  const { message, hint = '' } = error as Error & { hint?: string };
  res.writeHead(500, { 'content-type': 'text/plain' }).end(`signedRequest failed: ${message} ${hint}`);
}
