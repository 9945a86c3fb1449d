const DAY_MS = 86_400_000;

/** How purchases by e-mail end: each phase begins on its day, counted from the start of the timeline. */
const PHASES = /** @type {const} */ ([
  { name: 'optional', day: 0 },
  { name: 'encouraged', day: 30 },
  { name: 'warning', day: 60 },
  { name: 'required', day: 90 },
]);

const [, , WARNING, REQUIRED] = PHASES;

/**
 * @param {Date} start day 0. Before it purchases by e-mail are as free as on it.
 * @param {() => number} clock
 * @returns {import('./types.d.ts').Timeline}
 */
export function timeline(start, clock) {
  const since = start.getTime();
  if (Number.isNaN(since))
    throw new RangeError('xlinkSince is no date: purchases by e-mail would never end.');
  const at = (/** @type {{ day: number }} */ { day }) => new Date(since + day * DAY_MS);
  const phase = () => (PHASES.findLast((each) => clock() >= at(each).getTime()) ?? PHASES[0]).name;

  return {
    phase,
    notice() {
      const headers = { Link: '</.well-known/xlink.json>; rel="service-desc"' }; // RFC 8631
      if (phase() === 'optional') return { headers: {}, body: {} };
      if (phase() === 'encouraged') return { headers, body: {} };
      const end = at(REQUIRED);
      return {
        headers: {
          ...headers,
          Deprecation: `@${at(WARNING).getTime() / 1000}`, // RFC 9745
          Sunset: end.toUTCString(), // RFC 8594
        },
        body: {
          notice: `Purchases by e-mail address end on ${end.toISOString()}. Sign orders with an xLink identity.`,
        },
      };
    },
  };
}
