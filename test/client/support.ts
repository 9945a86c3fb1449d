import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { expect } from '@jest/globals';
import {
  Agent,
  type AgentMessage,
  type AgentOptions,
  ANSWER_TYPE,
  type DiscoveryDocument,
  DualModeAdapter,
  type DualModeOptions,
  ENVELOPE_TYPE,
  MemoryClientStore,
  requestBinding,
  type SignedDiscoveryDocument,
  type XlinkEvent,
  type XlinkFetch,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import express, { type Express } from 'express';
import { type PlainAnswer, sealedAnswer } from '../support/answers.js';
import { listen } from '../support/listen.js';
import { restOf } from '../support/responses.js';

export const KEY = 'key-of-acme-0123456789';
export const JSON_HEADERS = { 'Content-Type': 'application/json' };

/** For services on this machine. */
export const LOCAL = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true } as const;

/** A request as it came over the network. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ApiService {
  readonly url: string;
  readonly agent: Agent;
  readonly adapter: DualModeAdapter;
  readonly seen: Seen[];
  readonly events: XlinkEvent[];
  /** Requests that reached a handler. */
  readonly handled: string[];
  /** Requests for a path. */
  count(path: string): number;
}

/** An Express 5 API behind a `DualModeAdapter`, by default in hybrid mode with enrollment. `KEY` is the one good key. */
export async function serveApi(
  options: Partial<DualModeOptions> = {},
  mount: (app: Express) => void = () => {},
  agentOptions: AgentOptions = {},
): Promise<ApiService> {
  const agent = options.agent
    ? (options.agent as Agent)
    : await Agent.quickstart({ name: 'orders', ...agentOptions });
  const [seen, events, handled]: [Seen[], XlinkEvent[], string[]] = [[], [], []];
  const adapter = new DualModeAdapter({
    agent,
    legacyKeyValidator: (key) => (key === KEY ? { customerId: 'acme' } : null),
    mode: 'hybrid',
    clients: new MemoryClientStore(),
    observers: [(event) => events.push(event)],
    ...options,
  });
  const app = express();
  app.disable('x-powered-by');
  app.use((req, _res, next) => {
    const chunks: Buffer[] = [];
    const { push } = req;
    req.push = (chunk, ...rest) => {
      if (chunk && chunks.length < 64) chunks.push(Buffer.from(chunk)); // 4 MiB of a long upload are enough
      return push.call(req, chunk, ...rest);
    };
    seen.push({
      method: req.method,
      path: req.originalUrl,
      headers: { ...req.headers },
      get body() {
        return Buffer.concat(chunks).toString();
      },
    });
    next();
  });
  app.use(adapter.middleware());
  app.use((req, _res, next) => {
    handled.push(`${req.method} ${req.originalUrl}`);
    next();
  });
  mount(app);
  app.use(express.json({ strict: false }));
  app.use(express.raw({ type: () => true }));
  app.all('/{*path}', (req, res) => {
    const { mode, client, scope } = (req as unknown as { auth: Record<string, unknown> }).auth;
    const body = Buffer.isBuffer(req.body) ? req.body.toString() : req.body;
    res.status(req.method === 'POST' ? 201 : 200).json({ mode, client, scope, body });
  });
  return {
    url: (await listen(app)).url,
    agent,
    adapter,
    seen,
    events,
    handled,
    count: (path) => seen.filter((request) => request.path.split('?')[0] === path).length,
  };
}

/** A service made by hand, which seals its answers and can be told to misbehave. */
export interface Handmade {
  readonly url: string;
  readonly agent: Agent;
  readonly seen: Seen[];
  /** What is wrong with the next answers; by default nothing. */
  misbehave: (exchange: HandmadeExchange) => HandmadeAnswer | Promise<HandmadeAnswer> | undefined;
  /** Answers enrollment in its place; by default it takes everybody. */
  enroll: (() => HandmadeAnswer) | undefined;
  /** Changes the discovery document before it is signed. */
  document: (document: DiscoveryDocument) => object;
  /** Who signs it. */
  signer: Agent;
  /** Changes it after it was signed. */
  spoil: (document: SignedDiscoveryDocument) => unknown;
}

