import type { RequestEvent, XlinkEvent } from '../types/events.js';
import type { ClientId, Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { whoAndWhy } from './marks.js';
import { readable } from './readable.js';

/** What a client did on one route, in this process. Times in ms since 1970. */
export interface RouteUse {
  /** Template of the route, such as `/orders/:id`; `(other routes)` for those beyond the first 12. */
  readonly route: string;
  /** Accepted requests with an API key. */
  readonly key: number;
  /** Accepted requests with an envelope or a signature. */
  readonly xlink: number;
  /** Refused requests. */
  readonly refused: number;
  /** When a key was last accepted here; absent if never. */
  readonly lastKeyUse?: number;
  /** When an envelope or a signature was last accepted here; absent if never. */
  readonly lastXlinkUse?: number;
}

/** Something that happened to a client, in a sentence. */
export interface ClientMoment {
  /** In ms since 1970. */
  readonly at: number;
  /** What happened. */
  readonly text: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Seen {
  readonly routes: Map<string, Writable<RouteUse>>;
  readonly moments: ClientMoment[];
}

const MAX_CLIENTS = 10_000;
const MAX_ROUTES = 12;
const MAX_MOMENTS = 30;
const MAX_TEXT_CHARACTERS = 200;
export const OTHER_ROUTES = '(other routes)';

/** What each client did by route, and what happened to it, since it was made. Bounded: those quiet for longest are forgotten first. */
export class ClientHistory {
  readonly #clock: Clock;
  readonly #clients = new BoundedMap<ClientId, Seen>(MAX_CLIENTS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(event: XlinkEvent): void {
    if (event.type === 'request') this.#count(event);
    else if ('client' in event && typeof event.client === 'string') {
      const text = momentOf(event);
      if (text === undefined) return;
      const { moments } = this.#of(event.client);
      moments.push({ at: this.#clock(), text: readable(text, MAX_TEXT_CHARACTERS) });
      if (moments.length > MAX_MOMENTS) moments.shift();
    }
  }

  /** The busiest route first. */
  routesOf(client: ClientId): RouteUse[] {
    const routes = [...(this.#clients.get(client)?.routes.values() ?? [])];
    const total = ({ key, xlink, refused }: RouteUse) => key + xlink + refused;
    return routes.map((use) => ({ ...use })).sort((a, b) => total(b) - total(a));
  }

  /** Oldest first. */
  momentsOf(client: ClientId): readonly ClientMoment[] {
    return this.#clients.get(client)?.moments ?? [];
  }

  #count({ client, route, method, outcome }: RequestEvent): void {
    if (client === undefined) return;
    const { routes } = this.#of(client);
    const name = routes.has(route) || routes.size < MAX_ROUTES ? route : OTHER_ROUTES;
    let use = routes.get(name);
    if (!use) routes.set(name, (use = { route: readable(name, 100), key: 0, xlink: 0, refused: 0 }));
    if (outcome === 'refused') use.refused += 1;
    else if (method === 'xlink') {
      use.xlink += 1;
      use.lastXlinkUse = this.#clock();
    } else {
      use.key += 1;
      use.lastKeyUse = this.#clock();
    }
  }

  #of(client: ClientId): Seen {
    const known = this.#clients.get(client);
    if (known) return known;
    const fresh: Seen = { routes: new Map(), moments: [] };
    this.#clients.set(client, fresh);
    return fresh;
  }
}

/** In a sentence; `undefined`: not worth a line. */
function momentOf(event: XlinkEvent): string | undefined {
  const because = (reason: string | undefined) => (reason === undefined ? '' : `: ${reason}`);
  switch (event.type) {
    case 'enrollment':
      return `Enrolled ${event.did}`;
    case 'key-switch':
      return event.off ? 'Switched its own key off' : 'Switched its key on again';
    case 'client-revocation':
      return event.revoked ? `Revoked${because(event.reason)}` : 'Restored';
    case 'unlink':
      return `${event.by === 'client' ? 'Gave up' : 'Lost'} ${event.did}`;
    case 'downgrade':
      return `Sent its key again although it works on xLink${event.refused ? '; the request was refused' : ''}`;
    case 'mode':
      return event.from === undefined ? undefined : `Own mode ${event.from} → ${event.to}${whoAndWhy(event)}`;
    default:
      return undefined;
  }
}
