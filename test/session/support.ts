import {
  Agent,
  type AgentOptions,
  type CheckpointOptions,
  type Clock,
  type DualModeOptions,
  MemoryTrustRegistry,
  requestBinding,
  type SessionCheckpoint,
  type SessionOptions,
  type TicketKeyStore,
  type TrustRegistry,
} from '@private.me/xlink';
import express, { type Express } from 'express';
import { openReply } from '../../src/client/sessions/open-reply.js';
import { type HeldSession, openSession } from '../../src/client/sessions/open-session.js';
import { signedPost } from '../../src/client/sessions/signed-post.js';
import { concat } from '../../src/crypto/bytes.js';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { discover } from '../../src/discovery/discover.js';
import { framePlaintext } from '../../src/envelope/plaintext.js';
import { encodeFrames, FRAME } from '../../src/http/answer-frames.js';
import {
  type CheckpointStatement,
  type Countersigned,
  readCountersigned,
  statementPayload,
} from '../../src/session/checkpoint/statement.js';
import { encodeCredential } from '../../src/session/credential.js';
import { type RequestTie, requestCipher, requestDigest, tagOf } from '../../src/session/request.js';
import { type ApiService, LOCAL, serveApi } from '../client/support.js';

export const crypto = defaultProvider();

export interface SessionApi extends ApiService {
  readonly registry: TrustRegistry;
}

/** An API with sessions, which says of each request by which form it came. */
export async function serveSessions(
  sessions: boolean | SessionOptions = true,
  options: Partial<DualModeOptions> = {},
  mount: (app: Express) => void = () => {},
): Promise<SessionApi> {
  const registry = options.agent?.registry ?? new MemoryTrustRegistry();
  const agent = options.agent ?? (await Agent.quickstart({ name: 'orders', registry }));
  const api = await serveApi({ sessions, agent, ...options }, (app) => {
    mount(app);
    app.use('/form', express.json(), (req, res) => {
      const { form, scopes, envelopeId, version, encrypted } = (
        req as unknown as { auth: Record<string, unknown> }
      ).auth;
      res
        .status(req.method === 'POST' ? 201 : 200)
        .json({ form, scopes, envelopeId, version, encrypted, body: req.body, headers: req.headers });
    });
  });
  return { ...api, registry };
}

/** Keys of tickets as a shared store keeps them, in memory. */
export function memoryTickets(): TicketKeyStore {
  const kept = new Map<string, string>();
  return {
    read: (name) => kept.get(name),
    keep(name, sealed) {
      if (!kept.has(name)) kept.set(name, sealed);
      return kept.get(name)!;
    },
  };
}

/** An API whose callers sign what they sent, and what it keeps of that. */
export interface SigningApi extends SessionApi {
  readonly kept: SessionCheckpoint[];
}

export async function serveSigning(
  checkpoints: CheckpointOptions = {},
  more: SessionOptions = {},
  ...rest: [Parameters<typeof serveSessions>[1]?, Parameters<typeof serveSessions>[2]?]
): Promise<SigningApi> {
  const kept: SessionCheckpoint[] = [];
  const onCheckpoint = (checkpoint: SessionCheckpoint) => void kept.push(checkpoint);
  return { ...(await serveSessions({ checkpoints, onCheckpoint, ...more }, ...rest)), kept };
}

/** What it told of checkpoints. */
export const told = ({ events }: SessionApi) => events.filter(({ type }) => type === 'session-checkpoint');

/** A caller by hand: one that can make what no client makes. */
export class RawCaller {
  readonly agent: Agent;
  readonly session: HeldSession;
  readonly url: string;

  private constructor(agent: Agent, session: HeldSession, url: string) {
    this.agent = agent;
    this.session = session;
    this.url = url;
  }

  static async of(
    url: string,
    registry: TrustRegistry,
    scopes: readonly string[] = ['*'],
    more: AgentOptions = {},
  ): Promise<RawCaller> {
    const agent = await Agent.quickstart({ registry, sendScopes: scopes, ...more });
    return new RawCaller(agent, await RawCaller.open(agent, url, more.clock), url);
  }

  /** A session of an agent that there is. */
  static async for(agent: Agent, url: string): Promise<RawCaller> {
    return new RawCaller(agent, await RawCaller.open(agent, url), url);
  }

  static async open(agent: Agent, url: string, clock: Clock = Date.now): Promise<HeldSession> {
    const service = await discover(url, { ...LOCAL, clock });
    await agent.adoptService(service.keyRecord);
    return openSession({ agent, service, version: undefined, fetch, timeoutMs: 5000, init: {} });
  }

  /** Another session of the same caller, or with another instance. */
  async again(url = this.url): Promise<RawCaller> {
    return new RawCaller(this.agent, await RawCaller.open(this.agent, url), url);
  }

