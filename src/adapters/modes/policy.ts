import { xlinkError } from '../../errors/errors.js';
import { MODES, type Mode } from '../../types/mode.js';
import type { ClientId } from '../../types/protocol.js';
import {
  checkKeys,
  checkOptions,
  isObject,
  isString,
  type OptionCheck,
  type OptionChecks,
  requireOption,
} from '../../util/options.js';

/** A mode for a part of the API. */
export interface RouteMode {
  /** Path prefix by whole segments: `/payments` stands for `/payments` and all below it. Compared without regard to case. */
  readonly path: string;
  /** Methods it is for. Default all. GET stands for HEAD, too. */
  readonly methods?: readonly string[];
  /** The mode of these requests. */
  readonly mode: Mode;
}

/** What a mode is set for; nothing: for everything that has no mode of its own. */
export interface ModeTarget {
  /** The requests of one path prefix, and of these methods if there are any. */
  readonly route?: Omit<RouteMode, 'mode'>;
  /** The requests of one client. */
  readonly client?: ClientId;
}

const isPath: OptionCheck = (value) =>
  typeof value === 'string' && /^\/[^*?#]*$/.test(value) && !/\/:/.test(value)
    ? undefined
    : 'a path prefix that starts with /, without patterns such as * and :id';
const isMethods: OptionCheck = (value) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => typeof one === 'string' && /^[A-Za-z-]+$/.test(one))
    ? undefined
    : 'a non-empty array of HTTP methods';
const ROUTE_CHECKS: OptionChecks<Omit<RouteMode, 'mode'>> = { path: isPath, methods: isMethods };

/** Throws `INVALID_OPTION` for a member that a {@link RouteMode} does not have. */
export const checkRouteModeKeys = (owner: string, value: object): void =>
  checkKeys(owner, value, [...Object.keys(ROUTE_CHECKS), 'mode']);

/** Whether it is a {@link RouteMode} and nothing else: a misspelled member would widen it. */
export function isRouteMode(value: unknown): value is RouteMode {
  if (typeof value !== 'object' || value === null) return false;
  const { path, methods, mode, ...unknown } = value as Record<string, unknown>;
  const valid =
    !isPath(path) && (methods === undefined || !isMethods(methods)) && MODES.includes(mode as Mode);
  return valid && Object.keys(unknown).length === 0;
}

/** Throws `INVALID_OPTION`: a target that is misspelled would set the mode of everything. */
export function checkModeTarget(owner: string, target: ModeTarget): void {
  checkOptions(owner, target, { route: isObject, client: isString });
  if (target.client !== undefined && target.route)
    throw xlinkError('INVALID_OPTION', { field: 'route', hint: `${owner}: a client or a route, not both.` });
  if (!target.route) return;
  checkOptions(owner, target.route, ROUTE_CHECKS);
  requireOption(owner, target.route, 'path');
}

/**
 * The mode of a request. The most specific one counts: that of the client, then that of the route, then the global one.
 * Among routes the longest path counts, then the one that was set last.
 */
export class ModePolicy {
  #global: Mode;
  #routes: RouteMode[] = [];
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
    return route ? this.forRequest(route.methods?.[0] ?? 'GET', route.path) : this.#global;
  }

  set(mode: Mode, { client, route }: ModeTarget = {}): void {
    if (client !== undefined) this.#clients.set(client, mode);
    else if (route) {
      this.clear({ route });
      this.#routes.unshift({ ...normalizeRoute(route), mode });
    } else this.#global = mode;
  }

  /** Takes back the mode of a client or of a route, which then follows the next wider one. */
  clear({ client, route }: ModeTarget): void {
    if (client !== undefined) this.#clients.delete(client);
    else if (route) {
      const { path, methods } = normalizeRoute(route);
      const same = (known: RouteMode) => known.path === path && String(known.methods) === String(methods);
      this.#routes = this.#routes.filter((known) => !same(known));
    }
  }

  /**
   * Before it is known who is asking. A path that a router may read in two ways gets the stricter mode of the two: it
   * can neither walk around a strict route nor borrow the mode of a lax one.
   */
  forRequest(method: string, target: string): Mode {
    if (this.#routes.length === 0) return this.#global;
    const path = pathOf(target);
    const modes = [literal(path), folded(path)].map((reading) =>
      this.#forPath(method.toUpperCase(), reading),
    );
    return modes.reduce((a, b) => (MODES.indexOf(a) > MODES.indexOf(b) ? a : b));
  }

  /** Once it is: the client's own mode, if it has one. */
  forClient(client: ClientId | undefined): Mode | undefined {
    return client === undefined ? undefined : this.#clients.get(client);
  }

  get hasClientModes(): boolean {
    return this.#clients.size > 0;
  }

  #forPath(method: string, path: string): Mode {
    let best: RouteMode | undefined;
    for (const route of this.#routes) {
      if (route.methods && !route.methods.some((one) => serves(one, method))) continue;
      if (path !== route.path && !path.startsWith(route.path === '/' ? '/' : `${route.path}/`)) continue;
      if (!best || route.path.length > best.path.length) best = route;
    }
    return best?.mode ?? this.#global;
  }
}

/** Routers answer HEAD with the handler of GET. */
const serves = (routeMethod: string, method: string): boolean =>
  routeMethod === method || (routeMethod === 'GET' && method === 'HEAD');

function normalizeRoute({ path, methods }: Omit<RouteMode, 'mode'>): Omit<RouteMode, 'mode'> {
  const inOrder = methods?.map((method) => method.toUpperCase()).sort();
  return { path: folded(pathOf(path)), ...(inOrder ? { methods: inOrder } : {}) };
}

/** The target without scheme and host (RFC 9112 section 3.2.2: servers take the absolute form), query and fragment, as routers see it. */
const pathOf = (target: string): string =>
  target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/\\?#]*/i, '').split(/[?#]/)[0]!;

/** As most routers read a path: segment by segment, without regard to case, percent-encoding and one trailing slash. */
function literal(path: string): string {
  const plain = path.split('/').map(decodeSegment).join('/').toLowerCase();
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

/** As the most obliging router could read it: backslashes, encoded slashes, empty segments, dots and `;parameters` resolved. */
function folded(path: string): string {
  const segments: string[] = [];
  for (const part of path.split('/').map(decode).join('/').toLowerCase().split(/[/\\]/)) {
    const segment = part.split(';')[0]!;
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

function decodeSegment(segment: string): string {
  const plain = decode(segment);
  return /[/\\]/.test(plain) ? segment : plain;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
