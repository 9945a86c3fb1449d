import type { ClientReport, CutoverReport } from '../clients/cutover-report.js';
import { errorRate, type Traffic, xlinkPercentage } from '../modes/traffic-window.js';
import type { Gate } from './gates.js';

/** What a gate is held against. */
export interface Situation {
  readonly now: number;
  readonly traffic: Traffic;
  readonly dwellMs: number;
  readonly report: CutoverReport;
  readonly ignored: ReadonlySet<string>;
}

/** What keeps a gate shut, one sentence each; none: it is open. */
export function blockersOf(gate: Gate, { now, traffic, dwellMs, report, ignored }: Situation): string[] {
  const blockers: string[] = [];
  const share = xlinkPercentage(traffic);
  if (dwellMs < gate.minDwellMs)
    blockers.push(
      `${gate.from} has been in force for ${days(dwellMs)}; this step needs ${days(gate.minDwellMs)}`,
    );
  if (gate.minXlinkPercentage > 0 && share === undefined) blockers.push('there was no traffic to judge by');
  if (share !== undefined && share < gate.minXlinkPercentage)
    blockers.push(
      `${share.toFixed(1)}% of accepted requests use xLink; this step needs ${gate.minXlinkPercentage}%`,
    );
  if (errorRate(traffic) > gate.maxErrorRate)
    blockers.push(
      `${percent(errorRate(traffic))} of requests were refused; this step allows ${percent(gate.maxErrorRate)}`,
    );
  if (gate.requireSafeClients) {
    for (const client of report.clients) {
      if (client.safeToSwitch || ignored.has(client.client) || isQuiet(client, gate, now)) continue;
      blockers.push(`client ${client.client} ${client.reason}`);
    }
  }
  return blockers;
}

function isQuiet(
  { lastKeyUse, lastXlinkUse }: ClientReport,
  { ignoreQuietMs = Infinity }: Gate,
  now: number,
): boolean {
  const lastUse = Math.max(
    ...[lastKeyUse, lastXlinkUse].map((time) => (time === undefined ? 0 : Date.parse(time))),
  );
  return now - lastUse > ignoreQuietMs;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const days = (ms: number): string => dayCount((ms / 86_400_000).toFixed(1));
const dayCount = (days: string): string => (days === '1.0' ? '1 day' : `${days.replace(/\.0$/, '')} days`);
