import {
  Agent,
  type DualModeOptions,
  MemoryTrustRegistry,
  requestBinding,
  type SessionOptions,
  type TicketKeyStore,
  type TrustRegistry,
} from '@private.me/xlink';
import express, { type Express } from 'express';
import { openReply } from '../../src/client/sessions/open-reply.js';
import { type HeldSession, openSession } from '../../src/client/sessions/open-session.js';
import { concat } from '../../src/crypto/bytes.js';
import { defaultProvider } from '../../src/crypto/native/index.js';
import { discover } from '../../src/discovery/discover.js';
import { framePlaintext } from '../../src/envelope/plaintext.js';
import { encodeFrames, FRAME } from '../../src/http/answer-frames.js';
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
  ): Promise<RawCaller> {
    const agent = await Agent.quickstart({ registry, sendScopes: scopes });
    return new RawCaller(agent, await RawCaller.open(agent, url), url);
  }

  /** A session of an agent that there is. */
  static async for(agent: Agent, url: string): Promise<RawCaller> {
    return new RawCaller(agent, await RawCaller.open(agent, url), url);
  }

  static async open(agent: Agent, url: string): Promise<HeldSession> {
    const service = await discover(url, LOCAL);
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
    const first = await cipher.sealFirst(framePlaintext('request', this.session.from, content), true);
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

  async call(what: Parameters<RawCaller['seal']>[0] = {}, how: Parameters<RawCaller['send']>[1] = {}) {
    return this.send(await this.seal(what), how);
  }
}
