import type { EnterpriseRegistryOptions } from './options.js';
import { EnterpriseTrustRegistry } from './registry.js';

/**
 * A central registry over HTTP, with a file beside the service for when it cannot be reached.
 *
 * Lookups ask the registry, and its answers are remembered in the file. While it is down (unreachable, failing, or
 * answering with something that is no registry's) entries come from the file, none older than `maxStaleMs`. Unknown and
 * revoked are answers, not failures: the file is not asked then. A DID that is not in the file is not "unknown" while the
 * registry is down, but `LOOKUP_FAILED`. So for as long as an outage lasts, and up to `maxStaleMs` after the last
 * confirmation, a DID that was revoked elsewhere may be accepted here; after a failure the registry is left alone for
 * `retryMs`, so its changes may take that much longer to be seen.
 *
 * Changes go to the registry, and to the file. While it is down they wait in the file, count here at once for DIDs that
 * are in it (a revocation with the next lookup), and are made in order when it is back; what it then refuses is reported
 * as a `conflict` event, and an `add` does not bring back who was revoked meanwhile. So `ok` means that the change was
 * made or is sure to be tried. A new DID counts when the registry knows of it. An entry that changes wait for shows no
 * `revision`; a change with `ifRevision` whose answer was lost is a `conflict` even if it was made.
 *
 * A file that cannot be read fails like a registry that is down, for changes that wait in it would not count. Each
 * process needs a file of its own. Throws `INVALID_OPTION`.
 */
export const createEnterpriseTrustRegistry = (options: EnterpriseRegistryOptions): EnterpriseTrustRegistry =>
  new EnterpriseTrustRegistry(options);
