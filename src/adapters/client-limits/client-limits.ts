import { xlinkError } from '../../errors/service-errors.js';
import type { ApiKeyAuth, Auth, Headers } from '../../http/decision.js';
import { LimitCounter } from '../../limits/counter.js';
import type { LimitCount, LimitStore } from '../../limits/store.js';
import type { ClientId, Clock } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import {
  checkKeys,
  checkOptions,
  hasMethods,
  integerIn,
  isObject,
  isPromptFunction,
  type OptionChecks,
} from '../../util/options.js';
import { promptAnswer } from '../../util/prompt-answer.js';
import { clientIdOf } from '../clients/clients.js';
import { CLIENT_WITHOUT_ID } from '../clients/cutover-report.js';

/** How many requests a client may send. */
export interface ClientLimit {
  /** In each minute that begins with a request. Default: any number. */
  readonly requestsPerMinute?: number;
  /** In each day that begins with a request: a quota. Default: any number. */
  readonly requestsPerDay?: number;
}

/** How many requests clients may send, by key, envelope and signature together. */
export interface ClientLimits extends ClientLimit {
  /**
   * The limit of one client, in the place of those above, such as that of its plan; `undefined`: those above. Called with each request,
   * so it must not ask a database. A caller without client id is one by its DID; keys without client id are one client together.
   */
  readonly of?: (client: ClientId) => ClientLimit | undefined;
  /** Where requests are counted: `RedisLimitStore` for several instances. Default: in the memory of each process. */
  readonly store?: LimitStore;
}

const MAX = 1_000_000_000;
const LIMIT: OptionChecks<ClientLimit> = {
  requestsPerMinute: integerIn(1, MAX),
  requestsPerDay: integerIn(1, MAX),
};

/** Throws `INVALID_OPTION`. */
export const checkClientLimits = (options: ClientLimits): void =>
  checkOptions('DualModeAdapter: clientLimits', options, {
    ...LIMIT,
    of: isPromptFunction,
    store: hasMethods('take'),
  });

/** The windows that requests are counted in. Names are those of the policies on the wire. */
const WINDOWS = [
  { name: 'minute', option: 'requestsPerMinute', seconds: 60 },
  { name: 'day', option: 'requestsPerDay', seconds: 86_400 },
] as const;

/** What a request counted. */
export interface Taken {
  /** For its answer, whatever that is. */
  readonly headers: Headers;
  /** When the client may send again, in ms; absent if this request may go on. */
  readonly exceededMs?: number;
}

interface Part extends LimitCount {
  readonly name: string;
  readonly quota: number;
  readonly seconds: number;
}

/**
 * Counts the requests of each client that were authenticated, and says so in `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10). A store that is down refuses nobody: this process counts for itself meanwhile.
 */
export class LimitedClients {
  readonly #options: ClientLimits;
  readonly #counter: LimitCounter;
  readonly #clientId: (auth: ApiKeyAuth) => ClientId | undefined;

  constructor(
    options: ClientLimits,
    clientId: ((auth: ApiKeyAuth) => ClientId | undefined) | undefined,
    clock: Clock,
    onFault: (error: unknown) => void,
  ) {
    this.#clientId = clientIdOf(clientId);
    this.#options = options;
    this.#counter = new LimitCounter(options.store, clock, onFault);
  }

  /** `client`: whose request it is, where that is known. Throws `INVALID_OPTION` for a limit that is none. */
  async take(auth: Auth, client: ClientId | undefined): Promise<Taken> {
    return this.#take(client ?? this.#callerOf(auth));
  }

  #callerOf(auth: Auth): ClientId {
    return auth.mode === 'xlink' ? auth.did : (this.#clientId(auth) ?? CLIENT_WITHOUT_ID);
  }

  async #take(client: ClientId): Promise<Taken> {
    const limit = this.#limitOf(client);
    const parts: Part[] = [];
    for (const { name, option, seconds } of WINDOWS) {
      const quota = limit[option];
      if (quota === undefined) continue;
      parts.push({
        name,
        quota,
        seconds,
        ...(await this.#counter.take(`${name}:${client}`, seconds * 1000)),
      });
    }
    const over = parts.filter(({ count, quota }) => count > quota).map(({ resetMs }) => resetMs);
    return {
      headers: headersOf(parts),
      ...given({ exceededMs: over.length > 0 ? Math.max(...over) : undefined }),
    };
  }

  #limitOf(client: ClientId): ClientLimit {
    const { of } = this.#options;
    const own = of && promptAnswer('clientLimits.of', of(client), isLimitOrNone, 'a limit, or undefined');
    if (own === undefined) return this.#options;
    checkKeys('clientLimits.of', own, Object.keys(LIMIT));
    for (const [name, check] of Object.entries(LIMIT) as [
      keyof ClientLimit,
      (typeof LIMIT)['requestsPerDay'],
    ][])
      if (own[name] !== undefined && check(own[name]))
        throw xlinkError('INVALID_OPTION', {
          field: name,
          hint: `clientLimits.of: ${name} must be ${check(own[name])}.`,
        });
    return own;
  }
}

const isLimitOrNone = (limit: unknown): limit is ClientLimit | undefined =>
  limit === undefined || isObject(limit) === undefined;

/** Throws `CLIENT_LIMIT_EXCEEDED`. */
export function assertWithin(taken: Taken | undefined): void {
  if (taken?.exceededMs !== undefined)
    throw xlinkError('CLIENT_LIMIT_EXCEEDED', { retryAfterMs: taken.exceededMs });
}

function headersOf(parts: readonly Part[]): Headers {
  if (parts.length === 0) return {};
  const left = ({ count, quota }: Part) => Math.max(0, quota - count);
  return {
    'RateLimit-Policy': parts
      .map(({ name, quota, seconds }) => `"${name}";q=${quota};w=${seconds}`)
      .join(', '),
    RateLimit: parts
      .map((part) => `"${part.name}";r=${left(part)};t=${Math.ceil(part.resetMs / 1000)}`)
      .join(', '),
    'Access-Control-Expose-Headers': 'RateLimit, RateLimit-Policy',
  };
}
