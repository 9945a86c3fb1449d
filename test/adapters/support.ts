import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { format, inspect } from 'node:util';
import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import express, { type Application, type Request, type RequestHandler } from 'express';
import { ENROLL_PATH, ENROLL_SCOPE } from '../../src/adapters/enrolment.js';
import {
  Agent,
  type AgentOptions,
  type Auth,
  authOf,
  type ClientStore,
  DualModeAdapter,
  type DualModeOptions,
  ENVELOPE_TYPE,
  type Envelope,
  type EnvelopeOptions,
  ERROR_TABLE,
  type ErrorId,
  enrollmentProof,
  isXlinkError,
  LoopbackTransport,
  MemoryClientStore,
  MemoryTrustRegistry,
  requestBinding,
  type TrustRegistry,
  type Version,
  type XlinkError,
  type XlinkEvent,
} from '../../src/index.js';

export const NOON = Date.UTC(2025, 0, 1, 12);
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Keys of three clients: one whose scopes are limited, one without any mention of scopes, one with none. */
export const ACME = 'key-canary-acme-7d1f0c';
export const ACME_TOO = 'key-canary-acme-second-1b9a';
export const BOLT = 'key-canary-bolt-52ab9e';
export const CASK = 'key-canary-cask-99e0d1';
/** A good key whose client nobody can tell. */
export const NAMELESS = 'key-canary-nameless-40cc';
const BAD_KEY = 'key-canary-wrong-aa31';
export const WRONG = BAD_KEY;

const CLIENTS: Record<string, object> = {
  [ACME]: { clientId: 'acme', scopes: ['orders:read', 'orders:write'] },
  [ACME_TOO]: { clientId: 'acme', scopes: ['orders:read', 'orders:write'] },
  [BOLT]: { clientId: 'bolt' },
  [CASK]: { clientId: 'cask', scopes: [] },
  [NAMELESS]: { plan: 'free' },
};
const SECRETS = [ACME, ACME_TOO, BOLT, CASK, NAMELESS, BAD_KEY];

const printed: string[] = [];
const closers: (() => void)[] = [];

beforeEach(() => {
  printed.length = 0;
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    jest.spyOn(console, method).mockImplementation((...args) => void printed.push(format(...args)));
});

afterEach(() => {
  jest.restoreAllMocks();
  for (const close of closers.splice(0)) close();
});

// Time

/** A clock that stands still until it is told to move. */
export interface TestClock {
  (): number;
  advance(ms: number): void;
  set(time: number): void;
}

export function testClock(start = NOON): TestClock {
  let now = start;
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms;
    },
    set(time: number) {
      now = time;
    },
  });
}

// Parties

/** One registry and one clock, and the agents that share them. */
export class World {
  readonly clock = testClock();
  readonly registry = new MemoryTrustRegistry();
  readonly clients = new MemoryClientStore();

  /** An agent whose DID follows from its name, in the registry. */
  async agent(name: string, options: AgentOptions = {}): Promise<Agent> {
    const made = await Agent.fromSeed({ seed: seedOf(name), ...this.#options(name), ...options });
    if (!made.ok) throw made.error;
    return made.value;
  }

  /** An agent that sees the registry and is not in it, as before its enrolment. */
  async stranger(name: string, maxVersion: Version = 2): Promise<Agent> {
    const own = new MemoryTrustRegistry();
    const registry: TrustRegistry = {
      lookup: (did) => this.registry.lookup(did) ?? own.lookup(did),
      register: (entry) => own.register(entry),
      updateKeys: (keys) => own.updateKeys(keys),
    };
    return this.agent(name, { registry, maxVersion, ...(maxVersion === 3 ? { postQuantumSig: true } : {}) });
  }

  #options(name: string): AgentOptions {
    return { name, clock: this.clock, registry: this.registry, transport: new LoopbackTransport() };
  }
}

const seedOf = (name: string): Uint8Array => new Uint8Array(createHash('sha256').update(name).digest());

// Requests

/** GET of `/orders`, or POST if there is a body, unless said otherwise. */
export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

const methodOf = ({ method, body }: Sent): string => method ?? (body === undefined ? 'GET' : 'POST');
const pathOf = ({ path = '/orders' }: Sent): string => path;

export const withKey = (key: string, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { ...sent.headers, 'x-api-key': key },
});

/** The envelope as the body of a POST, unless said otherwise. */
export const bodyForm = (envelope: Envelope | string, sent: Sent = {}): Sent => ({
  ...sent,
  headers: { 'content-type': ENVELOPE_TYPE, ...sent.headers },
  body: typeof envelope === 'string' ? envelope : JSON.stringify(envelope),
});

