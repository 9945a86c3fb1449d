import { isXlinkError, xlinkError } from '../errors/errors.js';
import { withDeadline } from '../http/abort.js';
import { below } from '../http/base-url.js';
import { fetchOrPlatform } from '../http/fetch.js';
import { getJson } from '../http/get-json.js';
import { assertAddress } from '../http/service-url.js';

import type { Did } from '../types/protocol.js';
import { checkDocument } from './check-document.js';
import { DISCOVERY_PATH, type DiscoveryDocument, ISSUED_SINCE } from './document.js';
import {
  checkDiscoverOptions,
  DEFAULT_DISCOVERY_TIMEOUT_MS,
  DEFAULT_REGISTRY_URL,
  type DiscoverOptions,
  isServiceUrl,
} from './options.js';
import { parseTarget } from './target.js';

/** A service as it describes itself; its key record and the document are verified. Endpoints are URLs on its origin. */
export interface Service extends DiscoveryDocument {
  /** Base URL, as it was given or as the registry has it. */
  readonly url: string;
  /** Origin of `url`. */
  readonly origin: string;
}

type Get = (url: URL) => Promise<unknown>;

/**
 * Finds a service by name (asks the registry), by domain or by URL, and reads `/.well-known/xlink.json` of its origin:
 * the registry says where a service is, and its own origin says who it is.
 *
 * Throws `DISCOVERY_FAILED:NOT_SUPPORTED` if the origin has no such document (404, 410), and other
 * `DISCOVERY_FAILED…` for everything that is no clear answer. Private addresses are refused where the host is a literal
 * one; see `unsafeAllowPrivateAddresses`.
 *
 * `issuedSince`, in ms since 1970: asks for a document that is newer than this. Of several instances of a service some may still
 * show an older one, and so may a cache on the way. Default: whichever there is.
 */
export async function discover(
  target: string,
  options: DiscoverOptions = {},
  issuedSince?: number,
): Promise<Service> {
  checkDiscoverOptions(options);
  const { timeoutMs = DEFAULT_DISCOVERY_TIMEOUT_MS, pinnedDid, clock = Date.now } = options;
  const fetch_ = fetchOrPlatform(options.fetch);
  const found = parseTarget(target);
  const expired = () => xlinkError('DISCOVERY_FAILED:TIMEOUT');
  const work = async (signal: AbortSignal): Promise<Service> => {
    const get: Get = (url) => {
      assertAddress(url, options);
      return getJson(url, fetch_, signal);
    };
    if ('url' in found) return describe(found.url, get, pinnedDid, clock(), issuedSince);
    const { url, did } = await askRegistry(found.name, options.registryUrl ?? DEFAULT_REGISTRY_URL, get);
    if (pinnedDid !== undefined && did !== undefined && did !== pinnedDid)
      throw xlinkError('DISCOVERY_FAILED:OTHER_IDENTITY', { field: 'did' });
    return describe(url, get, pinnedDid ?? did, clock(), issuedSince);
  };
  return withDeadline(timeoutMs, expired, work, options.signal);
}

async function describe(
  base: string,
  get: Get,
  pinnedDid: Did | undefined,
  now: number,
  issuedSince: number | undefined,
): Promise<Service> {
  const { origin } = new URL(base);
  const query = issuedSince === undefined ? '' : `?${ISSUED_SINCE}=${issuedSince}`;
  const found = await get(new URL(DISCOVERY_PATH + query, origin));
  const document = await checkDocument(found, { origin, pinnedDid, now });
  return { ...document, url: base, origin };
}

/** `{ url, did? }`. A DID that the registry names is pinned. */
async function askRegistry(
  name: string,
  registryUrl: string,
  get: Get,
): Promise<{ url: string; did: Did | undefined }> {
  const entry = await getEntry(new URL(below(registryUrl, `/services/${name}`)), get);
  const { url, did } = (entry ?? {}) as { url?: unknown; did?: unknown };
  if (isServiceUrl(url)) throw xlinkError('DISCOVERY_FAILED:INVALID', { field: 'url' });
  if (did !== undefined && typeof did !== 'string')
    throw xlinkError('DISCOVERY_FAILED:INVALID', { field: 'did' });
  return { url: url as string, did };
}

/** That a registry does not know a name says nothing about what the service supports. */
async function getEntry(url: URL, get: Get): Promise<unknown> {
  try {
    return await get(url);
  } catch (error) {
    if (isXlinkError(error) && error.id === 'DISCOVERY_FAILED:NOT_SUPPORTED')
      throw xlinkError('DISCOVERY_FAILED', { field: 'target', cause: error });
    throw error;
  }
}
