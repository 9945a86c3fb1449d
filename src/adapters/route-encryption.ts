import { xlinkError } from '../errors/service-errors.js';
import type { InboundRequest } from '../http/decision.js';
import type { RoutedRequest } from '../http/method-overrides.js';
import { isRouteWith, ROUTE_CHECKS, type Route, RouteTable } from '../http/route-table.js';
import { checkKeys } from '../util/options.js';
import type { ProofForm } from './credentials.js';
import { wantsSealedAnswer } from './sealed-answer.js';

/** Whether a part of the API takes only what nobody on the way can read. */
export interface RouteEncryption extends Route {
  /**
   * `required`: an envelope has to seal the body, and the caller to ask for a sealed answer. `optional`: an exception below a
   * wider route.
   */
  readonly encryption: 'required' | 'optional';
}

const VALUES: readonly unknown[] = ['required', 'optional'] satisfies RouteEncryption['encryption'][];

/** Throws `INVALID_OPTION` for a member that a {@link RouteEncryption} does not have. */
export const checkRouteEncryptionKeys = (owner: string, value: object): void =>
  checkKeys(owner, value, [...Object.keys(ROUTE_CHECKS), 'encryption']);

/** Whether it is a {@link RouteEncryption} and nothing else. */
export const isRouteEncryption = isRouteWith('encryption', (value) => VALUES.includes(value));

/** Where encryption is required. A path that routers may read in several ways is one of these if any of the readings is. */
export class EncryptedRoutes {
  readonly #table = new RouteTable<RouteEncryption['encryption']>();

  constructor(routes: readonly RouteEncryption[] = []) {
    for (const { encryption, ...route } of routes) this.#table.set(route, encryption);
  }

  include(request: RoutedRequest): boolean {
    return !this.#table.isEmpty && this.#table.readings(request).includes('required');
  }

  /**
   * Throws `ENCRYPTION_REQUIRED` for a request that can be read on the way, or whose answer could be. Without a body there is
   * nothing to seal but the answer, and no answer to HEAD has one.
   */
  assertEncrypted(request: InboundRequest, form: ProofForm): void {
    if (!this.include(request)) return;
    if (form === 'signature') throw xlinkError('ENCRYPTION_REQUIRED', { field: 'signature-input' });
    if (form === 'header' && request.hasBody) throw xlinkError('ENCRYPTION_REQUIRED', { field: 'body' });
    if (request.method !== 'HEAD' && !wantsSealedAnswer(request))
      throw xlinkError('ENCRYPTION_REQUIRED', { field: 'accept' });
  }
}
