import { MeshError } from '../errors/mesh-error.js';
import { invalidOption } from '../util/options.js';
import type { CryptoConfig } from './crypto-config.js';

/** Where groups are, which the file does not say. */
export interface GroupServers {
  /** Identity server of this agent. */
  readonly server: string;
  /** Other servers whose groups it may join: for `federated`, and needed there. */
  readonly servers?: readonly string[];
  /** Where another DID has its key packages. Default: `server`. */
  readonly homeOf?: (did: string) => string;
}

/** What of the options of an `MlsClient` of `@private.me/mesh-mls` the file decides. */
export interface GroupOptions extends GroupServers {
  /** With `hybrid_mode` one with X-Wing: a router that takes hybrid channels only takes no other group. */
  readonly suite: 'xwing-aes256' | 'x25519-aes128';
}

/**
 * Options of an `MlsClient` by `algorithms` and `protocols.mls`. Throws `CONFIG_INVALID` for several servers where
 * `delivery_service` is `single`, and `INVALID_OPTION` for none where it is `federated`.
 */
export function mlsOptionsOf({ algorithms, mls }: CryptoConfig, places: GroupServers): GroupOptions {
  const { servers = [] } = places;
  const isFederated = mls.deliveryService === 'federated';
  if (!isFederated && (servers.length > 0 || places.homeOf))
    throw new MeshError('CONFIG_INVALID', {
      field: 'protocols.mls.delivery_service',
      hint: 'protocols.mls.delivery_service: it is single, and there are `servers` or `homeOf`. Say federated, or leave them out.',
    });
  if (isFederated && servers.length === 0)
    throw invalidOption('servers', 'mlsOptionsOf: `delivery_service: federated` needs the other servers.');
  return { ...places, suite: algorithms.hybridMode ? 'xwing-aes256' : 'x25519-aes128' };
}
