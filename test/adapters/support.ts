import type { OutgoingHttpHeaders } from 'node:http';
import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import express, { type Application, type Request, type RequestHandler } from 'express';
import { enrollmentProof } from '../../src/client.js';
import { ENROLL_PATH, ENROLL_SCOPE } from '../../src/http/enrollment.js';
import {
  Agent,
  type AgentOptions,
  type Auth,
  authOf,
  type ClientStore,
  type DualModeAdapter,
  type DualModeOptions,
  type Envelope,
  type EnvelopeOptions,
  ERROR_TABLE,
  type ErrorId,
  LoopbackTransport,
  MemoryClientStore,
  MemoryTrustRegistry,
  requestBinding,
  type TrustRegistry,
  type Version,
  type XlinkEvent,
} from '../../src/index.js';
import { seedOf } from '../support/agents.js';
import { frozenClock, NOON } from '../support/clock.js';
import { printed } from '../support/console.js';
import {
  type Answer,
  bodyForm,
  headerForm as headerFormIn,
  problemOf as jsonOf,
  methodOf,
  openSocket,
  pathOf,
  type RefusalText as Refusal,
  recorder,
  withKey as requestWithKey,
  type Sent,
  send,
  start,
} from '../support/http.js';
import { thrownBy } from '../support/results.js';

export { bodyForm, frozenClock as testClock, jsonOf, NOON, type Refusal, type Sent, thrownBy };

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

// Parties

/** One registry and one clock, and the agents that share them. */
export class World {
  readonly clock = frozenClock();
  readonly registry = new MemoryTrustRegistry();
  readonly clients = new MemoryClientStore();

  /** An agent whose DID follows from its name, in the registry. */
  async agent(name: string, options: AgentOptions = {}): Promise<Agent> {
    const made = await Agent.fromSeed({ seed: seedOf(name), ...this.#options(name), ...options });
    if (!made.ok) throw made.error;
    return made.value;
  }

  /** An agent that sees the registry and is not in it, as before its enrollment. */
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

// Requests

export const withKey = (key: string, sent: Sent = {}): Sent => requestWithKey(sent, key);

/** The envelope in a header of its own. */
export const headerForm = (envelope: Envelope, sent: Sent = {}): Sent =>
  headerFormIn(envelope, sent, 'xlink-envelope');

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

export interface EnrollmentDraft {
  /** The key the proof is made with. Default: the key it is sent with. */
  readonly proofKey?: string;
  readonly scope?: string;
  readonly request?: string;
  readonly payload?: unknown;
  readonly keyRecord?: unknown;
}

export async function enrollmentEnvelope(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrollmentDraft = {},
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

/** What a client sends to enroll. */
export async function enrollment(
  from: Agent,
  to: Agent,
  key: string,
  draft: EnrollmentDraft = {},
): Promise<Sent> {
  return withKey(key, bodyForm(await enrollmentEnvelope(from, to, key, draft), { path: ENROLL_PATH }));
}

// Answers

/** Whoever names a transfer encoding sends no Content-Length. */
const framed = (sent: Sent): Sent =>
  sent.headers?.['transfer-encoding'] === undefined ? sent : { ...sent, chunked: true };

/** Sends a request line exactly as it is written. */
async function sendRaw(port: number, line: string, headers: OutgoingHttpHeaders): Promise<Answer> {
  const socket = await openSocket(port);
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

export async function serve({ agent, mount = plainMount, ...options }: Setup): Promise<Service> {
  const parts = recorder<Call>(agent, options, (key) => CLIENTS[key] ?? null);
  const { adapter, calls, validated, events } = parts;
  const app = express();
  const handler: RequestHandler = (req: Request, res) => {
    calls.push({ method: req.method, url: req.originalUrl, body: req.body, auth: authOf(req) });
    res.json({ ok: true });
  };
  mount({ app, adapter, handler });
  const { port, quiet } = await start(parts, app);
  const service: Service = {
    adapter,
    calls,
    validated,
    events,
    quiet,
    send: async (sent) => send(port, framed(await sent)),
    raw: (line, headers = {}) => sendRaw(port, line, headers),
    async accepted(sent) {
      const before = calls.length;
      const answer = await send(port, framed(await sent));
      expect([answer.status, answer.text]).toEqual([200, '{"ok":true}']);
      expect(calls).toHaveLength(before + 1);
      return { ...calls.at(-1)!, answer };
    },
    async refused(sent, refusal) {
      const before = calls.length;
      const answer = await send(port, framed(await sent));
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

/** The error of an option that is refused: its id and the name of the option. */
export async function optionRefusedBy(call: () => unknown): Promise<string> {
  const { id, field } = await thrownBy(call);
  expect(id).toBe('INVALID_OPTION');
  return String(field);
}
