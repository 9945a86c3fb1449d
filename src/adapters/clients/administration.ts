import { xlinkError } from '../../errors/errors.js';
import { isReason } from '../../registry/change-options.js';
import type { RevokeOptions } from '../../registry/managed.js';
import type { XlinkEvent } from '../../types/events.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { checkOptions, isBoolean, isStringArray } from '../../util/options.js';
import {
  type ClientParts,
  type ClientRestoration,
  type ClientRevocation,
  restoreClient,
  revokeClient,
  unlinkDid,
} from './revocation.js';

/** What `adapter.restoreClient()` brings back beside the keys. */
export interface RestoreClientOptions {
  /** DIDs of the client that are to be active again, with the scopes that they had. Default: none. */
  readonly reactivate?: readonly Did[];
}

/** What `adapter.revokeClient()` keeps beside the revocation of each DID. */
export type RevokeClientOptions = Pick<RevokeOptions, 'reason'>;

/** How `adapter.unlink()` leaves the DID. */
export interface UnlinkOptions extends RevokeClientOptions {
  /** Leaves the DID active in the trust registry, where it counts as a client of its own. Default `false`. */
  readonly keep?: boolean;
}

/** What an operator does to clients: checked, done, and told as an event. */
export class ClientAdministration {
  readonly #parts: ClientParts;
  readonly #emit: (event: XlinkEvent) => void;

  constructor(parts: ClientParts, emit: (event: XlinkEvent) => void) {
    this.#parts = parts;
    this.#emit = emit;
  }

  async revoke(client: ClientId, options: RevokeClientOptions): Promise<ClientRevocation> {
    assertClient('revokeClient', client);
    checkOptions('revokeClient', options, { reason: isReason });
    const { reason } = options;
    const done = await revokeClient(this.#parts, client, reason);
    const why = reason === undefined ? {} : { reason };
    this.#emit({ type: 'client-revocation', client, revoked: true, dids: done.dids.length, ...why });
    return done;
  }

  async restore(client: ClientId, options: RestoreClientOptions): Promise<ClientRestoration> {
    assertClient('restoreClient', client);
    checkOptions('restoreClient', options, { reactivate: isStringArray });
    const done = await restoreClient(this.#parts, client, options.reactivate ?? []);
    this.#emit({ type: 'client-revocation', client, revoked: false, dids: done.reactivated.length });
    return done;
  }

  async unlink(did: Did, options: UnlinkOptions): Promise<ClientId> {
    checkOptions('unlink', options, { keep: isBoolean, reason: isReason });
    const { keep = false, reason } = options;
    const client = await unlinkDid(this.#parts, did, { keep, reason });
    this.#emit({ type: 'unlink', client, did, by: 'operator' });
    return client;
  }
}

function assertClient(owner: string, client: unknown): void {
  if (typeof client !== 'string')
    throw xlinkError('INVALID_OPTION', {
      field: 'client',
      hint: `${owner}: the client is its id, a string.`,
    });
}