export const headerForm = (envelope: Envelope, sent: Sent = {}): Sent => ({
  ...sent,
  headers: {
    ...sent.headers,
    'xlink-envelope': Buffer.from(JSON.stringify(envelope)).toString('base64url'),
  },
});

/** A POST with a sealed body. */
export async function sealed(
  from: Agent,
  to: Agent,
  sent: Sent = {},
  draft: Partial<EnvelopeOptions> = {},
): Promise<Sent> {
  const request = requestBinding(sent.method ?? 'POST', pathOf(sent));
  const envelope = await from.createEnvelope({ to: to.did, payload: { item: 'tea' }, request, ...draft });
  return bodyForm(envelope, sent);
}

/** A request without a body whose envelope is in a header. */
export async function signed(
  from: Agent,
  to: Agent,
  sent: Sent = {},
  draft: Partial<EnvelopeOptions> = {},
): Promise<Sent> {
  const request = requestBinding(methodOf(sent), pathOf(sent));
  return headerForm(await from.createEnvelope({ to: to.did, signedOnly: true, request, ...draft }), sent);
}

export interface EnrolmentDraft {
  /** The key the proof is made with. Default: the key it is sent with. */
  readonly proofKey?: string;
  readonly scope?: string;
  readonly request?: string;
  readonly payload?: unknown;
  readonly keyRecord?: unknown;
}

export async function enrolmentEnvelope(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrolmentDraft = {},
): Promise<Envelope> {
  const {
    proofKey = key,
    scope = ENROLL_SCOPE,
    request = requestBinding('POST', ENROLL_PATH),
    keyRecord = await from.keyRecord(),
  } = draft;
  const keyProof = await enrollmentProof(from.did, proofKey);
  const payload = 'payload' in draft ? draft.payload : { keyRecord, keyProof };
  return from.createIntroduction({ to: to.did, scope, request, payload });
}

/** What a client sends to enrol. */
export async function enrolment(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrolmentDraft = {},
): Promise<Sent> {
  return withKey(key, bodyForm(await enrolmentEnvelope(from, to, key, draft), { path: ENROLL_PATH }));
}

// Answers

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export const jsonOf = ({ text }: Answer): Record<string, unknown> => JSON.parse(text);

async function send(port: number, sent: Sent): Promise<Answer> {
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body);
  const chunked = sent.headers?.['transfer-encoding'] !== undefined;
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    agent: false,
    method: methodOf(sent),
    path: pathOf(sent),
    headers: { ...(body && !chunked ? { 'content-length': body.length } : {}), ...sent.headers },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode!, headers: response.headers, text };
}

