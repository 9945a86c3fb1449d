import { EventEmitter, once } from 'node:events';
import {
  createServer,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect } from '@jest/globals';
import Koa3 from 'koa';
import {
  Agent,
  type AgentMessage,
  type AgentOptions,
  type Auth,
  authOf,
  DualModeAdapter,
  type DualModeOptions,
  ENVELOPE_TYPE,
  type Envelope,
  type EnvelopeOptions,
  ERROR_TABLE,
  type ErrorId,
  MemoryTrustRegistry,
  requestBinding,
  type XlinkEvent,
} from '../../src/index.js';

const require = createRequire(import.meta.url);

// Koa

export type KoaClass = typeof Koa3;

/** For `describe.each`: the same tests over both. */
export const KOAS: { readonly name: string; readonly Koa: KoaClass }[] = [
  { name: 'Koa 3', Koa: Koa3 },
  { name: 'Koa 2', Koa: require('koa2') },
];

/** A parser that leaves nothing but what it made of the body, as koa-body does. */
export const tidyParser: Koa3.Middleware = async (ctx, next) => {
  const text = (await restOf(ctx.req)).toString();
  Object.assign(ctx.request, { body: text === '' ? {} : JSON.parse(text) });
  await next();
};

/** Parsers that leave the text in `rawBody` besides. */
export const PARSERS: [string, () => Koa3.Middleware][] = [
  ['koa-bodyparser', require('koa-bodyparser')],
  ['@koa/bodyparser', require('@koa/bodyparser').default],
];

export interface KoaMounted {
  readonly app: Koa3;
  readonly adapter: DualModeAdapter;
  readonly handler: Koa3.Middleware;
}

export interface KoaSetup {
  readonly Koa?: KoaClass;
  readonly api: ApiAgent;
  readonly options?: Partial<DualModeOptions>;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: KoaMounted) => void;
  /** What the server is given, if not the application itself. */
  readonly wrap?: (listener: RequestListener) => RequestListener;
}

/** A Koa application on a free port, closed after the test. By default in hybrid mode; `KEY` is the one good key. */
export async function serveKoa({
  Koa = Koa3,
  api,
  options,
  mount = plainMount,
  wrap,
}: KoaSetup): Promise<Service> {
  const service = recorder(api, options);
  const app = new Koa();
  app.silent = true;
  mount({
    app,
    adapter: service.adapter,
    async handler(ctx) {
      service.calls.push(await callOf(ctx));
      ctx.body = { ok: true };
    },
  });
  const listener: RequestListener = app.callback();
  return start(service, wrap ? wrap(listener) : listener);
}

const plainMount = ({ app, adapter, handler }: KoaMounted): void => {
  app.use(adapter.koa());
  app.use(handler);
};

async function callOf(ctx: Koa3.Context): Promise<Call> {
  const { method, originalUrl: url, headers, state } = ctx;
  const { body } = ctx.request as { body?: unknown };
  const stream = await restOf(ctx.req);
  return {
    method,
    url,
    headers,
    body,
    stream,
    auth: state.auth,
    authOf: authOf(ctx),
    message: state.agentMessage,
  };
}

// What does not depend on the framework, under the names and in the shapes of the Express suite's support.ts

export const KEY = 'key-canary-7d1f0c';
export const CANARY = 'payload-canary-52ab9e';
export const ORDER = { item: 'tea', note: CANARY };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

type ApiAgent = DualModeOptions['agent'];

export interface Parties {
  readonly api: Agent;
  readonly caller: Agent;
}

/** An API and a caller it knows, new in every test. */
export async function parties(forApi: AgentOptions = {}, forCaller: AgentOptions = {}): Promise<Parties> {
  const registry = new MemoryTrustRegistry();
  const api = await Agent.quickstart({ name: 'api', registry, ...forApi });
  return { api, caller: await Agent.quickstart({ name: 'caller', registry, ...forCaller }) };
}

/** A request as a test writes it. GET, or POST if it has a body, of `/orders`, unless said otherwise. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** Sends the body without Content-Length. */
  readonly chunked?: boolean;
}

type Draft = Partial<EnvelopeOptions>;

const methodOf = ({ method, body, chunked }: Sent): string =>
  method ?? (body !== undefined || chunked ? 'POST' : 'GET');
const pathOf = ({ path = '/orders' }: Sent): string => path;
const bindingOf = (sent: Sent): string => requestBinding(methodOf(sent), pathOf(sent));

export const json = (value: unknown, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { 'content-type': 'application/json', ...sent.headers },
  body: JSON.stringify(value),
});

export const withKey = (sent: Sent = {}, key = KEY): Sent => ({
  ...sent,
  headers: { ...sent.headers, 'x-api-key': key },
});

/** The envelope as the body. */
export const bodyForm = (envelope: Envelope | string, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { 'content-type': ENVELOPE_TYPE, ...sent.headers },
  body: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
});

/** The envelope in `Authorization`, beside whatever body there is. */
export const headerForm = (envelope: Envelope, sent: Sent = {}): Sent => ({
  ...sent,
  headers: {
    ...sent.headers,
    authorization: `Xlink ${Buffer.from(JSON.stringify(envelope)).toString('base64url')}`,
  },
});

