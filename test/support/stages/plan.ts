import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallerCheck, DualModeAdapter, Refusal } from '@private.me/xlink';

// What an API of a test is made of, in words that every framework has.

export type Forward = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** An answer of the API's own. */
export interface OwnAnswer {
  readonly status: number;
  readonly body: object;
}

/** Writes what handlers see, as any library could. `place` is where they look for `auth`, `request` what `authOf` takes. */
export type Meddle = (place: { auth?: unknown }, request: object) => void;

export type GuardName = 'xlink' | { readonly scope: string } | { readonly that: CallerCheck };

/** The guards of a framework. */
export interface Guards<Guard> {
  readonly requireXlink: () => Guard;
  readonly requireScope: (scope: string) => Guard;
  readonly requireThat: (check: CallerCheck) => Guard;
}

/** The guard of a plan. */
export function guardOf<Guard>(guards: Guards<Guard>, name: GuardName): Guard {
  if (name === 'xlink') return guards.requireXlink();
  return 'that' in name ? guards.requireThat(name.that) : guards.requireScope(name.scope);
}

/** `/throws` fails, `/slow` waits in `waiting`, `/events` is a stream that does not end by itself, `/unread` leaves its body, `/none` is
 * answered 204, all else is recorded and answered. */
export interface Plan {
  /** Set by middleware in front of everything. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Where the adapter stands. Default `root`. */
  readonly at?: 'root' | 'nowhere' | `/${string}`;
  /** Answers the routes of the library at the root, wherever the adapter stands. */
  readonly wellKnown?: boolean;
  /** How the API answers refusals: itself, or by handing an error to its error handling, or by throwing. */
  readonly onRefusal?: (refusal: Refusal) => OwnAnswer | Pick<OwnAnswer, 'body'> | Error;
  /** Error handling of the API's own. */
  readonly onError?: (error: Error & { status?: number; code?: string }) => OwnAnswer;
  /** Another adapter, behind the first, at this path. */
  readonly second?: { readonly adapter: DualModeAdapter; readonly path: string };
  /** Hands requests on, in the place of the handler that records them. */
  readonly forward?: Forward;
  /** A library between adapter and guards. */
  readonly meddle?: Meddle;
  /** A guard in front of everything, or of one path. */
  readonly guard?: { readonly name: GuardName; readonly path?: string };
}

/** What waits in `/slow`: ends its answer. */
export type Waiting = Pick<ServerResponse, 'end'>;

/** The beginning of what `/events` sends. */
export const FIRST_EVENT = 'data: 1\n\n';

/** The path of the plan for the adapter, for frameworks that mount by path. */
export const prefixOf = ({ at = 'root' }: Plan): string | undefined =>
  at === 'root' || at === 'nowhere' ? undefined : at;

/** Whether the guard of a plan is asked about this path. */
export const isGuarded = ({ guard }: Plan, path: string): boolean =>
  guard !== undefined && (guard.path === undefined || guard.path === path);
