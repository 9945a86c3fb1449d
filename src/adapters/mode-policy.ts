import type { Mode } from '../types.js';
import type { ClientId } from './client-store.js';

/** A mode for a part of the API. */
export interface RouteMode {
  /** Path prefix by whole segments: `/payments` stands for `/payments` and all below it. Compared without regard to case. */
  readonly path: string;
  /** Methods it is for, in capitals. Default all. */
  readonly methods?: readonly string[];
  readonly mode: Mode;
}

/** What a mode is set for; nothing: for everything that has no mode of its own. */
export interface ModeTarget {
  readonly route?: Omit<RouteMode, 'mode'>;
  readonly client?: ClientId;
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

  /** Returns the mode that was in force for the target before. */
  set(mode: Mode, { client, route }: ModeTarget = {}): Mode {
    if (client !== undefined) {
      const before = this.#clients.get(client) ?? this.#global;
      this.#clients.set(client, mode);
      return before;
    }
    if (route) {
      const before = this.forRequest(route.methods?.[0] ?? 'GET', route.path);
      this.clear({ route });
      this.#routes.unshift({ ...route, path: normalize(route.path), mode });
      return before;
    }
    const before = this.#global;
    this.#global = mode;
    return before;
  }

  /** Takes back the mode of a client or of a route, which then follows the next wider one. */
  clear(target: ModeTarget): void {
    if (target.client !== undefined) this.#clients.delete(target.client);
    const { route } = target;
    if (!route) return;
    const path = normalize(route.path);
    const same = (known: RouteMode) => known.path === path && String(known.methods) === String(route.methods);
    this.#routes = this.#routes.filter((known) => !same(known));
  }

  /** Before it is known who is asking. */
  forRequest(method: string, target: string): Mode {
    const path = normalize(target.split('?')[0]!);
    let best: RouteMode | undefined;
    for (const route of this.#routes) {
      if (route.methods && !route.methods.includes(method.toUpperCase())) continue;
      if (path !== route.path && !path.startsWith(route.path === '/' ? '/' : `${route.path}/`)) continue;
      if (!best || route.path.length > best.path.length) best = route;
    }
    return best?.mode ?? this.#global;
  }

  /** Once it is: the client's own mode, if it has one. */
  forClient(client: ClientId | undefined): Mode | undefined {
    return client === undefined ? undefined : this.#clients.get(client);
  }

  get hasClientModes(): boolean {
    return this.#clients.size > 0;
  }
}

/** Routers ignore case, trailing slashes and percent-encoding; a mode that did not could be walked around. */
function normalize(path: string): string {
  const plain = decode(path)
    .toLowerCase()
    .replace(/\/{2,}/g, '/');
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
