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
  type ServerOptions,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import {
  type Agent,
  type AgentMessage,
  type Auth,
  DualModeAdapter,
  type DualModeOptions,
  ENVELOPE_TYPE,
  type Envelope,
  type EnvelopeOptions,
  type ErrorId,
  requestBinding,
  type XlinkEvent,
} from '../../src/index.js';

// What tests over HTTP share, whichever framework the service is made with.

export const KEY = 'key-canary-7d1f0c';
export const CANARY = 'payload-canary-52ab9e';
export const ORDER = { item: 'tea', note: CANARY };

const closers: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** Closes something once the test is over. */
const afterTest = (close: () => unknown): void => void closers.push(close);

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

export const methodOf = ({ method, body, chunked }: Sent): string =>
  method ?? (body !== undefined || chunked ? 'POST' : 'GET');
export const pathOf = ({ path = '/orders' }: Sent): string => path;
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

/** Who makes an envelope, and for whom. */
interface Pair {
  readonly api: { readonly did: string };
  readonly caller: Pick<Agent, 'createEnvelope'>;
}

export const sealedEnvelope = (
  { caller, api }: Pair,
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
  { caller, api }: Pair,
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
export const sealedRequest = async (from: Pair, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  bodyForm(await sealedEnvelope(from, sent, draft), sent);

/** A request with its envelope in `Authorization`. */
export const signedRequest = async (from: Pair, sent: Sent = {}, draft: Draft = {}): Promise<Sent> =>
  headerForm(await signedEnvelope(from, sent, draft), sent);

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
  return {
    status: response.statusCode!,
    headers: response.headers,
    text: (await restOf(response)).toString(),
  };
}

export const problemOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text);

/** What nobody has read of a message. */
export async function restOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (!message.readableEnded) for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

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
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {}); // a reset is one way to be cut off
  afterTest(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** As `openSocket`, and reads the answers. */
export async function openWire(port: number): Promise<Wire> {
  const socket = await openSocket(port);
  const signals = new EventEmitter().setMaxListeners(0);
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    signals.emit('change');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  closed.then(() => signals.emit('change'));
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

/** An adapter, and lists of what happens at it. */
export interface Recorder<C = Call> {
  readonly adapter: DualModeAdapter;
  /** Requests that reached the handler. */
  readonly calls: C[];
  /** Keys that the validator was asked about. */
  readonly validated: string[];
  readonly events: XlinkEvent[];
  /** `event` for an event of the adapter, `closed` for a request that is over. */
  readonly signals: EventEmitter;
}

export interface Service<C = Call> extends Recorder<C> {
  readonly server: Server;
  readonly port: number;
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

const onlyKey = (key: string): object | null => (key === KEY ? { userId: 'u1' } : null);

/** By default in hybrid mode, and `KEY` is the one good key. */
export function recorder<C = Call>(
  api: DualModeOptions['agent'],
  options: Partial<DualModeOptions> = {},
  clientOf: (key: string) => object | null = onlyKey,
): Recorder<C> {
  const [calls, validated, events]: [C[], string[], XlinkEvent[]] = [[], [], []];
  const signals = new EventEmitter().setMaxListeners(0);
  const adapter = new DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    legacyKeyValidator(key) {
      validated.push(key);
      return clientOf(key);
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
export async function start<C = Call>(
  parts: Recorder<C>,
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<Service<C>> {
  const { events, signals } = parts;
  const server = createServer(options, listener);
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
  const port = await listen(server);
  const connections = new HttpAgent({ keepAlive: true });
  afterTest(() => connections.destroy());
  const secrets = new Set([KEY, CANARY]);
  return {
    ...parts,
    server,
    port,
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
  afterTest(async () => {
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

// Refusals

/** `status id`, such as `401 API_KEY_INVALID`. */
export type RefusalText = `${number} ${ErrorId}`;

/** The id of the error that an answer tells of. */
export const idOf = (answer: Answer): string => {
  const { code, subCode } = problemOf(answer);
  return subCode === undefined ? String(code) : `${code}:${subCode}`;
};
