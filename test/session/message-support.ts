import { createServer, type RequestListener } from 'node:http';
import {
  Agent,
  type AgentMessage,
  type AgentMiddlewareOptions,
  type AgentOptions,
  HttpsTransportAdapter,
  type HttpsTransportOptions,
  MemoryTrustRegistry,
  type TrustRegistry,
} from '@private.me/xlink';
import express, { type Express } from 'express';
import { listen } from '../support/listen.js';
import { unwrap } from '../support/results.js';

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
  sent(payload: unknown, more?: object): Promise<Extract<Awaited<ReturnType<Agent['send']>>, { ok: true }>['value']>;
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
