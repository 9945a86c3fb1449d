import { isXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { isAnyBaseUrl, isBaseUrl } from '../http/base-url.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Did, KeyRecord, Registration, RegistryEntry, Succession } from '../types/protocol.js';
import type { Members } from '../util/members.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  type OptionCheck,
  requireOption,
} from '../util/options.js';
import { ChangeFeed } from './change-feed.js';
import { ChangeListeners } from './change-listeners.js';
import {
  checkCondition,
  checkGrant,
  checkRevokeOptions,
  checkScopeChange,
  registrationIn,
} from './change-options.js';
import { MAX_WAIT_MS } from './changes-protocol.js';
import { HttpChanges, resolve } from './http-change.js';
import { refusalOf } from './http-errors.js';
import { ask, type ExchangeOptions, type OwnAnswer } from './http-exchange.js';
import { openHttpFeed } from './http-feed.js';
import { KnownDids } from './known-dids.js';
import type {
  ChangeCondition,
  ChangeListener,
  FeedState,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from './managed.js';
import { entryFrom } from './parse-entry.js';
import { type PositionalRegistration, registrationOf } from './positional-registration.js';

/** Options of {@link HttpTrustRegistry}. */
export interface HttpTrustRegistryOptions {
  /** Where the registry is, such as `https://trust.example.com`; `/registry/…` is added to it. */
  readonly baseUrl: string;
  /** The admin token, for changes and lists. Lookups need none and do not send it. Default none. */
  readonly authToken?: string;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** How long one call may take in all, in ms; each page of a list as long. Default 5000. */
  readonly timeoutMs?: number;
  /**
   * For how long the registry is asked to hold back the answer that nothing changed, in ms. Default 500: while something
   * listens to changes (`onChange`), the registry gets two small requests a second. Silence of the network goes unnoticed
   * for that long, and half a second more; until then caches trust what they hold for their whole `ttlMs`.
   */
  readonly heartbeatMs?: number;
  /** Takes a registry without TLS on another machine: an attacker in between can revoke and restore DIDs. Default `false`. */
  readonly unsafeAllowHttp?: boolean;
}

const DEFAULT_TIMEOUT_MS = 5000;
/** A page of the list has some 1 MiB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const DEFAULT_HEARTBEAT_MS = 500;
/** Between one request for changes and the next; the process may end then. */
const FEED_PAUSE_MS = 25;
/** More DIDs than a cache holds by default, unknown ones included. */
const MAX_KNOWN_DIDS = 32_768;

/**
 * A trust registry at the other end of HTTP: `createRegistryServer` of `@private.me/xlink/server`, or what speaks like it.
 * Every lookup asks it, so every change there takes effect with the next message here. Nothing is believed but a whole
 * entry of the DID that was asked for: whatever else comes back, redirects and foreign 404 pages included, is
 * `LOOKUP_FAILED`, and then nothing is accepted. Key records carry the signature of their DID, which agents check.
 *
 * A change that fails with `REGISTRATION_FAILED` and a `cause` may have happened all the same, as the answer was lost, or
 * may happen yet, but never after a later change of the entry was acknowledged: the entry is looked up first, and each
 * change but a registration is asked for on the condition that it is still at the `revision` it was seen at. If it is not,
 * the new revision is taken, until `timeoutMs` is over (`REGISTRATION_FAILED:CHANGED_MEANWHILE`: it did not happen). So make the change again, or another,
 * before you rely on the entry. Changes of one DID wait for each other. A registry that shows no revisions is asked
 * without a condition: there a change may be carried out late, even after a later one.
 *
 * Caches hear of changes, by whoever made them, over requests to `/registry/changes` that stay open until there is one. A
 * registry that has no such route, or whose own store does not hear of changes now, counts as a feed that is `down`.
 */
export class HttpTrustRegistry implements ManagedTrustRegistry {
  readonly #exchange: ExchangeOptions;
  readonly #token: string | undefined;
  readonly #listeners = new ChangeListeners();
  readonly #known = new KnownDids(MAX_KNOWN_DIDS);
  readonly #changes: HttpChanges;
  readonly #feed: ChangeFeed;

  /** Throws `INVALID_OPTION`. */
  constructor(options: HttpTrustRegistryOptions) {
    checkOptions('HttpTrustRegistry', options, {
      baseUrl: options?.unsafeAllowHttp === true ? isAnyBaseUrl : isBaseUrl,
      authToken: isToken,
      fetch: isFunction,
      timeoutMs: integerIn(1, 600_000),
      heartbeatMs: integerIn(10, MAX_WAIT_MS),
      unsafeAllowHttp: isBoolean,
    });
    requireOption('HttpTrustRegistry', options, 'baseUrl');
    this.#token = options.authToken;
    this.#exchange = {
      baseUrl: options.baseUrl,
      fetch: fetchOrPlatform(options.fetch),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
    };
    this.#changes = new HttpChanges(this.#exchange, this.#token);
    const waitMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    this.#feed = new ChangeFeed({
      open: openHttpFeed({ exchange: this.#exchange, waitMs, known: this.#known }),
      announce: (did) => this.#changed(did),
      timeoutMs: this.#exchange.timeoutMs + waitMs,
      heartbeatMs: FEED_PAUSE_MS,
      pingMs: waitMs,
    });
  }

  async lookup(did: Did): Promise<RegistryEntry | undefined> {
    if (!looksLikeDidKey(did)) return undefined;
    if (this.#feed.state !== 'off') await this.#known.add(did); // before it is asked: a change may be told first
    try {
      return (await resolve(did, this.#exchange)).entry;
    } catch (cause) {
      throw isXlinkError(cause) ? cause : lookupFailed(cause);
    }
  }

  async list(): Promise<RegistryEntry[]> {
    const entries: RegistryEntry[] = [];
    for (let after = ''; ; ) {
      const answer = await this.#ask(`/registry/list${after && `?after=${after}`}`);
      const { entries: page, next } = answer.body;
      if (answer.status !== 200 || !Array.isArray(page)) throw lookupFailed(refusalOf(answer));
      for (const entry of page) entries.push(entryFrom(entry));
      if (next === undefined) return entries;
      // Pages are in the order of DIDs, so a registry cannot keep us turning them for ever.
      if (!looksLikeDidKey(next) || next <= after) throw lookupFailed(new Error('bad page'));
      after = next;
    }
  }

  async register(...args: [entry: Registration] | PositionalRegistration): Promise<Result<void>> {
    return this.#change('register', () => registrationIn(registrationOf(args)));
  }

  async add(did: Did, grant: Grant = {}): Promise<Result<void>> {
    return this.#change('add', () => ({ ...checkGrant(grant), did }));
  }

  async revoke(did: Did, options: RevokeOptions = {}): Promise<Result<void>> {
    const result = await this.#change('revoke', () => ({ ...checkRevokeOptions(options), did }));
    if (result.ok && options.successors) this.#changed(undefined); // who they are is for the registry to say
    return result;
  }

  async updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#change('scopes', () => ({ ...checkScopeChange(change), did }));
  }

  async updateKeys(keys: KeyRecord, condition: ChangeCondition = {}): Promise<Result<void>> {
    return this.#change('keys', () => ({ ...checkCondition('updateKeys', condition), did: keys?.did, keys }));
  }

  async succeed(
    succession: Succession,
    keys: KeyRecord,
    condition: ChangeCondition = {},
  ): Promise<Result<void>> {
    const members = () => ({
      ...checkCondition('succeed', condition),
      did: succession?.from,
      succession,
      keys,
    });
    const result = await this.#change('succeed', members);
    if (result.ok) this.#changed(succession.to);
    return result;
  }

  /** Whether changes made elsewhere are heard of. `off` until `onChange` is called. */
  get changeFeed(): FeedState {
    return this.#feed.state;
  }

  /**
   * Calls the listener at every change, by whoever made it, until the returned function is called. It is told `undefined`
   * when the registry is reached for the first time and after every outage: anything may have changed unheard.
   */
  onChange(listener: ChangeListener): () => void {
    const forget = this.#listeners.add(listener);
    const stop = this.#feed.listen();
    return () => {
      forget();
      stop();
    };
  }

  /** Asks for changes no more. */
  close(): void {
    this.#feed.close();
  }

  #changed(did: Did | undefined): void {
    if (did === undefined) this.#known.clear(); // the listeners hold nothing any more
    this.#listeners.tell(did);
  }

  /** The body is made before anything is awaited: the caller may change its objects meanwhile. */
  async #change(route: string, members: () => object): Promise<Result<void>> {
    try {
      const copy = JSON.parse(JSON.stringify(members())) as Members & { readonly did: Did };
      const answer = await this.#changes.make(route, copy);
      const isDone = answer.status >= 200 && answer.status < 300;
      if (isDone && answer.body['ok'] === true && answer.body['did'] === copy.did) {
        this.#changed(copy.did);
        return ok(undefined);
      }
      return err(refusalOf(answer));
    } catch (cause) {
      const isOwn = isXlinkError(cause) && cause.code !== 'LOOKUP_FAILED'; // the entry may be what cannot be read
      return err(isOwn ? cause : xlinkError('REGISTRATION_FAILED', { cause }));
    }
  }

  async #ask(path: string): Promise<OwnAnswer> {
    try {
      return await ask({ method: 'GET', path, token: this.#token }, this.#exchange);
    } catch (cause) {
      throw lookupFailed(cause);
    }
  }
}

const lookupFailed = (cause: unknown) => xlinkError('LOOKUP_FAILED', { cause });

const isToken: OptionCheck = (value) =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? undefined : 'characters without spaces';
