import { xlinkError } from '../../errors/errors.js';
import type { RoutedRequest } from '../../http/method-overrides.js';
import { isRouteWith, ROUTE_CHECKS, type Route, RouteTable } from '../../http/route-table.js';
import { MODES, type Mode } from '../../types/mode.js';
import type { ClientId } from '../../types/protocol.js';
import { OPERATOR_CHECKS } from '../../util/operator.js';
import {
  checkKeys,
  checkOptions,
  isBoolean,
  isObject,
  isString,
  type OptionCheck,
  requireOption,
} from '../../util/options.js';

/** A mode for a part of the API. */
export interface RouteMode extends Route {
  /** The mode of these requests. */
  readonly mode: Mode;
}

/** What a mode is set for; nothing: for everything that has no mode of its own. */
export interface ModeTarget {
  /** The requests of one path prefix, and of these methods if there are any. */
  readonly route?: Route;
  /** The requests of one client. */
  readonly client?: ClientId;
  /**
   * `true`: on this instance, until it ends. Must be said of a client or route while a {@link SharedMode} runs, which shares the
   * mode of everything else and not these. Default `false`.
   */
  readonly instanceOnly?: boolean;
  /** Who sets it, for the event. Default: not said. */
  readonly by?: string;
}

/** Throws `INVALID_OPTION` for a member that a {@link RouteMode} does not have. */
export const checkRouteModeKeys = (owner: string, value: object): void =>
  checkKeys(owner, value, [...Object.keys(ROUTE_CHECKS), 'mode']);

/** Whether it is a {@link RouteMode} and nothing else. */
export const isRouteMode = isRouteWith('mode', (mode) => MODES.includes(mode as Mode));

const isRoute: OptionCheck = (value) => isObject(value) && 'an object: { path, methods? }';

/** Throws `INVALID_OPTION`: a target that is misspelled would set the mode of everything. */
export function checkModeTarget(owner: string, target: ModeTarget): void {
  checkOptions(owner, target, {
    route: isRoute,
    client: isString,
    instanceOnly: isBoolean,
    by: OPERATOR_CHECKS.by,
  });
  if (target.client !== undefined && target.route)
    throw xlinkError('INVALID_OPTION', { field: 'route', hint: `${owner}: a client or a route, not both.` });
  if (target.instanceOnly && !isPart(target))
    throw xlinkError('INVALID_OPTION', {
      field: 'instanceOnly',
      hint: `${owner}: instanceOnly is for the mode of a client or of a route; name one.`,
    });
  if (!target.route) return;
  checkOptions(owner, target.route, ROUTE_CHECKS);
  requireOption(owner, target.route, 'path');
}

/** Whether it is the mode of a client or of a route. */
export const isPart = ({ client, route }: ModeTarget): boolean => client !== undefined || route !== undefined;

/**
 * The mode of a request. The most specific one counts: that of the client, then that of the route, then the global one.
 * Among routes the longest path counts, then the one that was set last.
 */
export class ModePolicy {
  #global: Mode;
  readonly #routes = new RouteTable<Mode>();
  readonly #clients = new Map<ClientId, Mode>();

  constructor(
    global: Mode,
    routes: readonly RouteMode[] = [],
    clients: Readonly<Record<ClientId, Mode>> = {},
  ) {
    this.#global = global;
    for (const { mode, ...route } of routes) this.set(mode, { route });
    for (const [client, mode] of Object.entries(clients)) this.set(mode, { client });
  }

  get global(): Mode {
    return this.#global;
  }

  /** The mode that is in force for a target. */
  of({ client, route }: ModeTarget): Mode {
    if (client !== undefined) return this.#clients.get(client) ?? this.#global;
    return route
      ? this.forRequest({ method: route.methods?.[0] ?? 'GET', target: route.path })
      : this.#global;
  }

  set(mode: Mode, { client, route }: ModeTarget = {}): void {
    if (client !== undefined) this.#clients.set(client, mode);
    else if (route) this.#routes.set(route, mode);
    else this.#global = mode;
  }

  /** Takes back the mode of a client or of a route, which then follows the next wider one. False if it had none. */
  clear({ client, route }: ModeTarget): boolean {
    if (client !== undefined) return this.#clients.delete(client);
    return route !== undefined && this.#routes.clear(route);
  }

  /** Before it is known who is asking. Of a path that routers may read in several ways, and of a method that may be overridden, the strictest mode counts. */
  forRequest(request: RoutedRequest): Mode {
    if (this.#routes.isEmpty) return this.#global;
    const modes = this.#routes.readings(request).map((mode) => mode ?? this.#global);
    return modes.reduce((a, b) => (MODES.indexOf(a) > MODES.indexOf(b) ? a : b));
  }

  /** Once it is: the client's own mode, if it has one. */
  forClient(client: ClientId | undefined): Mode | undefined {
    return client === undefined ? undefined : this.#clients.get(client);
  }

  get hasClientModes(): boolean {
    return this.#clients.size > 0;
  }
}
