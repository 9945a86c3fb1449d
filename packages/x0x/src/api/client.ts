import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { type PlacesOptions, placesOf } from '../identity/places.js';
import { checkNames, checkValue, invalidOption, isFunction, isText } from '../util/options.js';

const DEFAULT_ADDRESS = '127.0.0.1:12700';

/** Options of {@link X0xClient}. */
export interface X0xClientOptions {
  /** Where the daemon is: http on loopback, or https. Default `http://127.0.0.1:12700`. */
  readonly baseUrl?: string;
  /** The content of `api-token`. */
  readonly token: string;
  /** For one request, in ms. Default 30 000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** What a daemon answers: the members beside `ok`, spelled as it spells them. */
export type DaemonAnswer = Readonly<Record<string, unknown>>;

/** Who a daemon is. */
export interface DaemonAgent {
  /** The agent. */
  readonly agent_id: X0xId;
  /** The machine it runs on. */
  readonly machine_id: X0xId;
  /** The human behind it; `null`: none is configured. */
  readonly user_id: X0xId | null;
}

/** Asks a daemon on this machine: that of x0x (`x0xd`), or one of this package. */
export class X0xClient {
  readonly #baseUrl: string;
  readonly #token: string;
  readonly #timeoutMs: number;
  readonly #fetch: typeof fetch;

  /** Throws `INVALID_OPTION`. */
  constructor(options: X0xClientOptions) {
    const owner = 'X0xClient';
    checkNames(owner, options, ['baseUrl', 'token', 'timeoutMs', 'fetch']);
    if (options.token === undefined)
      throw invalidOption('token', `${owner}: token is required; see X0xClient.local().`);
    checkValue(owner, 'token', options.token, isText, 'the content of api-token');
    checkValue(
      owner,
      'baseUrl',
      options.baseUrl,
      isSafe,
      'https, or http on loopback: the token travels with each request',
    );
    checkValue(owner, 'fetch', options.fetch, isFunction, 'a function');
    this.#baseUrl = (options.baseUrl ?? `http://${DEFAULT_ADDRESS}`).replace(/\/+$/, '');
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#fetch = options.fetch ?? fetch;
  }

  /** The daemon of an instance of this machine, by `api.port` and `api-token`. Throws `DAEMON_UNREACHABLE` if there are none. */
  static async local(where: PlacesOptions = {}): Promise<X0xClient> {
    const { dataDir } = placesOf(where);
    const read = async (name: string) => (await readFile(join(dataDir, name), 'utf8')).trim();
    try {
      const [address, token] = await Promise.all([read('api.port'), read('api-token')]);
      return new X0xClient({ baseUrl: `http://${address}`, token });
    } catch (cause) {
      throw new X0xError('DAEMON_UNREACHABLE', { cause });
    }
  }

  /** Whether it answers. */
  async isUp(): Promise<boolean> {
    return this.request('GET', '/health').then(
      () => true,
      () => false,
    );
  }

  /** Its ids. */
  async agent(): Promise<DaemonAgent> {
    return (await this.request('GET', '/agent')) as unknown as DaemonAgent;
  }

  /** The id of its user; `undefined` if it has none. */
  async userId(): Promise<X0xId | undefined> {
    return ((await this.request('GET', '/agent/user-id'))['user_id'] as X0xId | null) ?? undefined;
  }

  /** A link to share. */
  async cardLink(displayName = ''): Promise<string> {
    const answer = await this.request(
      'GET',
      `/agent/card?${new URLSearchParams({ display_name: displayName })}`,
    );
    return String(answer['link']);
  }

  /** Imports a card. */
  importCard(card: string, trustLevel = 'known'): Promise<DaemonAnswer> {
    return this.request('POST', '/agent/card/import', { card, trust_level: trustLevel });
  }

  /** Announces the agent. The user is named only with both. */
  announce(
    options: { readonly include_user_identity?: boolean; readonly human_consent?: boolean } = {},
  ): Promise<DaemonAnswer> {
    return this.request('POST', '/announce', options);
  }

  /** Its contacts. */
  async contacts(): Promise<readonly DaemonAnswer[]> {
    return (await this.request('GET', '/contacts'))['contacts'] as readonly DaemonAnswer[];
  }

  /** Sets the level of an agent. */
  setTrust(agentId: X0xId, level: string): Promise<DaemonAnswer> {
    return this.request('POST', '/contacts/trust', { agent_id: agentId, level });
  }

  /** What comes of an agent on a machine. */
  async evaluate(agentId: X0xId, machineId: X0xId): Promise<string> {
    const body = { agent_id: agentId, machine_id: machineId };
    return String((await this.request('POST', '/trust/evaluate', body))['decision']);
  }

  /** Signs as its agent, for an application: `context` names it. Resolves to 3309 bytes. */
  async sign(context: string, payload: Uint8Array): Promise<Uint8Array> {
    const body = { context, payload_b64: Buffer.from(payload).toString('base64') };
    const answer = await this.request('POST', '/agent/sign', body);
    return new Uint8Array(Buffer.from(String(answer['signature_b64']), 'base64'));
  }

  /** Any route. Throws `DAEMON_UNREACHABLE`, or `DAEMON_REFUSED` with what it said as `detail`. */
  async request(method: string, path: string, body?: object): Promise<DaemonAnswer> {
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(this.#baseUrl + path, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      text = await response.text();
    } catch (cause) {
      throw new X0xError('DAEMON_UNREACHABLE', { cause });
    }
    return answerIn(response.status, text);
  }
}

/** The token is for nobody on the way. */
function isSafe(baseUrl: string): boolean {
  try {
    const { protocol, hostname } = new URL(baseUrl);
    const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
    return protocol === 'https:' || (protocol === 'http:' && isLoopback);
  } catch {
    return false;
  }
}

function answerIn(status: number, text: string): DaemonAnswer {
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    value = undefined;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const { ok = true, error, ...rest } = isObject ? (value as Record<string, unknown>) : { ok: false };
  if (status < 200 || status > 299 || ok !== true) {
    const detail = typeof error === 'string' ? error : `status ${status}`;
    throw new X0xError('DAEMON_REFUSED', { detail, hint: detail });
  }
  return rest;
}
