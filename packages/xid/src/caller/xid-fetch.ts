import type { XlinkFetch, XlinkFetchOptions } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { EphemeralIdentity } from '../identity/ephemeral-identity.js';
import { normalizeVerifier } from '../identity/verifier-id.js';
import { invalidOption, isFunction } from '../util/options.js';
import type { CredentialSource } from './credential.js';

/** Options of {@link xidFetch}: those of `xlinkFetch` but the ones that say who calls. */
export type XidFetchOptions = Omit<
  XlinkFetchOptions,
  | 'agent'
  | 'identity'
  | 'introduce'
  | 'apiKey'
  | 'apiKeyHeader'
  | 'apiKeyOrigin'
  | 'invitation'
  | 'onFallback'
>;

/** A `fetch` that is another caller to each service, and in each epoch. */
export type XidFetch = (
  input: Parameters<XlinkFetch>[0],
  init?: Parameters<XlinkFetch>[1],
) => Promise<Response>;

/** Callers that are kept at a time. */
const MAX_CALLERS = 1000;
const NOT_HERE = [
  'agent',
  'identity',
  'introduce',
  'apiKey',
  'apiKeyHeader',
  'apiKeyOrigin',
  'invitation',
  'onFallback',
];

/**
 * A `fetch` that speaks xLink as the identity for the origin that is called, in the epoch that it is. What is under way when an epoch ends is finished by
 * the identity that began it.
 *
 * ```ts
 * const fetch = xidFetch(me, (request) => askRegistrar(request));
 * await fetch('https://api.example.com/orders');
 * ```
 *
 * `credential` is asked when the service is met for the first time in an epoch. Rejects as `xlinkFetch` does, with what `credential` rejects with, and with
 * `ENROLLMENT_REFUSED:NOT_ADMITTED` whose `reason` is a code of this package. Throws `INVALID_OPTION`.
 */
export function xidFetch(
  me: EphemeralIdentity,
  credential: CredentialSource,
  options: XidFetchOptions = {},
): XidFetch {
  if (!(me instanceof EphemeralIdentity))
    throw invalidOption('me', 'xidFetch: the first argument must be an EphemeralIdentity.');
  if (!isFunction(credential))
    throw invalidOption(
      'credential',
      'xidFetch: the second argument must be a function that gets a credential.',
    );
  const foreign = NOT_HERE.find((name) => Object.hasOwn(options, name));
  if (foreign !== undefined)
    throw invalidOption(
      foreign,
      `xidFetch: there is no option ${foreign}: who calls follows from the service and the epoch.`,
    );
  const { baseUrl } = options;
  xlinkFetch(options); // throws what is wrong with them
  const callers = new Map<string, { readonly epoch: number; readonly fetch: XlinkFetch }>();

  const callerFor = (origin: string): XlinkFetch => {
    const { epoch } = me;
    const name = `${epoch} ${origin}`;
    const kept = callers.get(name) ?? { epoch, fetch: callerOf(me, credential, origin, epoch, options) };
    callers.delete(name);
    callers.set(name, kept);
    for (const [other, one] of callers)
      if (one.epoch < epoch - 1 || callers.size > MAX_CALLERS) callers.delete(other);
    return kept.fetch;
  };
  return async (input, init) => {
    const url = typeof input === 'object' && 'url' in input ? input.url : String(input);
    return callerFor(new URL(url, baseUrl).origin)(input, init);
  };
}

function callerOf(
  me: EphemeralIdentity,
  credential: CredentialSource,
  origin: string,
  epoch: number,
  options: XidFetchOptions,
): XlinkFetch {
  const audience = normalizeVerifier(origin);
  return xlinkFetch({
    ...options,
    identity: {
      load: async () => (await me.identityFor(audience, epoch)).exportPKCS8(),
      save() {},
    },
    introduce: async ({ did }) => ({ xidCertificate: await credential({ did, audience, epoch }) }),
  });
}
