import { isOwnScope } from '../../checks/scope.js';
import { isScopeOrAll } from '../../envelope/fields.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { ApiKeyAuth, Outcome } from '../../http/decision.js';
import type { Mode } from '../../types/mode.js';
import type { ClientId, Clock, RegistryEntry, Scope } from '../../types/protocol.js';
import { type Awaitable, isPromiseLike, later } from '../../util/awaitable.js';
import { isTextOrNone, promptAnswer } from '../../util/prompt-answer.js';
import { CLIENT_WITHOUT_ID } from './cutover-report.js';
import type { ClientLedger } from './ledger.js';
import { firstOf, standingOf } from './lineage.js';
import type { ClientRecord, ClientStore, Standing } from './store.js';
import { assertStanding, hasEnds, type ValidityRules } from './validity.js';

/** What happens when a client that works on xLink uses its key again. */
export type OnDowngrade = 'accept' | 'report' | 'refuse';

export interface ClientsParts {
  readonly store: ClientStore;
  readonly ledger: ClientLedger;
  readonly clock: Clock;
  readonly onDowngrade: OnDowngrade;
  readonly clientId: (auth: ApiKeyAuth) => ClientId | undefined;
  readonly clientScopes: (auth: ApiKeyAuth) => readonly Scope[] | undefined;
  /** When enrollments end. */
  readonly validity: ValidityRules;
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
   * What is known about a verified DID. One that was never enrolled is a client of its own, by the name of the first of those whose
   * place it took. A store that is down is no reason to refuse where only the registry ends a DID, but then the client is unknown:
   * the DID would pass for another one. Where enrollments end, nobody is accepted meanwhile: throws or rejects with `CLIENT_STORE_UNAVAILABLE`.
   */
  standingOf(entry: RegistryEntry): Awaitable<Standing | undefined> {
    const own: Standing = { client: firstOf(entry) };
    const unknown = (error: unknown) => {
      if (hasEnds(this.parts.validity)) throw error;
      return this.parts.onFault(error) as undefined;
    };
    try {
      const standing = standingOf(this.parts.store, entry);
      return isPromiseLike(standing)
        ? Promise.resolve(standing).then((one) => one ?? own, unknown)
        : (standing ?? own);
    } catch (error) {
      return unknown(error);
    }
  }

  /** The client that a verified DID belongs to, for the counts of what is refused; `undefined` if it cannot be told. */
  async ofDid(entry: RegistryEntry): Promise<ClientId | undefined> {
    try {
      return (await standingOf(this.parts.store, entry))?.client ?? firstOf(entry);
    } catch (error) {
      return this.parts.onFault(error) as undefined;
    }
  }

  /** Throws `CLIENT_REVOKED` or `ENROLLMENT_EXPIRED` unless a DID with this standing counts. */
  assertStanding(standing: Standing): void {
    assertStanding(standing, this.parts.clock());
  }

  /** Counts a request for the report. Failures count once it is verified whose they are. */
  count({ client, method, form, error }: Outcome): void {
    const { ledger } = this.parts;
    if (client === undefined) {
      if (method === 'api-key' && !error) ledger.keyUsed(CLIENT_WITHOUT_ID);
      return;
    }
    if (error) ledger.failed(client, method, error.id);
    else if (method === 'xlink') ledger.xlinkUsed(client, form);
    else ledger.keyUsed(client);
  }

  /** A request that was counted is not over: as long as it is open, its key is in use. */
  held({ client = CLIENT_WITHOUT_ID, method }: Outcome): void {
    if (method === 'api-key') this.parts.ledger.keyHeld(client);
  }

  /** It is over. */
  released({ client = CLIENT_WITHOUT_ID, method }: Outcome): void {
    if (method === 'api-key') this.parts.ledger.keyReleased(client);
  }

  /** The record of a client that is not revoked. Throws `CLIENT_REVOKED`; `CLIENT_STORE_UNAVAILABLE` if it cannot be told. */
  unrevoked(client: ClientId): Awaitable<ClientRecord | undefined> {
    return later(this.parts.store.get(client), (record) => {
      if (record?.revokedSince !== undefined) throw xlinkError('CLIENT_REVOKED');
      return record;
    });
  }

  /**
   * Throws `API_KEY_SWITCHED_OFF` or `API_KEY_LATCHED`. In observe mode a key is no downgrade: there is nothing else to use.
   */
  assertKeyCounts(client: ClientId, record: ClientRecord | undefined, mode: Mode): void {
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

/**
 * The option `clientId`, or {@link defaultClientId}. What it returns must be an id: a promise or an object of another one would be
 * nobody's, whom no revocation and no mode reaches. A number is one as a text, as in the default.
 */
export const clientIdOf =
  (clientId: ((auth: ApiKeyAuth) => unknown) | undefined) =>
  (auth: ApiKeyAuth): ClientId | undefined => {
    if (!clientId) return defaultClientId(auth);
    const found = clientId(auth);
    if (Number.isSafeInteger(found)) return String(found);
    return promptAnswer('clientId', found, isTextOrNone, 'a text, or undefined');
  };

/** The member `scopes`. */
export const defaultClientScopes = (auth: ApiKeyAuth) => auth.scopes as readonly Scope[] | undefined;

/**
 * Throws `INVALID_OPTION` for scopes that are neither absent nor a list of scopes: they must not turn into `any`. Those of
 * the library's own routes are left out: nobody grants them.
 */
export function checkClientScopes(scopes: unknown): readonly Scope[] | undefined {
  const what = 'a list of scopes; set it if legacyKeyValidator does not call them `scopes`';
  return promptAnswer('clientScopes', scopes, areScopesOrNone, what)?.filter((scope) => !isOwnScope(scope));
}

const areScopesOrNone = (scopes: unknown): scopes is readonly Scope[] | undefined =>
  scopes === undefined || (Array.isArray(scopes) && scopes.every(isScopeOrAll));
