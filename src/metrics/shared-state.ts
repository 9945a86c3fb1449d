// In the registry of symbols, so that a module that was loaded twice finds what it left.
const STATE = Symbol.for('@private.me/xlink/metrics');

interface Holder {
  [STATE]?: Record<string, unknown>;
}

/**
 * Something that belongs to a metric, not to one observer: made once and kept on the metric itself. All adapters on
 * one registry share it, also across a reload of this module, and it goes when the metric goes.
 */
export function sharedState<T>(metric: object, name: string, make: () => T): T {
  const holder = metric as Holder;
  holder[STATE] ??= {};
  holder[STATE][name] ??= make();
  return holder[STATE][name] as T;
}

/** Whether a metric was made here. */
export const isOurs = (metric: object): boolean => STATE in metric;
