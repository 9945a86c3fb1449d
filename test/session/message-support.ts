import { createServer, type RequestListener } from 'node:http';
import {
  Agent,
  type AgentMessage,
  type AgentMiddlewareOptions,
  type AgentOptions,
  HttpsTransportAdapter,
  type HttpsTransportOptions,
  MemoryTrustRegistry,
  requestBinding,
  type TrustRegistry,
} from '@private.me/xlink';
import express, { type Express } from 'express';
import { type HeldSession, openSession } from '../../src/client/sessions/open-session.js';
import { concat } from '../../src/crypto/bytes.js';
import { framePlaintext } from '../../src/envelope/plaintext.js';
import { encodeFrames, FRAME } from '../../src/http/answer-frames.js';
import { sessionUrl } from '../../src/http/session-headers.js';
import { encodeCredential } from '../../src/session/credential.js';
import type { SessionKind } from '../../src/session/protocol.js';
import { requestCipher, requestDigest } from '../../src/session/request.js';
import { listen } from '../support/listen.js';
import { unwrap } from '../support/results.js';
import { crypto } from './support.js';

/** What a receiver was asked, before anything looked at it. */
export interface Asked {
  readonly url: string;
  readonly type: string;
}

export interface Inbox {
  readonly agent: Agent;
  readonly registry: TrustRegistry;
  readonly url: string;
  readonly port: number;
  /** What its handler got. */
  readonly messages: AgentMessage[];
  /** The requests that came, in order. */
  readonly asked: Asked[];
  /** The forms in which messages came. */
  forms(): string[];
}

export interface InboxOptions extends AgentMiddlewareOptions {
  readonly agent?: Agent;
  readonly agentOptions?: AgentOptions;
  /** Sees each request first; what it answers is not handed on. */
  readonly inFront?: (req: Parameters<RequestListener>[0], res: Parameters<RequestListener>[1]) => boolean;
  /** Asked by the handler. */
  readonly status?: () => number;
}

/** An agent that takes messages over HTTP, in sessions too. */
export async function serveInbox({
  agent: given,
  agentOptions = {},
  inFront = () => false,
  status = () => 204,
  ...options
}: InboxOptions = {}): Promise<Inbox> {
  const registry = given?.registry ?? agentOptions.registry ?? new MemoryTrustRegistry();
  const agent = given ?? (await Agent.quickstart({ name: 'inbox', registry, ...agentOptions }));
  const messages: AgentMessage[] = [];
  const asked: Asked[] = [];
  const app: Express = express();
  app.use((req, res, next) => {
    asked.push({ url: req.url, type: String(req.headers['content-type']) });
    if (!inFront(req, res)) next();
  });
  app.post('/xlink', agent.middleware({ sessions: true, ...options }), (req, res) => {
    messages.push((req as unknown as { agentMessage: AgentMessage }).agentMessage);
    res.status(status()).end();
  });
  const { url, port } = await listen(createServer(app));
  const forms = () =>
    asked.map(({ url: path, type }) =>
      path.includes('xlink-session=open') ? 'handshake' : type.replace('application/xlink-', ''),
    );
  return { agent, registry, url: `${url}/xlink`, port: Number(port), messages, asked, forms };
}

export interface Sender {
  readonly agent: Agent;
  readonly transport: HttpsTransportAdapter;
  send(payload: unknown, more?: object): Promise<Awaited<ReturnType<Agent['send']>>>;
  sent(
    payload: unknown,
    more?: object,
  ): Promise<Extract<Awaited<ReturnType<Agent['send']>>, { ok: true }>['value']>;
}

/** An agent whose transport may use sessions. */
export async function senderTo(
  { registry, url, agent: to }: Pick<Inbox, 'registry' | 'url' | 'agent'>,
  options: AgentOptions = {},
  more: Partial<HttpsTransportOptions> = {},
): Promise<Sender> {
  const transport = new HttpsTransportAdapter({ baseUrl: url, session: true, backoff: () => 1, ...more });
  const agent = await Agent.quickstart({ registry, transport, ...options });
  const send = (payload: unknown, rest: object = {}) => agent.send({ to: to.did, payload, ...rest });
  return { agent, transport, send, sent: async (...args) => unwrap(await send(...args)) };
}

/** A sender by hand: one that can make what no agent makes. */
export class RawSender {
  readonly agent: Agent;
  readonly session: HeldSession;
  readonly inbox: Pick<Inbox, 'url' | 'agent'>;

  private constructor(agent: Agent, session: HeldSession, inbox: Pick<Inbox, 'url' | 'agent'>) {
    this.agent = agent;
    this.session = session;
    this.inbox = inbox;
  }

  static async of(inbox: Pick<Inbox, 'url' | 'agent' | 'registry'>, options: AgentOptions = {}) {
    const agent = await Agent.quickstart({ registry: inbox.registry, ...options });
    return RawSender.for(agent, inbox);
  }

  static async for(agent: Agent, inbox: Pick<Inbox, 'url' | 'agent'>): Promise<RawSender> {
    const service = {
      did: inbox.agent.did,
      versions: [1, 2] as const,
      endpoints: { session: sessionUrl(inbox.url).href },
    };
    const session = await openSession({
      agent,
      service,
      version: undefined,
      fetch,
      timeoutMs: 5000,
      init: {},
    });
    return new RawSender(agent, session, inbox);
  }

  async seal({
    path = '/xlink',
    payload = '{"item":"tea"}',
    contentType = 'application/json',
    seq = this.session.next++,
    timestamp = Date.now(),
    scope = 'default',
    ticket = this.session.ticket,
    headers = [] as readonly (readonly [string, string])[],
    salt = crypto.randomBytes(16),
    kind = 'message' as SessionKind,
    frame = 'request' as 'request' | 'message',
  } = {}) {
    const said = { seq, salt, timestamp, scope };
    const digest = await requestDigest(crypto, this.session, said, requestBinding('POST', path), kind);
    const cipher = await requestCipher(crypto, this.session, digest, kind);
    const content = { bytes: new TextEncoder().encode(payload), contentType, headers };
    const first = await cipher.sealFirst(framePlaintext(frame, this.session.from, content), true);
    return {
      credential: encodeCredential({ ticket, ...said }),
      body: new Uint8Array(concat(encodeFrames([{ type: FRAME.finalChunk, bytes: first }]))),
    };
  }

  /** Status and code of what came back. */
  async post(
    { credential, body }: Awaited<ReturnType<RawSender['seal']>>,
    { url = this.inbox.url } = {},
  ): Promise<{ readonly status: number; readonly code: string | undefined }> {
    const headers = {
      Authorization: `Xlink-Session ${credential}`,
      'Content-Type': 'application/xlink-session',
    };
    const response = await fetch(url, { method: 'POST', headers, body });
    const text = await response.text();
    const { code, subCode } = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: response.status, code: code && [code, subCode].filter(Boolean).join(':') };
  }

  async send(what: Parameters<RawSender['seal']>[0] = {}, how: Parameters<RawSender['post']>[1] = {}) {
    return this.post(await this.seal(what), how);
  }
}