export interface HandmadeExchange {
  readonly agent: Agent;
  readonly message: AgentMessage;
  /** The content of the envelope as it was sealed, and its type. */
  readonly content: string | undefined;
  readonly contentType: string | undefined;
  readonly request: Seen;
  seal(
    answer: PlainAnswer,
    change?: { inReplyTo?: string; request?: string; agent?: Agent; to?: string },
  ): Promise<SealedHandmade>;
  /** A problem document, signed by the service or another agent, as for this request or another. */
  refuse(
    status: number,
    code: string,
    change?: { subCode?: string; inReplyTo?: string; request?: string; agent?: Agent },
  ): Promise<HandmadeAnswer>;
}

export interface HandmadeAnswer {
  readonly status: number;
  readonly body?: string | Uint8Array;
  /** Default: an envelope. */
  readonly headers?: Record<string, string>;
}

export interface SealedHandmade extends HandmadeAnswer {
  readonly body: Uint8Array;
}

const ENROLL = '/.well-known/xlink/enroll';
const PROBLEM_TYPE = 'application/problem+json';

const problemJson = (status: number, code: string, subCode?: string): string =>
  JSON.stringify({ type: 'about:blank', status, code, ...(subCode ? { subCode } : {}) });

/** A refusal that nobody signed: that of a proxy, or forged. */
export const problem = (status: number, code: string, subCode?: string): HandmadeAnswer => ({
  status,
  headers: { 'Content-Type': PROBLEM_TYPE },
  body: problemJson(status, code, subCode),
});

export const plainJson = (value: unknown, status = 200): PlainAnswer => ({
  status,
  headers: [['content-type', 'application/json']],
  body: JSON.stringify(value),
});

/** It takes every identity that introduces itself, and answers `{ youSent }`. */
export async function serveHandmade(agentOptions: AgentOptions = {}): Promise<Handmade> {
  const agent = await Agent.quickstart({ name: 'handmade', ...agentOptions });
  const seen: Seen[] = [];
  const listener: RequestListener = async (req, res) => {
    const request: Seen = {
      method: req.method!,
      path: req.url!,
      headers: { ...req.headers },
      body: (await restOf(req)).toString(),
    };
    seen.push(request);
    const send = ({ status, body = '', headers = {} }: HandmadeAnswer) => {
      res.writeHead(status, { 'Content-Type': ENVELOPE_TYPE, ...headers });
      res.end(body);
    };
    const json = (status: number, value: unknown) =>
      send({ status, body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } });
    if (req.url!.split('?')[0] === '/.well-known/xlink.json')
      return json(200, await signedDocument(handmade, req.headers.host!));
    if (req.url === ENROLL) {
      if (handmade.enroll) return send(handmade.enroll());
      const introduced = await agent.receiveIntroduction(request.body, {
        scope: 'xlink:enroll',
        request: `POST ${ENROLL}`,
      });
      if (!introduced.ok) return json(introduced.error.status, introduced.error);
      const { sender: did, payload } = introduced.value;
      const { keyRecord } = payload as { keyRecord: never };
      await agent.registry.register({ did, keys: keyRecord, sendScopes: ['*'], receiveScopes: ['*'] });
      return json(200, { did, client: 'acme', scopes: ['*'] });
    }
    const inHeader =
      /^Xlink (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? req.headers['xlink-envelope'];
    const input = inHeader ? Buffer.from(String(inHeader), 'base64url') : request.body;
    const received = await agent.receiveContent(input, {
      kind: 'request',
      allowCleartext: true,
      request: requestBinding(req.method!, req.url!),
      requireRequestBinding: true,
    });
    if (!received.ok) return send(problem(received.error.status, received.error.code));
    const { message, content, contentType } = received.value;
    const exchange: HandmadeExchange = {
      agent,
      message,
      content: content && Buffer.from(content).toString(),
      contentType,
      request,
      seal: async (answer, { agent: by = agent, ...change } = {}) => ({
        status: 200,
        headers: { 'Content-Type': ANSWER_TYPE },
        body: await sealedAnswer(by, changed(message, change), answer),
      }),
      refuse: async (status, code, { subCode, agent: by = agent, ...change } = {}) => {
        const refused = JSON.parse(problemJson(status, code, subCode));
        return { status, body: JSON.stringify(await by.createRefusal(changed(message, change), refused)) };
      },
    };
    const bad = await handmade.misbehave(exchange);
    if (bad) return send(bad);
    return send(await exchange.seal(plainJson({ youSent: message.payload ?? null })));
  };
  const { url } = await listen(
    (req, res) => void (listener(req, res) as unknown as Promise<void>).catch(() => res.destroy()),
  );
  const handmade: Handmade = {
    url,
    agent,
    seen,
    misbehave: () => undefined,
    enroll: undefined,
    document: (document) => document,
    signer: agent,
    spoil: (document) => document,
  };
  return handmade;
}

