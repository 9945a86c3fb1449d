import { EventEmitter, once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, Server } from 'node:http';
import { createServer, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { format, inspect } from 'node:util';
import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import express5, { type Application, type Request, type RequestHandler } from 'express';
import express4 from 'express4';
import { AgentCore as Agent } from '../../src/agent/agent.js';
import {
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
  type Identity,
  requestBinding,
  type XlinkEvent,
} from '../../src/index.js';
import { identityOf, World } from '../support/agents.js';

export type Express = typeof express5;

/** For `describe.each`: the same tests over both. */
export const FRAMEWORKS: { readonly name: string; readonly express: Express }[] = [
  { name: 'Express 5', express: express5 },
  { name: 'Express 4', express: express4 as unknown as Express },
];

export const KEY = 'key-canary-7d1f0c';
export const CANARY = 'payload-canary-52ab9e';
export const ORDER = { item: 'tea', note: CANARY };

const printed: string[] = [];
const closers: (() => Promise<void>)[] = [];

beforeEach(() => {
  printed.length = 0;
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    jest.spyOn(console, method).mockImplementation((...args) => void printed.push(format(...args)));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(closers.splice(0).map((close) => close()));
});

// Parties

export interface Parties {
  readonly world: World;
  readonly api: Agent;
  readonly caller: Agent;
}

/** An API and a caller it knows, new in every test. */
export async function parties(forApi: AgentOptions = {}, forCaller: AgentOptions = {}): Promise<Parties> {
  const world = new World();
  return {
    world,
    api: await agentOf(world, 'api', forApi),
    caller: await agentOf(world, 'caller', forCaller),
  };
}

const identities = new Map<string, Promise<Identity>>();

/** As `world.agent(name)`, with keys that are generated once per file: they cost more than all else in a test. */
async function agentOf(world: World, name: string, options: AgentOptions): Promise<Agent> {
  const { clock, registry, transport } = world;
  const key = `${name} ${options.maxVersion}`;
  const made = identities.get(key) ?? identityOf(name, options.maxVersion);
  identities.set(key, made);
  const identity = await made;
  const agent = new Agent({ identity, name, clock, registry, transport, ...options });
  const { sendScopes, receiveScopes } = options;
  const registered = await registry.register({
    did: identity.did,
    keys: await agent.keyRecord(),
    ...(sendScopes ? { sendScopes } : {}),
    ...(receiveScopes ? { receiveScopes } : {}),
  });
  expect(registered).toEqual({ ok: true, value: undefined });
  return agent;
}

// Requests

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

export const headerText = (envelope: Envelope | string): string =>
  Buffer.from(typeof envelope === 'string' ? envelope : JSON.stringify(envelope)).toString('base64url');

/** The envelope in a header, `Authorization` unless said otherwise, beside whatever body there is. */
export const headerForm = (
  envelope: Envelope | string,
  sent: Sent = {},
  header: 'authorization' | 'xlink-envelope' = 'authorization',
): Sent => ({
  ...sent,
  headers: {
    ...sent.headers,
    [header]: `${header === 'authorization' ? 'Xlink ' : ''}${headerText(envelope)}`,
  },
});

export const sealedEnvelope = (
  { caller, api }: Pick<Parties, 'caller' | 'api'>,
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
  { caller, api }: Pick<Parties, 'caller' | 'api'>,
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
export const sealedRequest = async (
  from: Pick<Parties, 'caller' | 'api'>,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Sent> => bodyForm(await sealedEnvelope(from, sent, draft), sent);

/** A request with its envelope in `Authorization`. */
export const signedRequest = async (
  from: Pick<Parties, 'caller' | 'api'>,
  sent: Sent = {},
  draft: Draft = {},
): Promise<Sent> => headerForm(await signedEnvelope(from, sent, draft), sent);

/** What a raw socket sends for a request. */
export function onTheWire(sent: Sent): Buffer {
  const body = Buffer.from(sent.body ?? '');
  const framing = sent.chunked
    ? { 'transfer-encoding': 'chunked' }
    : sent.body === undefined
      ? {}
      : { 'content-length': body.length };
  const headers = Object.entries({ host: 'test', ...framing, ...sent.headers });
  const head = [
    `${methodOf(sent)} ${pathOf(sent)} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const chunks = sent.chunked
    ? [
        body.length > 0 ? `${body.length.toString(16)}\r\n` : '',
        body,
        body.length > 0 ? '\r\n' : '',
        '0\r\n\r\n',
      ]
    : [body];
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    ...chunks.map((part) => Buffer.from(part)),
  ]);
}

// Answers

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode!,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  };
}

export const problemOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text);

/** One connection, byte by byte. */
export interface Wire {
  readonly socket: Socket;
  /** Resolves when the kernel has taken the bytes. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** The next answer. Rejects if the connection ends before. */
  answer(): Promise<Answer>;
  /** Resolves when the connection is closed, however. */
  readonly closed: Promise<void>;
}

/** Opens a connection; closed after the test. */
export async function openWire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1');
  closers.push(async () => void socket.destroy());
  const signals = new EventEmitter().setMaxListeners(0);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    signals.emit('change');
  });
  socket.on('error', () => {}); // a reset is one way to be cut off; `closed` says so
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  closed.then(() => signals.emit('change'));
  await once(socket, 'connect');
  const next = (): Answer | undefined => {
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
    const fields = lines.map((line) => line.split(/: ?(.*)/s) as [string, string]);
    const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
    const total = end + 4 + Number(headers['content-length'] ?? 0);
    if (text.length < total) return undefined;
    const answer = { status: Number(statusLine.split(' ')[1]), headers, text: text.slice(end + 4, total) };
    text = text.slice(total);
    return answer;
  };
  return {
    socket,
    closed,
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    async answer() {
      for (;;) {
        const answer = next();
        if (answer) return answer;
        if (socket.closed) throw new Error('the connection was closed before there was an answer');
        await once(signals, 'change');
      }
    },
  };
}

// The service under test

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

export interface Mounted {
  readonly app: Application;
  readonly express: Express;
  readonly adapter: DualModeAdapter;
  readonly handler: RequestHandler;
}

export interface Setup {
  readonly express?: Express;
  readonly api: Agent;
  readonly options?: Partial<DualModeOptions>;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: Mounted) => void;
  readonly maxHeaderSize?: number;
}

export interface Service {
  readonly adapter: DualModeAdapter;
  readonly server: Server;
  readonly port: number;
  /** Requests that reached the handler. */
  readonly calls: Call[];
  /** Keys that the validator was asked about. */
  readonly validated: string[];
  readonly events: XlinkEvent[];
  /** Connections to the server, as it sees them. */
  readonly sockets: Socket[];
  /** What must not show up anywhere: keys, tokens and payloads of everything that was sent. */
  readonly secrets: Set<string>;
  send(sent: Sent): Promise<Answer>;
  /** Resolves when all requests so far are answered and counted. */
  quiet(): Promise<void>;
  /** Resolves when there are that many events of the type. */
  until(type: XlinkEvent['type'], count: number): Promise<void>;
}

const plainMount = ({ app, adapter, handler }: Mounted): void => {
  app.use(adapter.middleware());
  app.use(handler);
};

/** An application on a free port, closed after the test. By default in hybrid mode; `KEY` is the one good key. */
export async function serve({
  express = express5,
  api,
  options,
  mount = plainMount,
  maxHeaderSize,
}: Setup): Promise<Service> {
  const [calls, validated, events, sockets]: [Call[], string[], XlinkEvent[], Socket[]] = [[], [], [], []];
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
      ...(options?.observers ?? []),
    ],
  });
  const app = express();
  const handler: RequestHandler = async (req, res) => {
    calls.push(await callOf(req));
    res.json({ ok: true });
  };
  mount({ app, express, adapter, handler });

  const server = createServer(maxHeaderSize === undefined ? {} : { maxHeaderSize }, app);
  let open = 0;
  server.prependListener('request', (_, response) => {
    open += 1;
    response.once('close', () => {
      open -= 1;
      signals.emit('closed');
    });
  });
  server.on('connection', (socket) => sockets.push(socket));
  const port = await listen(server);
  const connections = new HttpAgent({ keepAlive: true });
  closers.push(async () => connections.destroy());
  const secrets = new Set([KEY, CANARY]);
  return {
    adapter,
    server,
    port,
    calls,
    validated,
    events,
    sockets,
    secrets,
    send(sent) {
      for (const secret of secretsIn(sent)) secrets.add(secret);
      return send(port, sent, connections);
    },
    async quiet() {
      while (open > 0) await once(signals, 'closed');
    },
    async until(type, count) {
      while (events.filter((event) => event.type === type).length < count) await once(signals, 'event');
    },
  };
}

/** Listens on a free loopback port; closed after the test. */
export async function listen(server: Server): Promise<number> {
  closers.push(async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export async function send(
  port: number,
  sent: Sent,
  connections: HttpAgent | false = false,
): Promise<Answer> {
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
  return readAnswer(response);
}

async function callOf(req: Request): Promise<Call> {
  const extras = req as Request & { auth?: unknown; agentMessage?: AgentMessage };
  const { method, originalUrl: url, headers, body } = req;
  const { auth, agentMessage: message } = extras;
  return { method, url, headers, body, stream: await restOf(req), auth, authOf: authOf(req), message };
}

/** What nobody has read of a request. */
export async function restOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (!req.readableEnded) for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The JSON text that a handler got, whichever way its application gives it bodies. */
export function jsonTextOf({ body, stream }: Call): string {
  if (stream.length > 0) return stream.toString();
  return Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);
}

// Refusals

/** `status id`, such as `401 API_KEY_INVALID`. */
export type RefusalText = `${number} ${ErrorId}`;

/** Sends, and holds the answer against everything that is true of every refusal. */
export async function expectRefused(service: Service, sent: Sent, expected: RefusalText): Promise<Answer> {
  const before = service.calls.length;
  const answer = await service.send(sent);
  await expectRefusal(service, answer, expected, { calls: before, head: sent.method === 'HEAD' });
  return answer;
}

export async function expectRefusal(
  service: Service,
  answer: Answer,
  expected: RefusalText,
  { calls = 0, head = false } = {},
): Promise<void> {
  const [status, id] = expected.split(' ') as [string, ErrorId];
  await service.quiet();
  expect(`${answer.status} ${head ? id : idOf(answer)}`).toBe(expected);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
  if (head) expect(answer.text).toBe('');
  else {
    const { code, subCode, ...rest } = problemOf(answer);
    expect([code, subCode]).toEqual(id.includes(':') ? id.split(':') : [id, undefined]);
    expect(rest).toMatchObject({
      type: `https://xail.io/docs/packages/xlink/errors#${id}`,
      title: ERROR_TABLE[id].message,
      status: Number(status),
    });
  }
  expect(service.calls).toHaveLength(calls);
  expectNoSecrets(service, JSON.stringify(answer));
}

const idOf = (answer: Answer): string => {
  const { code, subCode } = problemOf(answer);
  return subCode === undefined ? String(code) : `${code}:${subCode}`;
};

/** Nothing that was sent is in what came back, in what observers were told, or in what was printed. */
export function expectNoSecrets(service: Service, ...texts: string[]): void {
  const seen = [...texts, ...service.events.map(eventText), ...printed].join('\n');
  for (const secret of service.secrets)
    expect(seen.includes(secret) ? `leaked: ${secret}` : 'nothing').toBe('nothing');
}

/** All of an event but the cause of a fault, which is for the server alone. */
function eventText(event: XlinkEvent): string {
  if (event.type !== 'fault') return inspect(event, { depth: 8 });
  const { error } = event;
  return [error.message, error.hint, error.field, error.stack, JSON.stringify(error)].join('\n');
}

function secretsIn({ headers = {}, body }: Sent): string[] {
  const { authorization = '', 'x-api-key': key, 'xlink-envelope': envelope } = headers;
  const texts = [String(authorization).split(' ')[1], key, envelope, ...membersIn(body)].flat();
  return texts.filter((text): text is string => typeof text === 'string' && text.length >= 12);
}

/** The parts of an enveloped body that give something away. */
function membersIn(body: Sent['body']): unknown[] {
  if (typeof body !== 'string') return [];
  try {
    const { payload, signature } = JSON.parse(body);
    return [payload, signature];
  } catch {
    return [];
  }
}
