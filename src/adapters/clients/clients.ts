import { isScope } from '../../envelope/fields.js';
import { xlinkError } from '../../errors/errors.js';
import type { ApiKeyAuth, Outcome } from '../../http/decision.js';
import type { Mode } from '../../types/mode.js';
import type { ClientId, Clock, Did, Scope } from '../../types/protocol.js';
import { type Awaitable, isPromiseLike } from '../../util/awaitable.js';
import type { ClientLedger } from './ledger.js';
import type { ClientStore } from './store.js';

/** What happens when a client that works on xLink uses its key again. */
export type OnDowngrade = 'accept' | 'report' | 'refuse';

export interface ClientsParts {
  readonly store: ClientStore;
  readonly ledger: ClientLedger;
  readonly clock: Clock;
  readonly onDowngrade: OnDowngrade;
  readonly clientId: (auth: ApiKeyAuth) => ClientId | undefined;
  readonly clientScopes: (auth: ApiKeyAuth) => readonly Scope[] | undefined;
  /** Told when a client that works on xLink uses its key. */
  readonly reportDowngrade: (client: ClientId) => void;
  /** Told about a store that is down where that refuses nothing. */
  readonly onFault: (error: unknown) => void;
}

/** The clients behind keys and DIDs: who they are, what they did, and whether their key still counts. */
export class Clients {
  readonly parts: ClientsParts;

  constructor(parts: ClientsParts) {
    this.parts = parts;
  }

  /**
   * The client that a verified DID belongs to; the DID itself if it was never enrolled. A store that is down is no
   * reason to refuse, but then the client is unknown: the DID would pass for another one.
   */
  ofDid(did: Did): Awaitable<ClientId | undefined> {
    const unknown = (error: unknown) => this.parts.onFault(error) as undefined;
    try {
      const client = this.parts.store.clientOf(did);
      return isPromiseLike(client)
        ? Promise.resolve(client).then((one) => one ?? did, unknown)
        : (client ?? did);
    } catch (error) {
      return unknown(error);
    }
  }

  /** Counts a request for the report. Failures count once it is verified whose they are. */
  count({ client, method, error }: Outcome): void {
    if (client === undefined) return;
    const { ledger } = this.parts;
    if (error) ledger.failed(client, method, error.id);
    else if (method === 'xlink') ledger.xlinkUsed(client);
    else ledger.keyUsed(client);
  }

  /**
   * Throws `API_KEY_SWITCHED_OFF` or `API_KEY_LATCHED`; `CLIENT_STORE_UNAVAILABLE` if it cannot be told. In observe
   * mode a key is no downgrade: there is nothing else to use.
   */
  async assertKeyCounts(client: ClientId, mode: Mode): Promise<void> {
    const record = await this.parts.store.get(client);
    if (record?.keyOffSince !== undefined) throw xlinkError('API_KEY_SWITCHED_OFF');
    if (record?.lastXlinkUse === undefined || mode === 'observe' || this.parts.onDowngrade === 'accept')
      return;
    this.parts.reportDowngrade(client);
    if (this.parts.onDowngrade === 'refuse') throw xlinkError('API_KEY_LATCHED');
  }
}

/** The validator's own id of the client: the first of these members that is a string or a number. */
export function defaultClientId(auth: ApiKeyAuth): ClientId | undefined {
  for (const name of ['clientId', 'customerId', 'userId', 'id']) {
    const value = auth[name];
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}

/** The member `scopes`. */
export const defaultClientScopes = (auth: ApiKeyAuth) => auth.scopes as readonly Scope[] | undefined;

/** Throws `INVALID_OPTION` for scopes that are neither absent nor a list of scopes: they must not turn into `any`. */
export function checkClientScopes(scopes: unknown): readonly Scope[] | undefined {
  if (scopes === undefined) return undefined;
  if (!Array.isArray(scopes) || !scopes.every((scope) => scope === '*' || isScope(scope)))
    throw xlinkError('INVALID_OPTION', {
      field: 'clientScopes',
      hint: 'The scopes of a key must be a list of scopes; set clientScopes if legacyKeyValidator names them otherwise.',
    });
  return scopes;
}
