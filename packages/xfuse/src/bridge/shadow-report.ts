import type { Comparison, NotMirroredCounts } from './comparison.js';

/** More routes are counted together as `other`. */
export const MAX_ROUTES = 100;
/** More kinds of difference of one route are counted together. */
const MAX_CHANGES = 50;

/** One way in which answers would have changed. */
export interface ReportedChange {
  /** Where: `status`, `header:NAME`, `body`, or a JSON Pointer in which `*` is any place of an array. */
  readonly at: string;
  /** As in a comparison. */
  readonly kind: string;
  /** How many answers. */
  readonly count: number;
  /** Of the first one, redacted. */
  readonly legacy: string;
  /** Of the first one, redacted. */
  readonly modern: string;
}

/** What would have changed for the callers of one route. */
export interface ReportedRoute {
  /** Method and path; ids as `:id`. */
  readonly route: string;
  /** Answers that were compared. */
  readonly compared: number;
  /** Of those, how many were the same. */
  readonly same: number;
  /** Requests that the modern side did not answer. */
  readonly modernErrors: number;
  /** Requests whose answer was not read to its end, so that there was nothing to compare. */
  readonly incomplete: number;
  /** Requests that were not mirrored, by reason. */
  readonly notMirrored: NotMirroredCounts;
  /** Mean time to the head of the answers that were compared, in ms. */
  readonly legacyMs: number;
  /** The same of the modern side. */
  readonly modernMs: number;
  /** Most frequent first. */
  readonly changes: readonly ReportedChange[];
}

/** What would have changed had the modern side answered. */
export interface ShadowReport {
  /** When counting began, in ms since 1970. */
  readonly since: number;
  /** Answers that were compared. */
  readonly compared: number;
  /** Share of the answers that were the same, modern errors counted as different; 1 where nothing was mirrored. */
  readonly agreement: number;
  /** Routes with most differences first. */
  readonly routes: readonly ReportedRoute[];
}

interface Tally {
  compared: number;
  same: number;
  modernErrors: number;
  incomplete: number;
  legacyMs: number;
  modernMs: number;
  readonly notMirrored: Record<string, number>;
  readonly changes: Map<string, ReportedChange & { count: number }>;
}

/** Counts comparisons by route, in bounded memory. */
export class ShadowCounts {
  readonly #routes = new Map<string, Tally>();
  readonly #since: number;

  constructor(since: number) {
    this.#since = since;
  }

  add(comparison: Comparison): void {
    const tally = this.#tallyOf(comparison.route);
    const { outcome, reason } = comparison;
    if (outcome === 'modern-error') tally.modernErrors += 1;
    else if (outcome === 'incomplete') tally.incomplete += 1;
    else if (outcome === 'not-mirrored') tally.notMirrored[reason!] = (tally.notMirrored[reason!] ?? 0) + 1;
    else {
      tally.compared += 1;
      if (outcome === 'same') tally.same += 1;
      tally.legacyMs += comparison.legacyMs ?? 0;
      tally.modernMs += comparison.modernMs ?? 0;
    }
    const keys = new Set<string>();
    for (const difference of comparison.differences) {
      const at = difference.at.replace(/\/\d+(?=\/|$)/g, '/*');
      const full = `${at} ${difference.kind}`;
      const isNew = !tally.changes.has(full);
      const key = isNew && tally.changes.size >= MAX_CHANGES ? 'other changed' : full;
      if (keys.has(key)) continue;
      keys.add(key);
      const known = tally.changes.get(key);
      if (known) known.count += 1;
      else tally.changes.set(key, { ...difference, at: key === full ? at : 'other', count: 1 });
    }
  }

  report(): ShadowReport {
    const routes = [...this.#routes].map(([route, tally]): ReportedRoute => {
      const mean = (sum: number) => (tally.compared ? Math.round((sum / tally.compared) * 10) / 10 : 0);
      const changes = [...tally.changes.values()]
        .map((change) => ({ ...change }))
        .sort((a, b) => b.count - a.count);
      const { legacyMs, modernMs, notMirrored, ...counts } = tally;
      return {
        route,
        ...counts,
        notMirrored: { ...notMirrored },
        legacyMs: mean(legacyMs),
        modernMs: mean(modernMs),
        changes,
      };
    });
    const bad = (one: ReportedRoute) => one.compared - one.same + one.modernErrors;
    routes.sort((a, b) => bad(b) - bad(a));
    const compared = routes.reduce((sum, one) => sum + one.compared, 0);
    const all = compared + routes.reduce((sum, one) => sum + one.modernErrors, 0);
    const same = routes.reduce((sum, one) => sum + one.same, 0);
    return { since: this.#since, compared, agreement: all === 0 ? 1 : same / all, routes };
  }

  #tallyOf(route: string): Tally {
    const key = this.#routes.has(route) || this.#routes.size < MAX_ROUTES ? route : 'other';
    const known = this.#routes.get(key);
    if (known) return known;
    const fresh: Tally = {
      compared: 0,
      same: 0,
      modernErrors: 0,
      incomplete: 0,
      legacyMs: 0,
      modernMs: 0,
      notMirrored: {},
      changes: new Map(),
    };
    this.#routes.set(key, fresh);
    return fresh;
  }
}

/** The report as text for a terminal or a ticket. */
export function formatShadowReport(report: ShadowReport): string {
  const percent = `${(report.agreement * 100).toFixed(1)} %`;
  const lines = [`What would have changed: ${report.compared} answers compared, ${percent} the same.`];
  for (const one of report.routes) {
    const skipped = Object.entries(one.notMirrored).map(
      ([reason, count]) => `${count} not mirrored: ${reason}`,
    );
    const rest = [
      ...(one.modernErrors ? [`${one.modernErrors} without a modern answer`] : []),
      ...(one.incomplete ? [`${one.incomplete} not read to the end`] : []),
      ...skipped,
    ];
    const times = one.compared ? `, ${one.legacyMs} ms / ${one.modernMs} ms` : '';
    lines.push('', `${one.route}: ${one.same} of ${one.compared} the same${times}`);
    for (const change of one.changes)
      lines.push(`  ${change.count} x ${change.at} ${change.kind}: ${change.legacy} -> ${change.modern}`);
    for (const line of rest) lines.push(`  ${line}`);
  }
  return lines.join('\n');
}
