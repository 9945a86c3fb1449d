import { invalidOption } from '../util/options.js';
import type { XfuseOptions } from './options.js';

/** What a handler in front of a bridge must know of it. */
export interface Guard {
  /** Whether callers bring their own keys to the legacy side, and the bridge has rights of its own on the modern one. */
  readonly needsCallers: boolean;
  /** Share of callers on the modern side now. */
  ratio(): number;
  /** From now on the ratio stays 0: nobody says who the callers are. */
  lock(): void;
}

const guards = new WeakMap<object, Guard>();

/** Notes the guard of a bridge. */
export const setGuard = (bridge: object, guard: Guard): void => void guards.set(bridge, guard);

/** The guard of a bridge. Throws `INVALID_OPTION` for what is none. */
export function guardOf(bridge: object): Guard {
  const guard = guards.get(bridge);
  if (!guard)
    throw invalidOption('bridge', 'bridgeHandler: the first argument is what Xfuse.create returns.');
  return guard;
}

/** Whether the modern side would do for anybody what it does for the bridge. Only the platform's own `fetch` is sure to add no rights. */
export const needsCallers = ({ legacy, modern }: XfuseOptions): boolean =>
  legacy.apiKey === undefined && modern.fetch !== globalThis.fetch;

/** The error of a ratio above 0 without a check of callers. */
export const unchecked = (field: string) =>
  invalidOption(
    field,
    'bridgeHandler: callers bring their own keys, and the modern side would serve them with the rights of the bridge. Pass authenticate(request), which returns the id of a caller whom you checked, or null; or stay at ratio 0, where the legacy side decides.',
  );
