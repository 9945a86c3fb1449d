import { toXlinkError, xlinkError } from '../../errors/service-errors.js';
import { looksLikeDidKey } from '../../identity/did.js';
import { isReason } from '../../registry/change-options.js';
import type { RevokeOptions } from '../../registry/managed.js';
import type { OperationName, XlinkEvent } from '../../types/events.js';
import type { ClientId, Did } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../../util/operator.js';
import { checkOptions, isBoolean, isStringArray } from '../../util/options.js';
import { knownAs, unknownClient } from './known-client.js';
import {
  type ClientParts,
  type ClientRestoration,
  type ClientRevocation,
  restoreClient,
  revokeClient,
  unlinkDid,
} from './revocation.js';

/** What `adapter.restoreClient()` brings back beside the keys. */
export interface RestoreClientOptions extends Operator {
  /**
   * DIDs of the client that are to be active again, with the scopes that they had; `[]`: none, and the client enrolls new ones with
   * a key. No default: a client that has revoked DIDs is not restored without it (`INVALID_OPTION`).
   */
  readonly reactivate?: readonly Did[];
}

/** What `adapter.revokeClient()` keeps beside the revocation of each DID, and whom it takes for a client. */
export interface RevokeClientOptions extends Pick<RevokeOptions, 'reason'>, Pick<Operator, 'by'> {
  /** Marks a client of whom nothing is known yet, before its first request. Default `false`: it is refused with `CLIENT_UNKNOWN`. */
  readonly allowUnknown?: boolean;
}

/** How `adapter.unlink()` leaves the DID. */
export interface UnlinkOptions extends Pick<RevokeOptions, 'reason'>, Pick<Operator, 'by'> {
  /** Leaves the DID active in the trust registry, where it counts as a client of its own. Default `false`. */
  readonly keep?: boolean;
}

/** What clients are administered with. */
export interface AdministrationParts extends ClientParts {
  /** Tells of a client that is named and not known. */
  readonly warn: (text: string) => void;
  /** Writes who called until now. */
  readonly flush: () => Promise<void>;
}

/** What an operator does to clients: checked, done, and told as an event. */
export class ClientAdministration {
  readonly #parts: AdministrationParts;
  readonly #emit: (event: XlinkEvent) => void;

  constructor(parts: AdministrationParts, emit: (event: XlinkEvent) => void) {
    this.#parts = parts;
    this.#emit = emit;
  }

  async revoke(client: ClientId, options: RevokeClientOptions): Promise<ClientRevocation> {
    assertClient('revokeClient', client);
    checkOptions('revokeClient', options, {
      reason: isReason,
      allowUnknown: isBoolean,
      by: OPERATOR_CHECKS.by,
    });
    const { reason, allowUnknown = false, by } = options;
    await this.#parts.flush();
    const done = await revokeClient(this.#parts, client, { reason, allowUnknown });
    const why = reason === undefined ? {} : { reason };
    this.#emit({ type: 'client-revocation', client, revoked: true, dids: done.dids.length, ...why });
    this.#tell('revoke-client', client, { by, why: reason });
    return done;
  }

  async restore(client: ClientId, options: RestoreClientOptions): Promise<ClientRestoration> {
    assertClient('restoreClient', client);
    checkOptions('restoreClient', options, { reactivate: isStringArray, ...OPERATOR_CHECKS });
    const done = await restoreClient(this.#parts, client, options.reactivate);
    const dids = done.reactivated.length;
    if (done.wasRevoked || dids > 0) this.#emit({ type: 'client-revocation', client, revoked: false, dids });
    this.#tell('restore-client', client, options);
    return done;
  }

  async unlink(did: Did, options: UnlinkOptions): Promise<ClientId> {
    checkOptions('unlink', options, { keep: isBoolean, reason: isReason, by: OPERATOR_CHECKS.by });
    if (!looksLikeDidKey(did))
      throw xlinkError('INVALID_OPTION', {
        field: 'did',
        hint: 'unlink: the first argument must be a DID, such as did:key:z6Mk…; adapter.clientRecords() lists the DIDs of each client.',
      });
    const { keep = false, reason, by } = options;
    const client = await unlinkDid(this.#parts, did, { keep, reason });
    this.#emit({ type: 'unlink', client, did, by: 'operator' });
    this.#tell('unlink', did, { by, why: reason });
    return client;
  }

  #tell(
    operation: OperationName,
    target: string,
    { by, why }: { readonly [K in keyof Operator]: Operator[K] | undefined },
  ): void {
    this.#emit({ type: 'operation', operation, target, ...given({ by, why }) });
  }

  /** A mode was set for a client: tells if nothing is known by this id. */
  async warnIfUnknown(client: ClientId): Promise<void> {
    const { warn, flush } = this.#parts;
    try {
      await flush();
      if (!(await knownAs(this.#parts, 'setMode', client)))
        throw await unknownClient(this.#parts, 'setMode', client);
    } catch (thrown) {
      const error = toXlinkError(thrown);
      if (error.id !== 'CLIENT_UNKNOWN') this.#emit({ type: 'fault', error });
      else warn(`${error.message} The mode was set all the same; clearMode({ client }) takes it back.`);
    }
  }
}

function assertClient(owner: string, client: unknown): void {
  if (typeof client !== 'string')
    throw xlinkError('INVALID_OPTION', {
      field: 'client',
      hint: `${owner}: the client must be its id, a string (of a number String(id)), not ${client === null ? 'null' : typeof client}.`,
    });
}
