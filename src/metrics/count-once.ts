import { sharedState } from './shared-state.js';

/**
 * Tells whether an event is new to a metric. Two observers on one registry and one adapter, as a hot reload leaves
 * them, are told the same event one after the other; it must be counted once.
 */
export function countOnce(metric: object): (event: object) => boolean {
  const last = sharedState<{ event?: object }>(metric, 'last', () => ({}));
  return (event) => {
    if (last.event === event) return false;
    last.event = event;
    return true;
  };
}
