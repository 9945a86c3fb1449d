import { BaseAgent } from '../agent/agent.js';
import { DISCOVER_OPTIONS, type DiscoverOptions, isServiceUrl } from '../discovery/options.js';
import { isScopeOrAll } from '../envelope/fields.js';
import { xlinkError } from '../errors/errors.js';
import type { Clock, Did, Scope, Version } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import {
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isPromptFunction,
  type OptionCheck,
} from '../util/options.js';
import type { FallbackEvent } from './fallback.js';
import type { ServiceMemory } from './service-memory.js';

/** Where an identity is kept between runs of the program. */
export interface IdentityStore {
  /** The 48 bytes of PKCS#8 DER as they were saved; `undefined` before the first time. */
  load(): Awaitable<Uint8Array | undefined>;
  /** Called once with 48 bytes of unencrypted PKCS#8 (RFC 8410). They are the caller's identity: keep them secret. */
  save(pkcs8: Uint8Array): Awaitable<void>;
  /**
   * Keeps what was learned about services, so that a restart does not take it back: who they are, and that the key is over
   * there. Default: in memory only.
   */
  readonly services?: ServiceMemory;
}

/** More calls wait, unless chosen otherwise. */
export const DEFAULT_MAX_CONCURRENT_CALLS = 256;

/** Who is to enroll where. */
export interface IntroducedTo {
  /** Origin of the service, such as `https://api.example.com`. */
  readonly origin: string;
  /** The DID of the service, from its discovery document. */
  readonly service: Did;
  /** The identity that is to be enrolled. */
  readonly did: Did;
}

/** Options of {@link xlinkFetch}. */
export interface XlinkFetchOptions extends Omit<DiscoverOptions, 'registryUrl' | 'signal'> {
  /** Who calls. Default: see `identity`. */
  readonly agent?: BaseAgent;
  /** Loads the identity, or makes and saves one. Default: a new identity in memory, enrolled at every start. */
  readonly identity?: IdentityStore;
  /** Keeps what was learned about services between runs. Default: that of `identity`, else in memory only. */
  readonly services?: ServiceMemory;
  /**
   * How many services are known at the same time, 1 to 100 000; default 1000. One more takes the place of the one used longest
   * ago that has not proven itself by a verified answer and is not pinned. If all have, calls to further services reject with
   * `SERVICE_MEMORY_FAILED:FULL`. In memory and in `services`, each takes some 300 bytes, with ML-DSA on its record 3 KB.
   */
  readonly maxServices?: number;
  /** The key to enroll with, and to go on with while the service does not offer xLink. Default none. */
  readonly apiKey?: string;
  /**
   * What the operator of the service gave in the place of a key, from `adapter.invite()`: good for one identity, so keep that
   * (`identity`). It goes where a key may go, and only to enroll. Default none.
   */
  readonly invitation?: string;
  /**
   * What this identity shows a service in the place of a key, to be enrolled: members of its introduction, such as `{ xidCertificate }`. Asked
   * at every enrollment; `undefined`: nothing. What it throws, the call rejects with. Default: nothing is shown.
   */
  readonly introduce?: (service: IntroducedTo) => Awaitable<Readonly<Record<string, unknown>> | undefined>;
  /** Header that holds the key. Default `X-API-Key`; `Authorization` sends `Bearer` and the key. */
  readonly apiKeyHeader?: string;
  /** The origins that the key may go to. Default: that of `baseUrl`. Beside them it goes only where the caller put it on the call. */
  readonly apiKeyOrigin?: string | readonly string[];
  /** What relative URLs are resolved against, by the rules of `new URL(input, baseUrl)`. Default: those of the platform. */
  readonly baseUrl?: string;
  /**
   * Limits each request to one scope, or `*`: it may do all that this identity was granted. A function says so for each request;
   * one that returns nothing is refused (`INVALID_OPTION`). Default `*`.
   */
  readonly scope?: Scope | ((request: Request) => Scope);
  /** Exactly this envelope version; an identity that is made here has keys for no higher one. Default: the highest that both sides know. */
  readonly version?: Version;
  /**
   * Asks for sealed answers, and takes no other, unless the path is one that the service lists as public or the call says
   * `sealed: 'optional'`. Default `true`.
   */
  readonly sealedAnswers?: boolean;
  /** Longest body of a sealed answer that is read. Bytes; default: no limit, for it is opened as it is read. */
  readonly maxAnswerBytes?: number;
  /**
   * How many calls may be on their way to one origin at the same time, from the sealing to the head of the answer; 1 to 65 536, default 256. A call that is more
   * waits, and is sealed when its turn has come: where `fetch` has fewer connections (`connections` of a dispatcher, six of a browser), calls
   * would else grow old in its queue, and be refused (`TIMESTAMP_EXPIRED`). There, pass the number of connections.
   */
  readonly maxConcurrentCalls?: number;
  /**
   * Whether sessions are used where a service offers them: from the second call on, requests cost a fraction of an envelope, and are not
   * signed. Default `true`.
   */
  readonly session?: boolean;
  /** Told each time that the key is used in place of an envelope. What it throws is ignored. Default: not called. */
  readonly onFallback?: (event: FallbackEvent) => void;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

const isServiceUrls: OptionCheck = (value) =>
  [value]
    .flat()
    .map(isServiceUrl)
    .find((complaint) => complaint !== undefined);
const isAgent: OptionCheck = (value) => (value instanceof BaseAgent ? undefined : 'an Agent');
/** Anything else would be quoted by the platform in the error of the header it does not fit in. */
const isApiKey: OptionCheck = (value) =>
  typeof value === 'string' && /^[\x21-\x7e]{1,4096}$/.test(value)
    ? undefined
    : '1 to 4096 printable ASCII characters without spaces';
const isHeaderName: OptionCheck = (value) =>
  typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(value) ? undefined : 'the name of a header';
const isScopeOption: OptionCheck = (value) =>
  typeof value === 'function' || isScopeOrAll(value) ? undefined : 'a scope, *, or a function';

const isStore = hasMethods('load', 'save');

const { registryUrl: _registry, signal: _signal, ...DISCOVERY } = DISCOVER_OPTIONS;

/** One check per option. */
export const XLINK_FETCH_OPTIONS = {
  ...DISCOVERY,
  agent: isAgent,
  identity: isStore,
  services: isStore,
  maxServices: integerIn(1, 100_000),
  apiKey: isApiKey,
  invitation: isApiKey,
  introduce: isFunction,
  apiKeyHeader: isHeaderName,
  apiKeyOrigin: isServiceUrls,
  baseUrl: isServiceUrl,
  scope: isScopeOption,
  version: integerIn(1, 3),
  sealedAnswers: isBoolean,
  maxAnswerBytes: integerIn(1024, 2 ** 30),
  maxConcurrentCalls: integerIn(1, 65_536),
  session: isBoolean,
  onFallback: isFunction,
  clock: isPromptFunction,
};

/** Throws `INVALID_OPTION`. */
export function checkXlinkFetchOptions(owner: string, options: XlinkFetchOptions): void {
  checkOptions(owner, options, XLINK_FETCH_OPTIONS);
  if (options.agent && options.identity)
    throw xlinkError('INVALID_OPTION', {
      field: 'identity',
      hint: `${owner}: give agent or identity, not both.`,
    });
}