  /** The same session at another address. */
  at(url: string): RawCaller {
    return new RawCaller(this.agent, this.session, url);
  }

  async seal({
    method = 'POST',
    path = '/form',
    body = '{"item":"tea"}',
    seq = this.session.next++,
    timestamp = Date.now(),
    scope = '*',
    ticket = this.session.ticket,
    headers = [] as readonly (readonly [string, string])[],
    salt = crypto.randomBytes(16),
  } = {}) {
    const said = { seq, salt, timestamp, scope };
    const digest = await requestDigest(crypto, this.session, said, requestBinding(method, path));
    const cipher = await requestCipher(crypto, this.session, digest);
    const content = { bytes: new TextEncoder().encode(body), contentType: 'application/json', headers };
    const plaintext = framePlaintext('request', this.session.from, content);
    const first = await cipher.sealFirst(plaintext, true);
    const sent = this.session.checkpoints?.begin(seq);
    if (sent) sent.sealed = { digest, plaintext: await crypto.sha256(plaintext) };
    const credential = encodeCredential({ ticket, ...said });
    const tie: RequestTie = { digest, tag: tagOf(first) };
    return {
      method,
      path,
      credential,
      bytes: concat(encodeFrames([{ type: FRAME.finalChunk, bytes: first }])),
      tie,
    };
  }

  /** Sends it, and says what came back: by status and code, opened if it was sealed. */
  async send(
    sealed: Awaited<ReturnType<RawCaller['seal']>>,
    { path = sealed.path, method = sealed.method, url = this.url, wantsSealed = false, headers = {} } = {},
  ): Promise<{
    readonly status: number;
    readonly code: string | undefined;
    readonly body: Record<string, unknown>;
  }> {
    const response = await fetch(url + path, {
      method,
      headers: {
        Authorization: `Xlink-Session ${sealed.credential}`,
        'Content-Type': 'application/xlink-session',
        ...(wantsSealed ? { Accept: 'application/xlink-answer' } : {}),
        ...headers,
      },
      body: new Uint8Array(sealed.bytes),
    });
    const opening = { signal: undefined, maxBytes: undefined };
    const answer = response.headers.get('content-type')?.startsWith('application/xlink-answer')
      ? (await openReply(crypto, this.session, sealed.tie, response, opening)).response
      : response;
    const body = (await answer.json()) as Record<string, unknown>;
    const { code, subCode } = body;
    return {
      status: answer.status,
      code: code === undefined ? undefined : [code, subCode].filter(Boolean).join(':'),
      body,
    };
  }

  /** Signs what it sent, or something else. Resolves to the code of the refusal, or to what was signed in reply. */
  async checkpoint(
    change: (statement: CheckpointStatement) => object = () => ({}),
    { agent = this.agent, url = this.url, named = (content: string) => content } = {},
  ): Promise<string | Countersigned> {
    const { sid, ticket, checkpoints, next: to } = this.session;
    const { next: from, head: previous } = checkpoints!;
    const leaves = await checkpoints!.leaves(crypto, to);
    const statement = { sid, ticket, from, to, previous, leaves };
    const content = JSON.stringify({ ...statementPayload(statement), ...change(statement) });
    const target = new URL('/.well-known/xlink/session/checkpoint', url);
    const hash = await crypto.sha256(new TextEncoder().encode(named(content)));
    target.searchParams.set('content', Buffer.from(hash).toString('base64url'));
    const service = await discover(url, { ...LOCAL, clock: await fixed(agent) });
    let refusal: string | undefined;
    const watched: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (response.ok) return response;
      const text = await response.clone().text();
      const signed = JSON.parse(text) as { payload?: string };
      const problem = signed.payload
        ? JSON.parse(Buffer.from(signed.payload, 'base64url').toString())
        : signed;
      refusal = [problem.code, problem.subCode].filter(Boolean).join(':');
      return response;
    };
    const parts = { agent, service, version: undefined, fetch: watched, init: {} };
    const post = { url: target, scope: 'xlink:session-checkpoint', content };
    const { signal } = new AbortController();
    const reply = await signedPost(crypto, parts, post, signal).catch(() => undefined);
    if (!reply) return refusal ?? 'no answer';
    const signed = readCountersigned(reply.value)!;
    this.session.ticket = signed.ticket;
    checkpoints!.signed(signed.to, signed.head, Date.now());
    return signed;
  }

  async call(what: Parameters<RawCaller['seal']>[0] = {}, how: Parameters<RawCaller['send']>[1] = {}) {
    return this.send(await this.seal(what), how);
  }
}

const fixed = async (agent: Agent): Promise<Clock> => {
  const now = await agent.now();
  return () => now;
};
