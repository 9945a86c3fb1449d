import { decodeDidKey } from '../identity/did.js';
import type { Clock, Did } from '../types/protocol.js';
import {
  checkOptions,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isPromptFunction,
  type OptionCheck,
} from '../util/options.js';

/** The registry that knows services by name, unless another one is given. */
export const DEFAULT_REGISTRY_URL = 'https://xlink.registry.io';
/** How long discovery may take, unless chosen otherwise: 5 s. */
export const DEFAULT_DISCOVERY_TIMEOUT_MS = 5000;

/** Options of {@link discover}. */
export interface DiscoverOptions {
  /** Where services are looked up by name. Default `https://xlink.registry.io`. */
  readonly registryUrl?: string;
  /** The only DID that is taken for the service, beside those that took its place one after the other. Default: whichever its origin shows, as TLS vouches for it. */
  readonly pinnedDid?: Did;
  /** How long it may take in all, redirects and body included, in ms. Default 5000. */
  readonly timeoutMs?: number;
  /** Takes services without TLS. Default `false`; for a `baseUrl` of `xlinkFetch` on this machine `true` while `NODE_ENV` is not `production`. */
  readonly unsafeAllowHttp?: boolean;
  /**
   * Takes services whose host is a private, loopback or link-local address, or `localhost`. Default as above. Only literal
   * addresses are looked at: to refuse DNS names that lead to private addresses, pass a `fetch` that does.
   */
  readonly unsafeAllowPrivateAddresses?: boolean;
  /** Default: that of the platform. */
  readonly fetch?: typeof fetch;
  /** Default `Date.now`. */
  readonly clock?: Clock;
  /** Aborts discovery. Default none. */
  readonly signal?: AbortSignal;
}

/** An `http:` or `https:` URL without credentials. */
export const isServiceUrl: OptionCheck = (value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  return url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
    ? undefined
    : 'an http or https URL without credentials';
};

const isDid: OptionCheck = (value) => {
  try {
    decodeDidKey(value as Did);
    return undefined;
  } catch {
    return 'a did:key';
  }
};

/** One check per option. */
export const DISCOVER_OPTIONS = {
  registryUrl: isServiceUrl,
  pinnedDid: isDid,
  timeoutMs: integerIn(1, 600_000),
  unsafeAllowHttp: isBoolean,
  unsafeAllowPrivateAddresses: isBoolean,
  fetch: isFunction,
  clock: isPromptFunction,
  signal: isObject,
};

/** Throws `INVALID_OPTION`. */
export const checkDiscoverOptions = (options: DiscoverOptions): void =>
  checkOptions('discover', options, DISCOVER_OPTIONS);