const changed = (
  message: AgentMessage,
  {
    inReplyTo: envelopeId = message.envelopeId,
    request = message.request!,
    to: sender = message.sender,
  }: { inReplyTo?: string; request?: string; to?: string },
): AgentMessage => ({ ...message, envelopeId, request, sender });

async function signedDocument({ document, signer, spoil }: Handmade, host: string): Promise<unknown> {
  const { did } = signer;
  const now = Date.now();
  const own: DiscoveryDocument = {
    did,
    name: 'handmade',
    keyRecord: await signer.keyRecord(),
    versions: [1, 2],
    mode: 'hybrid',
    acceptsEnvelopes: true,
    hosts: [host],
    endpoints: { enroll: ENROLL },
    publicPaths: [],
    issuedAt: now,
    notAfter: now + 300_000,
  };
  return spoil(await signer.signDiscovery(document(own) as DiscoveryDocument));
}

/** `xlinkFetch` for a service on this machine, with the good key. */
export const fetchFor = (url: string, options: XlinkFetchOptions = {}): XlinkFetch =>
  xlinkFetch({ ...LOCAL, baseUrl: url, apiKey: KEY, ...options });

/** Requests for a path that a service has seen. */
export const sentTo =
  (path: string) =>
  ({ seen }: Handmade): Seen[] =>
    seen.filter((request) => request.path === path);

export const postJson = (value: unknown): RequestInit => ({
  method: 'POST',
  headers: JSON_HEADERS,
  body: JSON.stringify(value),
});

/** One POST to `/pay` whose answer misbehaves. */
export async function postMisbehaving(
  misbehave: Handmade['misbehave'],
  options: XlinkFetchOptions = {},
): Promise<{ answer: Promise<Response>; handmade: Handmade }> {
  const handmade = await serveHandmade();
  handmade.misbehave = misbehave;
  return { answer: fetchFor(handmade.url, options)('/pay', postJson({ amount: 1 })), handmade };
}

/** The error that a promise rejects with; fails if it does not, or if the key shows anywhere in it. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<Error & { id?: string; cause?: unknown }> {
  const error = await promise.then(
    (value) => {
      throw new Error(`resolved to ${String(value)}`);
    },
    (thrown) => thrown,
  );
  expect(allText(error)).not.toContain(KEY);
  return error;
}

/** Everything that an error says, its causes included. */
export function allText(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error);
  return [error.message, error.stack, JSON.stringify(error), error.cause ? allText(error.cause) : ''].join(
    '\n',
  );
}

/** The id, or the name, of what a promise rejects with. */
export const idOfRejection = async (promise: Promise<unknown>): Promise<string> => {
  const error = await rejection(promise);
  return error.id ?? error.name;
};
