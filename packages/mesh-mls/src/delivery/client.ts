import type { Agent } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { GroupError, isGroupErrorId } from '../errors.js';
import type { MlsSuite } from '../suites.js';
import type { WireCommit, WireEntry, WireGroup, WireInvitation, WireNews } from './wire.js';

/** `fetch` that speaks for a DID. */
export type DidFetch = (url: string, init: RequestInit) => Promise<Response>;

/** Answers that may be forgotten after a while and then are right: the request may be made again. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The delivery service of one server, called as a DID. */
export class DeliveryClient {
  readonly url: string;
  readonly #fetch: DidFetch;
  readonly #timeoutMs: number;
  readonly #closed: AbortSignal;

  constructor(url: string, agent: Agent, timeoutMs: number, closed: AbortSignal, fetch?: DidFetch) {
    this.url = url.replace(/\/+$/, '');
    this.#fetch = fetch ?? (xlinkFetch({ agent, baseUrl: this.url }) as unknown as DidFetch);
    this.#timeoutMs = timeoutMs;
    this.#closed = closed;
  }

  /** How many wait then. */
  publish(body: {
    suite: MlsSuite;
    packages: readonly string[];
    lastResort?: string;
    replace?: boolean;
  }): Promise<{ waiting: number }> {
    return this.#call('PUT', '/key-packages', body);
  }

  waiting(suite: MlsSuite): Promise<{ waiting: number }> {
    return this.#call('GET', `/key-packages?suite=${suite}`);
  }

  keyPackage(did: string, suite: MlsSuite): Promise<{ keyPackage: string; lastResort: boolean }> {
    return this.#call('POST', `/key-packages/${encodeURIComponent(did)}`, { suite });
  }

  create(body: { group: string; suite: MlsSuite; groupInfo?: string }): Promise<WireGroup> {
    return this.#call('POST', '', body);
  }

  group(group: string): Promise<WireGroup> {
    return this.#call('GET', `/${group}`);
  }

  commit(group: string, body: WireCommit): Promise<WireEntry> {
    return this.#call('POST', `/${group}/commits`, body);
  }

  post(
    group: string,
    body: { kind: 'message' | 'proposal'; epoch: number; message: string },
  ): Promise<WireEntry> {
    return this.#call('POST', `/${group}/messages`, body);
  }

  async log(group: string, after: number): Promise<readonly WireEntry[]> {
    return (await this.#call<{ entries: WireEntry[] }>('GET', `/${group}/log?after=${after}`)).entries;
  }

  async welcome(group: string, seq: number): Promise<string> {
    return (await this.#call<{ welcome: string }>('GET', `/${group}/welcome?seq=${seq}`)).welcome;
  }

  async info(group: string): Promise<string> {
    return (await this.#call<{ groupInfo: string }>('GET', `/${group}/info`)).groupInfo;
  }

  news(known: ReadonlyMap<string, number>, waitMs: number, ended: AbortSignal): Promise<WireNews> {
    const text = [...known].map(([id, seq]) => `${id}:${seq}`).join(',');
    return this.#call('GET', `/news?known=${text}&wait=${waitMs}`, undefined, waitMs, ended);
  }

  async invitations(): Promise<readonly WireInvitation[]> {
    return (await this.#call<{ invitations: WireInvitation[] }>('GET', '/invitations')).invitations;
  }

  async invite(body: { to: string; group: string; server: string; seq: number }): Promise<void> {
    await this.#call('POST', '/invitations', body);
  }

  async seen(ids: readonly number[]): Promise<void> {
    await this.#call('POST', '/invitations/seen', { ids });
  }

  async #call<T>(method: string, path: string, body?: object, more = 0, ended?: AbortSignal): Promise<T> {
    let response: Response;
    let answer: unknown;
    try {
      response = await this.#fetch(`${this.url}/v1/groups${path}`, {
        method,
        signal: AbortSignal.any([
          this.#closed,
          AbortSignal.timeout(this.#timeoutMs + more),
          ...(ended ? [ended] : []),
        ]),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
      });
      answer = await response.json().catch((cause: unknown) => {
        if (response.ok) throw cause;
        return undefined; // a page of a proxy: its status says enough
      });
    } catch (cause) {
      if (this.#closed.aborted) throw new GroupError('CLOSED', { cause });
      const { code } = (cause ?? {}) as { code?: unknown };
      if (TOO_LARGE.includes(String(code)))
        throw new GroupError('TOO_LARGE', { cause, detail: String(code) });
      const isSure = method === 'GET';
      throw new GroupError(isSure ? 'DELIVERY_FAILED' : 'DELIVERY_FAILED:UNKNOWN_OUTCOME', { cause });
    }
    if (response.ok) return answer as T;
    throw refusalOf(response.status, answer, method);
  }
}

/** Codes of adapters and servers for a request that is too large: they answer before they look at it. */
const TOO_LARGE = ['ENVELOPE_TOO_LARGE', 'BODY_TOO_LARGE'];

function refusalOf(status: number, answer: unknown, method: string): GroupError {
  const { code, subCode, field } = (answer ?? {}) as { code?: unknown; subCode?: unknown; field?: unknown };
  const id = subCode === undefined ? code : `${String(code)}:${String(subCode)}`;
  const isOurs = isGroupErrorId(id) && id !== 'INVALID_OPTION';
  const more = typeof field === 'string' && /^[\w.[\]]{1,64}$/.test(field) ? { field } : {};
  if (isOurs && !PASSING.has(status)) return new GroupError(id, more);
  if (isOurs && id === 'TOO_MANY') return new GroupError(id, more);
  const detail = typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : `HTTP_${status}`;
  if (status === 413) return new GroupError('TOO_LARGE', { ...more, detail });
  const isUnsure = PASSING.has(status) && status !== 429 && method !== 'GET';
  return new GroupError(isUnsure ? 'DELIVERY_FAILED:UNKNOWN_OUTCOME' : 'DELIVERY_FAILED', {
    ...more,
    detail,
  });
}