/** Sends a request line exactly as it is written. */
async function sendRaw(port: number, line: string, headers: OutgoingHttpHeaders): Promise<Answer> {
  const socket = connect(port, '127.0.0.1');
  const fields = Object.entries({ host: 'test', connection: 'close', ...headers });
  socket.write(`${line} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const [head = '', text = ''] = Buffer.concat(chunks).toString().split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const names = lines.map((one) => one.split(/: ?(.*)/s).slice(0, 2) as [string, string]);
  const answered = Object.fromEntries(names.map(([name, value]) => [name.toLowerCase(), value]));
  return { status: Number(statusLine.split(' ')[1]), headers: answered, text };
}

// The service under test

/** What a handler found on its request. */
export interface Call {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly auth: Auth | undefined;
}

export interface Mounted {
  readonly app: Application;
  readonly adapter: DualModeAdapter;
  readonly handler: RequestHandler;
}

export interface Setup extends Partial<DualModeOptions> {
  readonly agent: Agent;
  /** Puts the application together. Default: the adapter, then the handler for everything. */
  readonly mount?: (parts: Mounted) => void;
}

/** `401 CODE` or `401 CODE:SUB_CODE`. */
export type Refusal = `${number} ${ErrorId}`;

export interface Service {
  readonly adapter: DualModeAdapter;
  readonly calls: Call[];
  /** Keys the validator was asked about. */
  readonly validated: string[];
  readonly events: XlinkEvent[];
  send(sent: Sent | Promise<Sent>): Promise<Answer>;
  raw(line: string, headers?: OutgoingHttpHeaders): Promise<Answer>;
  /** Sends what must get to a handler, and returns what that saw. */
  accepted(sent: Sent | Promise<Sent>): Promise<Call & { readonly answer: Answer }>;
  /** Sends what must be refused in exactly this way, before any handler. */
  refused(sent: Sent | Promise<Sent>, refusal: Refusal): Promise<Answer>;
  /** Events of one type. */
  of<T extends XlinkEvent['type']>(type: T): Extract<XlinkEvent, { type: T }>[];
  /** Resolves when all requests so far are counted. */
  quiet(): Promise<void>;
}

const plainMount = ({ app, adapter, handler }: Mounted): void => {
  app.use(adapter.middleware());
  app.use(handler);
};

export async function serve({ mount = plainMount, ...options }: Setup): Promise<Service> {
  const [calls, validated, events]: [Call[], string[], XlinkEvent[]] = [[], [], []];
  const adapter = new DualModeAdapter({
    mode: 'hybrid',
    legacyKeyValidator(key) {
      validated.push(key);
      return CLIENTS[key] ?? null;
    },
    ...options,
    observers: [(event) => void events.push(event)],
  });
  const app = express();
  const handler: RequestHandler = (req: Request, res) => {
    calls.push({ method: req.method, url: req.originalUrl, body: req.body, auth: authOf(req) });
    res.json({ ok: true });
  };
  mount({ app, adapter, handler });

  const server = createServer(app);
  const signals = new EventEmitter();
  let open = 0;
  server.prependListener('request', (_, response) => {
    open += 1;
    response.once('close', () => {
      open -= 1;
      signals.emit('closed');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });

  const quiet = async () => {
    while (open > 0) await once(signals, 'closed');
  };
  const service: Service = {
    adapter,
    calls,
    validated,
    events,
    quiet,
    send: async (sent) => send(port, await sent),
    raw: (line, headers = {}) => sendRaw(port, line, headers),
    async accepted(sent) {
      const before = calls.length;
      const answer = await send(port, await sent);
      expect([answer.status, answer.text]).toEqual([200, '{"ok":true}']);
      expect(calls).toHaveLength(before + 1);
      return { ...calls.at(-1)!, answer };
    },
    async refused(sent, refusal) {
      const before = calls.length;
      const answer = await send(port, await sent);
      expectRefusal(answer, refusal);
      expect(calls).toHaveLength(before);
      await quiet();
      expectNoSecrets(service, answer);
      return answer;
    },
    of: (type) => events.filter((event) => event.type === type) as never,
  };
  return service;
}

export function expectRefusal(answer: Answer, refusal: Refusal): void {
  const [status, id] = refusal.split(' ') as [string, ErrorId];
  const [code, subCode] = id.split(':');
  const problem = answer.text.startsWith('{') ? jsonOf(answer) : { text: answer.text };
  expect({ ...problem, authMethod: undefined }).toEqual({
    type: `https://xail.io/docs/packages/xlink/errors#${id}`,
    title: ERROR_TABLE[id].message,
    status: Number(status),
    code,
    ...(subCode === undefined ? {} : { subCode }),
    authMethod: undefined,
  });
  expect(answer.status).toBe(Number(status));
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.headers['cache-control']).toBe('no-store');
}

/** No key shows up in an answer, in an event down to the cause of an error, or on the console. */
export function expectNoSecrets({ events }: Pick<Service, 'events'>, answer?: Answer): void {
  const seen = [answer, events, printed].map((one) => inspect(one, { depth: 12, maxStringLength: null }));
  const everything = seen.join('\n');
  for (const secret of SECRETS) {
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(Buffer.from(secret).toString('base64url'));
  }
}

// Stores that fail

/** A store whose methods fail while they are in `down`. */
export function breakable(store: ClientStore): ClientStore & { readonly down: Set<keyof ClientStore> } {
  const down = new Set<keyof ClientStore>();
  const run = <T>(name: keyof ClientStore, call: () => T): T => {
    if (down.has(name)) throw new Error(`${name}: connection refused`);
    return call();
  };
  return {
    down,
    get: (client) => run('get', () => store.get(client)),
    list: () => run('list', () => store.list()),
    clientOf: (did) => run('clientOf', () => store.clientOf(did)),
    link: (did, client) => run('link', () => store.link(did, client)),
    add: (activity) => run('add', () => store.add(activity)),
    setKeyOff: (client, since) => run('setKeyOff', () => store.setKeyOff(client, since)),
  };
}

/** The XlinkError that a call throws or rejects with; anything else it does is an error of the test. */
export async function thrownBy(call: () => unknown): Promise<XlinkError> {
  try {
    await call();
  } catch (error) {
    if (isXlinkError(error)) return error;
    throw error;
  }
  throw new Error('expected a throw, there was none');
}

/** The error of an option that is refused: its id and the name of the option. */
export async function optionRefusedBy(call: () => unknown): Promise<string> {
  const { id, field } = await thrownBy(call);
  expect(id).toBe('INVALID_OPTION');
  return String(field);
}