export const sealedEnvelope = (
  { caller, api }: Parties,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Envelope> =>
  caller.createEnvelope({
    to: api.did,
    payload: ORDER,
    request: bindingOf({ method: 'POST', ...sent }),
    ...draft,
  });

/** A signed-only envelope that covers method, path, query, body and its type. */
export async function signedEnvelope(
  { caller, api }: Parties,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Envelope> {
  const contentType = sent.headers?.['content-type'];
  return caller.createEnvelope({
    to: api.did,
    signedOnly: true,
    request: bindingOf(sent),
    ...(sent.body === undefined ? {} : { content: Buffer.from(sent.body) }),
    ...(typeof contentType === 'string' ? { contentType } : {}),
    ...draft,
  });
}

/** A POST whose body is sealed. */
export const sealedRequest = async (from: Parties, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  bodyForm(await sealedEnvelope(from, sent, draft), sent);

/** A request with its envelope in `Authorization`. */
export const signedRequest = async (from: Parties, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  headerForm(await signedEnvelope(from, sent, draft), sent);

/** What a raw socket sends for a request. */
export function onTheWire(sent: Sent): Buffer {
  const body = Buffer.from(sent.body ?? '');
  const framing = sent.body === undefined ? {} : { 'content-length': body.length };
  const headers = Object.entries({ host: 'test', ...framing, ...sent.headers });
  const head = [
    `${methodOf(sent)} ${pathOf(sent)} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** Writes to the server, byte by byte if need be; the connection is closed after the test. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // a reset is one way to be cut off
  closers.push(async () => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What a handler found on its request. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  /** What was still to be read from the request. */
  readonly stream: Buffer;
  readonly auth: unknown;
  readonly authOf: Auth | undefined;
  readonly message: AgentMessage | undefined;
}

interface Recorder {
  readonly adapter: DualModeAdapter;
  /** Requests that reached the handler. */
  readonly calls: Call[];
  /** Keys that the validator was asked about. */
  readonly validated: string[];
  readonly events: XlinkEvent[];
  readonly signals: EventEmitter;
}

export interface Service extends Recorder {
  readonly server: Server;
  readonly port: number;
  /** Connections to the server, as it sees them. */
  readonly sockets: Socket[];
  /** What must not show up anywhere. */
  readonly secrets: Set<string>;
  send(sent: Sent): Promise<Answer>;
  /** Resolves when all requests so far are answered and counted. */
  quiet(): Promise<void>;
  /** Resolves when there are that many events of the type. */
  until(type: XlinkEvent['type'], count: number): Promise<void>;
}

/** An adapter, and lists of what happens at it. */
export function recorder(api: ApiAgent, options: Partial<DualModeOptions> = {}): Recorder {
  const [calls, validated, events]: [Call[], string[], XlinkEvent[]] = [[], [], []];
  const signals = new EventEmitter().setMaxListeners(0);
  const adapter = new DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    legacyKeyValidator(key) {
      validated.push(key);
      return key === KEY ? { userId: 'u1' } : null;
    },
    ...options,
    observers: [
      (event) => {
        events.push(event);
        signals.emit('event');
      },
      ...(options.observers ?? []),
    ],
  });
  return { adapter, calls, validated, events, signals };
}

/** Puts an application on a free port, closed after the test. */
export async function start(parts: Recorder, listener: RequestListener): Promise<Service> {
  const { events, signals } = parts;
  const server = createServer(listener);
  const sockets: Socket[] = [];
  let open = 0;
  server.prependListener('request', (_, response) => {
    open += 1;
    response.once('close', () => {
      open -= 1;
      signals.emit('closed');
    });
  });
  server.on('connection', (socket) => sockets.push(socket));
  const connections = new HttpAgent({ keepAlive: true });
  closers.push(async () => {
    connections.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ...parts,
    server,
    port,
    sockets,
    secrets: new Set([KEY, CANARY]),
    send: (sent) => send(port, sent, connections),
    async quiet() {
      while (open > 0) await once(signals, 'closed');
    },
    async until(type, count) {
      while (events.filter((event) => event.type === type).length < count) await once(signals, 'event');
    },
  };
}

async function send(port: number, sent: Sent, connections: HttpAgent): Promise<Answer> {
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
  const framing = sent.chunked
    ? { 'transfer-encoding': 'chunked' }
    : body
      ? { 'content-length': body.length }
      : {};
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    method: methodOf(sent),
    path: pathOf(sent),
    headers: { ...framing, ...sent.headers },
    agent: connections,
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const text = (await restOf(response)).toString();
  return { status: response.statusCode!, headers: response.headers, text };
}

/** What nobody has read of a message. */
export async function restOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (!message.readableEnded) for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `status id`, such as `401 API_KEY_INVALID`. */
export type RefusalText = `${number} ${ErrorId}`;

/** Sends, and holds the answer against everything that is true of every refusal. */
export async function expectRefused(service: Service, sent: Sent, expected: RefusalText): Promise<Answer> {
  const calls = service.calls.length;
  const answer = await service.send(sent);
  await service.quiet();
  const [status, id] = expected.split(' ') as [string, ErrorId];
  const { code, subCode, title, type } = JSON.parse(answer.text);
  expect(`${answer.status} ${subCode === undefined ? code : `${code}:${subCode}`}`).toBe(expected);
  expect([type, title]).toEqual([
    `https://xail.io/docs/packages/xlink/errors#${id}`,
    ERROR_TABLE[id].message,
  ]);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  });
  expect(answer.headers['www-authenticate'] !== undefined).toBe(status === '401');
  expect(service.calls).toHaveLength(calls);
  return answer;
}

/** Requests that were counted, as `outcome reason status route`. */
export const counted = ({ events }: Service): string[] =>
  events.flatMap((event) =>
    event.type === 'request' ? [`${event.outcome} ${event.reason} ${event.status} ${event.route}`] : [],
  );
