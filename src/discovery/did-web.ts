import { isXlinkError, toXlinkError, xlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import { withDeadline } from '../http/abort.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { getJson } from '../http/get-json.js';
import { assertAddress } from '../http/service-url.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did, KeyRecord, Registration } from '../types/protocol.js';
import { checkOptions } from '../util/options.js';
import { keyRecordIn } from './did-web-document.js';
import { didWebUrl } from './did-web-url.js';
import { DEFAULT_DISCOVERY_TIMEOUT_MS, DISCOVER_OPTIONS, type DiscoverOptions } from './options.js';

/** As for {@link discover}; `pinnedDid` is the only did:key that is taken for the name. */
export type DidWebOptions = Omit<DiscoverOptions, 'registryUrl'>;

const { registryUrl: _, ...DID_WEB_OPTIONS } = DISCOVER_OPTIONS;

/** Who a did:web stands for at the moment. */
export interface DidWebIdentity {
  /** The name that was resolved. */
  readonly web: string;
  /** The did:key behind it: what envelopes carry and registries hold. */
  readonly did: Did;
  /** Its proof is checked. */
  readonly keyRecord: KeyRecord;
}

/**
 * Resolves a did:web (W3C did:web) to the key record of the did:key behind it, from the `XlinkKeyRecord` service of its
 * DID document (see `createDidWebDocument`).
 *
 * The host says who it is, vouched for by TLS and DNS at this moment: the holder of the domain can name another key
 * tomorrow, unless it is pinned. That the other keys belong to the did:key is proven by its signature. Envelopes carry
 * did:key only, so a name is resolved before it is used, and never by a receiver.
 *
 * Fails with `INVALID_DID` for what is no did:web, `DISCOVERY_FAILED…` as `discover` does, private addresses and
 * redirects to other hosts included.
 */
export async function resolveDidWeb(
  web: string,
  options: DidWebOptions = {},
): Promise<Result<DidWebIdentity>> {
  try {
    checkOptions('resolveDidWeb', options, DID_WEB_OPTIONS);
    const url = didWebUrl(web);
    if (options.unsafeAllowHttp) url.protocol = 'http:';
    assertAddress(url, options);
    const fetch_ = fetchOrPlatform(options.fetch);
    const keyRecord = await withDeadline(
      options.timeoutMs ?? DEFAULT_DISCOVERY_TIMEOUT_MS,
      () => xlinkError('DISCOVERY_FAILED:TIMEOUT'),
      async (signal) => keyRecordIn(await getDocument(url, fetch_, signal), web),
      options.signal,
    );
    if (options.pinnedDid !== undefined && keyRecord.did !== options.pinnedDid)
      throw xlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', { field: 'did' });
    return ok({ web, did: keyRecord.did, keyRecord });
  } catch (error) {
    return err(toXlinkError(error));
  }
}

/**
 * Resolves a did:web and puts the did:key behind it into a registry: as a new entry named after the did:web unless
 * `entry` says otherwise, or, if it is there already, by bringing its keys up to date and nothing else; a revoked entry
 * stays revoked. Nothing is repeated later: when the name moves to another key, the old one stays until it is revoked.
 * Fails as {@link resolveDidWeb}, and with what the registry says.
 */
export async function registerDidWeb(
  registry: TrustRegistry,
  web: string,
  entry: Omit<Registration, 'did' | 'keys'> = {},
  options: DidWebOptions = {},
): Promise<Result<DidWebIdentity>> {
  const resolved = await resolveDidWeb(web, options);
  if (!resolved.ok) return resolved;
  const { did, keyRecord: keys } = resolved.value;
  try {
    const known = await registry.lookup(did);
    const result = known
      ? await registry.updateKeys(keys)
      : await registry.register({ name: web, ...entry, did, keys });
    return result.ok ? resolved : result;
  } catch (cause) {
    return err(isXlinkError(cause) ? cause : xlinkError('LOOKUP_FAILED', { cause }));
  }
}

/** That there is no document says nothing about what the service supports. */
async function getDocument(url: URL, fetch_: typeof fetch, signal: AbortSignal): Promise<unknown> {
  try {
    return await getJson(url, fetch_, signal);
  } catch (error) {
    if (isXlinkError(error) && error.id === 'DISCOVERY_FAILED:NOT_SUPPORTED')
      throw xlinkError('DISCOVERY_FAILED', { field: 'did', cause: error });
    throw error;
  }
}
