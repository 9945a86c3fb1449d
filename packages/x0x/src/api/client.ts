import { join } from 'node:path';
import { bytesOfFile } from '@private.me/xlink/file';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { type PlacesOptions, placesOf } from '../identity/places.js';
import { MAX_CARD_LINK } from '../layouts/card-link.js';
import type { TrustDecision } from '../trust/evaluate.js';
import {
  checkNames,
  checkValue,
  integerIn,
  invalidOption,
  isBoolean,
  isFunction,
  isText,
} from '../util/options.js';
import { addressIn } from './api-port.js';
import { answerIn, type DaemonAnswer, fit, isId } from './daemon-answer.js';
import { CHALLENGE_HEADER, isProof, newChallenge, proofFor } from './daemon-proof.js';

export type { DaemonAnswer } from './daemon-answer.js';

const DEFAULT_ADDRESS = '127.0.0.1:12700';

/** Options of {@link X0xClient}. */
export interface X0xClientOptions {
  /** Where the daemon is: http on loopback, or https, without a user in it. Default `http://127.0.0.1:12700`. */
  readonly baseUrl?: string;
  /** The content of `api-token`. */
  readonly token: string;
  /** For one request, in ms. Default 30 000. */
  readonly timeoutMs?: number;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
}

/** Options of {@link X0xClient.local}. */
export interface LocalOptions extends PlacesOptions, Pick<X0xClientOptions, 'timeoutMs' | 'fetch'> {
  /**
   * Sends the token to whoever answers at the address in `api.port`, as for `x0xd`, which cannot prove itself: after it was killed, another
   * user of this machine may answer there. Default `false`.
   */
  readonly unproven?: boolean;
}

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
  /** Where it has to prove itself; `undefined`: it has not. */
  #provenAt: string | undefined;

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
    checkValue(owner, 'timeoutMs', options.timeoutMs, integerIn(1, 2 ** 31 - 1), 'a whole number from 1 on');
    checkValue(owner, 'fetch', options.fetch, isFunction, 'a function');
    this.#baseUrl = (options.baseUrl ?? `http://${DEFAULT_ADDRESS}`).replace(/\/+$/, '');
    this.#token = options.token;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#fetch = options.fetch ?? fetch;
  }

  /**
   * The daemon of an instance of this machine, by `api.port` and `api-token`. Before each request it has to prove that it has the token, which
   * leaves no sooner: a daemon that was killed leaves its port to whoever takes it. Throws `DAEMON_UNREACHABLE` if there are none.
   */
  static async local(options: LocalOptions = {}): Promise<X0xClient> {
    const { unproven = false, timeoutMs, fetch, ...where } = options;
    checkValue('X0xClient.local', 'unproven', options.unproven, isBoolean, 'true or false');
    const { dataDir } = placesOf(where);
    const address = await addressIn(dataDir).catch(() => undefined);
    const file = await bytesOfFile(join(dataDir, 'api-token')).catch(() => undefined);
    const token = file && new TextDecoder().decode(file).trim();
    if (address === undefined || !token) throw new X0xError('DAEMON_UNREACHABLE');
    const client = new X0xClient({
      baseUrl: `http://${address}`,
      token,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(fetch ? { fetch } : {}),
    });
    client.#provenAt = unproven ? undefined : address;
    return client;
  }

  /** Whether it answers, and proves itself if it has to. It is not sent the token. */
  async isUp(): Promise<boolean> {
    return this.#assertUp().then(
      () => true,
      () => false,
    );
  }

  /** Its ids. */
  async agent(): Promise<DaemonAgent> {
    const answer = await this.request('GET', '/agent');
    return {
      ...answer,
      agent_id: fit(answer, 'agent_id', isId),
      machine_id: fit(answer, 'machine_id', isId),
      user_id: userIn(answer),
    };
  }

  /** The id of its user; `undefined` if it has none. */
  async userId(): Promise<X0xId | undefined> {
    return userIn(await this.request('GET', '/agent/user-id')) ?? undefined;
  }

  /** A link to share. */
  async cardLink(displayName = ''): Promise<string> {
    const query = new URLSearchParams({ display_name: displayName });
    return fit(await this.request('GET', `/agent/card?${query}`), 'link', isLink);
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
    return fit(await this.request('GET', '/contacts'), 'contacts', areContacts);
  }

  /** Sets the level of an agent. */
  setTrust(agentId: X0xId, level: string): Promise<DaemonAnswer> {
    return this.request('POST', '/contacts/trust', { agent_id: agentId, level });
  }

  /** What comes of an agent on a machine. */
  async evaluate(agentId: X0xId, machineId: X0xId): Promise<TrustDecision> {
    const body = { agent_id: agentId, machine_id: machineId };
    return fit(await this.request('POST', '/trust/evaluate', body), 'decision', isDecision);
  }

  /** Signs as its agent, for an application: `context` names it. Resolves to 3309 bytes. */
  async sign(context: string, payload: Uint8Array): Promise<Uint8Array> {
    const body = { context, payload_b64: Buffer.from(payload).toString('base64') };
    const text = fit<string>(await this.request('POST', '/agent/sign', body), 'signature_b64', isSignature);
    return new Uint8Array(Buffer.from(text, 'base64'));
  }

  /**
   * Any route. Throws `DAEMON_UNREACHABLE…`, `DAEMON_REFUSED` with what it said as `detail`, or `DAEMON_ANSWER_INVALID` for an answer that is
   * none, or above 8 MiB.
   */
  async request(method: string, path: string, body?: object): Promise<DaemonAnswer> {
    if (this.#provenAt !== undefined) await this.#assertUp();
    return this.#ask(method, path, { authorization: `Bearer ${this.#token}` }, body);
  }

  async #assertUp(): Promise<void> {
    const challenge = newChallenge();
    const answer = await this.#ask('GET', '/health', { [CHALLENGE_HEADER]: challenge });
    if (this.#provenAt === undefined) return;
    const wanted = proofFor(this.#token, this.#provenAt, challenge);
    if (!isProof(answer['proof'], wanted)) throw new X0xError('DAEMON_UNREACHABLE:UNPROVEN');
  }

  async #ask(method: string, path: string, headers: Record<string, string>, body?: object) {
    try {
      const response = await this.#fetch(this.#baseUrl + path, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return await answerIn(response);
    } catch (cause) {
      throw isX0xError(cause) ? cause : new X0xError('DAEMON_UNREACHABLE', { cause });
    }
  }
}

/** The token is for nobody on the way. */
function isSafe(baseUrl: string): boolean {
  try {
    const { protocol, hostname, username, password } = new URL(baseUrl);
    const isLoopback = /^(localhost|\[::1\]|127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.test(hostname);
    return username + password === '' && (protocol === 'https:' || (protocol === 'http:' && isLoopback));
  } catch {
    return false;
  }
}

const userIn = (answer: DaemonAnswer): X0xId | null =>
  fit<X0xId | null | undefined>(answer, 'user_id', (value) => value == null || isId(value)) ?? null;

const isLink = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= MAX_CARD_LINK && /^x0x:\/\/agent\/[\w-]+$/.test(value);

const areContacts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => isId(Object(one).agent_id));

const DECISIONS = ['Accept', 'AcceptWithFlag', 'RejectMachineMismatch', 'RejectBlocked', 'Unknown'];
const isDecision = (value: unknown): boolean => DECISIONS.includes(value as string);

const isSignature = (value: unknown): boolean =>
  typeof value === 'string' && value.length <= 4412 && Buffer.from(value, 'base64').length === 3309;
