// Pieces of PromQL that queries and rules share. Prometheus reads what is made here; nothing else does.

/**
 * @param {string} name
 * @param {...string} matchers such as `method="xlink"`
 */
export const selector = (name, ...matchers) =>
  matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;

/** @param {string} series @param {string} window such as `5m` */
export const rate = (series, window) => `rate(${series}[${window}])`;

/** @param {string} labels such as `job, method`; empty: one sum over all @param {string} expr */
export const sum = (labels, expr) => (labels === '' ? `sum(${expr})` : `sum by (${labels}) (${expr})`);

/**
 * How much counters grew within a window. `increase()` alone leaves out the first value of a series, so that the first
 * replay ever would not show: a series that was not there when the window began counts with all it has.
 * Where Prometheus itself was away at that moment, that is everything since the process started.
 * @param {string} series
 * @param {string} window
 */
export const added = (series, window) =>
  `(${series} unless ${series} offset ${window} or increase(${series}[${window}]))`;

/**
 * The same for alerts, which must not go off because Prometheus was away: a series only counts as new if its target was
 * scraped when the window began.
 * @param {string} series
 * @param {string} window
 */
export const addedWhileScraped = (series, window) =>
  `(${series} unless ${series} offset ${window} and on (job, instance) up offset ${window} == 1 or increase(${series}[${window}]))`;

/**
 * A share of 0 to 1: nothing at all where the whole is 0, and 0 where only the part is absent.
 * @param {string} part
 * @param {string} whole
 * @param {string} [absent] what stands for a part that is absent
 */
export const share = (part, whole, absent = 'vector(0)') => `(${part} or ${absent}) / (${whole} > 0)`;
