import { sharedState } from './shared-state.js';

/**
 * Tells whether an event is new to a metric. Two observers on one registry and one adapter, as a hot reload leaves
 * them, are told the same event; it must be counted once.
 */
export function countOnce(metric: object): (event: object) => boolean {
  const counted = sharedState(metric, 'counted', () => new WeakSet());
  return (event) => {
    if (counted.has(event)) return false;
    counted.add(event);
    return true;
  };
}
