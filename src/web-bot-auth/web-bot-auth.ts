import { defaultProvider } from '#provider';
import type { CryptoProvider } from '../crypto/provider.js';
import { isXlinkError } from '../errors/errors.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { decodeDidKey } from '../identity/did.js';
import type { Clock, Did } from '../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isFunction,
  isPromptFunction,
  type OptionCheck,
  requireOption,
} from '../util/options.js';
import { type BotRequest, partsOf } from './bot-request.js';
import { type BotSignature, BotSignatureError, isHttpsOrigin, readBotSignature } from './bot-signature.js';
import { Directories } from './directories.js';
import { KEY_DIRECTORY_PATH } from './key-directory.js';

/** Options of {@link WebBotAuth}. */
export interface WebBotAuthOptions {
  /**
   * The origins of the agents that are to be recognized, such as `https://agent.example`: at most 1000. Key directories are fetched
   * from these and from no other, whatever a request says.
   */
  readonly origins: readonly string[];
  /** The hosts of the API, such as `api.example.com`, with a port if it is not 443. What is signed for another one is not taken. */
  readonly hosts: readonly string[];
  /** Fetches the key directories. Default: that of the platform. Redirects are not followed. */
  readonly fetch?: typeof fetch;
  /** How long a key directory may take, in ms. Default 5000. */
  readonly timeoutMs?: number;
  /** How long a signature may be good at most, from `created` to `expires`, in ms. Default a day, as the draft recommends. */
  readonly maxLifetimeMs?: number;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /** Default: the provider of the platform. */
  readonly crypto?: CryptoProvider;
}

/** Who signed a request, by Web Bot Auth. It says who, and nothing of what they may do. */
export interface RecognizedBot {
  readonly outcome: 'verified';
  /** The agent's identifier: the URL of its key directory. */
  readonly agent: string;
  /** The key that signed, as a DID: the one to enroll, if the agent is to be let in to more by signing in the profile of xLink. */
  readonly did: Did;
  /** The thumbprint of that key. */
  readonly keyid: string;
  /** What is signed, such as `"@authority"`. **What is not in here may be anybody's.** */
  readonly components: readonly string[];
  /** When it was made, in ms since 1970. */
  readonly created: number;
  /** In ms since 1970. Until then the same signature is good again and again. */
  readonly expires: number;
}

/** `invalid`: it is not in form, out of time, of another host, or does not verify. `unverified`: the key of that agent is not to be had, or its origin not listed. */
export interface UnrecognizedBot {
  /** `invalid`: nobody should take it; `unverified`: its key could not be had. */
  readonly outcome: 'invalid' | 'unverified';
  /** For the log of the operator. */
  readonly reason: string;
}

/** How far clocks may differ, in s. */
const SKEW_S = 30;

const isListOf =
  (isOne: (value: unknown) => boolean, what: string): OptionCheck =>
  (value) =>
    Array.isArray(value) && value.length > 0 && value.length <= 1000 && value.every(isOne)
      ? undefined
      : `a list of 1 to 1000 ${what}`;

/**
 * Recognizes automated clients that sign their requests by Web Bot Auth (draft-meunier-webbotauth-httpsig-protocol). It authenticates
 * nobody: such a signature may cover no more than the host, and is good many times.
 */
export class WebBotAuth {
  readonly #hosts: ReadonlySet<string>;
  readonly #maxLifetimeMs: number;
  readonly #clock: Clock;
  readonly #crypto: CryptoProvider;
  readonly #directories: Directories;

  /** Throws `INVALID_OPTION`. */
  constructor(options: WebBotAuthOptions) {
    checkOptions('WebBotAuth', options, {
      origins: isListOf(isHttpsOrigin, 'origins such as https://agent.example'),
      hosts: isListOf(
        (value) => typeof value === 'string' && /^[\w.:[\]-]{1,255}$/.test(value),
        'hosts such as api.example.com, without scheme and path',
      ),
      fetch: isFunction,
      timeoutMs: integerIn(1, 60_000),
      maxLifetimeMs: integerIn(1000, 2 ** 50),
      clock: isPromptFunction,
      crypto: (value) => (typeof value === 'object' && value !== null ? undefined : 'a CryptoProvider'),
    });
    requireOption('WebBotAuth', options, 'origins');
    requireOption('WebBotAuth', options, 'hosts');
    const { origins, hosts, timeoutMs = 5000, clock = Date.now, crypto = defaultProvider() } = options;
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase().replace(/:443$/, '')));
    this.#maxLifetimeMs = options.maxLifetimeMs ?? 86_400_000;
    this.#clock = clock;
    this.#crypto = crypto;
    const fetch = fetchOrPlatform(options.fetch);
    this.#directories = new Directories({ origins, fetch, timeoutMs, clock, crypto });
  }

  /** Who signed the request; `undefined` if nobody did by Web Bot Auth. Never rejects for what a request or a directory says. */
  async recognize(request: BotRequest): Promise<RecognizedBot | UnrecognizedBot | undefined> {
    try {
      const parts = partsOf(request);
      const signed = readBotSignature(parts);
      if (!signed) return undefined;
      return this.#withoutKey(signed, this.#hosts.has(parts.authority)) ?? (await this.#withKey(signed));
    } catch (error) {
      if (!(error instanceof BotSignatureError) && !isXlinkError(error)) throw error;
      return invalid(error.message);
    }
  }

  /** What is wrong with it that can be told without a key: a stranger costs no more than that. */
  #withoutKey({ created, expires, origin }: BotSignature, isOurs: boolean): UnrecognizedBot | undefined {
    const now = Math.floor(this.#clock() / 1000);
    if (!isOurs) return invalid('signed for another host');
    if (created > now + SKEW_S) return invalid('created in the future');
    if (expires <= now) return invalid('expired');
    if (expires <= created || (expires - created) * 1000 > this.#maxLifetimeMs)
      return invalid('good for too long');
    return this.#directories.has(origin) ? undefined : unverified('the origin is not listed');
  }

  async #withKey(signed: BotSignature): Promise<RecognizedBot | UnrecognizedBot> {
    const { origin, keyid, components, base, signature } = signed;
    const keys = await this.#directories.keysOf(origin, keyid);
    if (!keys) return unverified('the key directory is not to be had');
    const key = keys.get(keyid);
    if (!key) return unverified('the key is not in the directory');
    const now = this.#clock();
    if (now < key.notBefore || now >= key.notAfter) return unverified('the key is not valid now');
    const verifier = await this.#crypto.ed25519.verifier(decodeDidKey(key.did));
    if (!(await verifier.verify(base, signature))) return invalid('the signature does not match');
    return {
      outcome: 'verified',
      agent: origin + KEY_DIRECTORY_PATH,
      did: key.did,
      keyid,
      components,
      created: signed.created * 1000,
      expires: signed.expires * 1000,
    };
  }
}

const invalid = (reason: string): UnrecognizedBot => ({ outcome: 'invalid', reason });
const unverified = (reason: string): UnrecognizedBot => ({ outcome: 'unverified', reason });
