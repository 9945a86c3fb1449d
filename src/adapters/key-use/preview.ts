import { xlinkError } from '../../errors/service-errors.js';
import { MODES, type Mode } from '../../types/mode.js';
import type { ClientId } from '../../types/protocol.js';
import { checkKeys } from '../../util/options.js';
import { type Brownout, isBrownout } from '../modes/brownouts.js';
import { HOUR_MS, type HourRecord, type KeyUseRecord } from './record.js';

const DAYS = 7;

/** What a step would have refused. */
export interface StepPreview {
  /** The mode that was tried out. */
  readonly to: Mode;
  /** Since when requests were looked at, ISO 8601 in UTC: seven days ago. */
  readonly since: string;
  /** Requests by key in that time, of all clients, those with an envelope beside the key included. */
  readonly keyRequests: number;
  /** Those of them that would have been refused. */
  readonly refused: number;
  /** The clients that would have been refused something, the most first. */
  readonly clients: readonly ClientPreview[];
}

/** What a step would have refused of one client. */
export interface ClientPreview {
  /** The client. */
  readonly client: ClientId;
  /** Its requests by key in that time. */
  readonly keyRequests: number;
  /** Those of them that would have been refused. */
  readonly refused: number;
  /**
   * Why, by the id of the error ([errors.md](../errors.md)), the most first: `XLINK_REQUIRED` or `API_KEY_BROWNOUT` of keys, and of an envelope
   * beside a key its own, such as `BODY_TOO_LARGE`.
   */
  readonly reasons: Readonly<Record<string, number>>;
  /** The last hour with such a request, by its beginning, ISO 8601 in UTC. */
  readonly lastRefused: string;
}

/** What is tried out. */
export interface PreviewOptions {
  /** The mode that is tried out. */
  readonly to: Mode;
  /** With `to: 'deprecation'`: brownouts, each taken so many weeks earlier that it is over. Default none. */
  readonly brownouts?: readonly Brownout[];
}

/** Throws `INVALID_OPTION`. */
export function checkPreviewOptions(options: PreviewOptions): void {
  checkKeys('preview', options, ['to', 'brownouts']);
  const { to, brownouts = [] } = options;
  const fail = (field: string, text: string) =>
    xlinkError('INVALID_OPTION', { field, hint: `preview: ${field} must be ${text}.` });
  if (!MODES.includes(to)) throw fail('to', `one of ${MODES.join(', ')}`);
  if (!Array.isArray(brownouts) || !brownouts.every(isBrownout))
    throw fail('brownouts', 'an array of { from, until }: two dates, the first before the second');
}

/**
 * What would have been refused in the last seven days. `hybrid`: requests with a key beside an envelope that would not have been taken,
 * as an envelope that fails is final there. `deprecation`: those within a brownout, by the hour. `xlink-only`: all with a key.
 */
export function previewOf(
  uses: ReadonlyMap<ClientId, KeyUseRecord>,
  now: number,
  { to, brownouts = [] }: PreviewOptions,
): StepPreview {
  const first = Math.floor(now / HOUR_MS) - DAYS * 24 + 1;
  const times = brownouts.map((brownout) => weeksEarlier(brownout, now));
  const isOut = (hour: number) =>
    times.some(({ from, until }) => from < (hour + 1) * HOUR_MS && hour * HOUR_MS < until);
  const clients: ClientPreview[] = [];
  let total = 0;
  for (const [client, { hours }] of uses) {
    let [keyRequests, last] = [0, 0];
    const reasons = new Map<string, number>();
    for (const [name, record] of Object.entries(hours)) {
      const hour = Number(name);
      if (hour < first) continue;
      keyRequests += record.key;
      for (const [reason, count] of refusedOf(to, record, isOut(hour))) {
        reasons.set(reason, (reasons.get(reason) ?? 0) + count);
        last = Math.max(last, hour);
      }
    }
    total += keyRequests;
    const refused = [...reasons.values()].reduce((sum, count) => sum + count, 0);
    const lastRefused = new Date(last * HOUR_MS).toISOString();
    if (refused > 0) clients.push({ client, keyRequests, refused, reasons: mostFirst(reasons), lastRefused });
  }
  return {
    to,
    since: new Date(first * HOUR_MS).toISOString(),
    keyRequests: total,
    refused: clients.reduce((sum, { refused }) => sum + refused, 0),
    clients: clients.sort((a, b) => b.refused - a.refused || a.client.localeCompare(b.client)),
  };
}

/** On the same weekday and hour, but over by now. */
function weeksEarlier({ from, until }: Brownout, now: number): { from: number; until: number } {
  const weekMs = DAYS * 24 * HOUR_MS;
  const earlier = Math.max(0, Math.ceil((until.getTime() - now) / weekMs)) * weekMs;
  return { from: from.getTime() - earlier, until: until.getTime() - earlier };
}

/** What a mode would have refused of an hour, by reason. An envelope that fails is final, whatever the key beside it. */
function refusedOf(to: Mode, { key, reasons = {} }: HourRecord, isOut: boolean): [string, number][] {
  if (to === 'observe') return [];
  let left = key;
  const found = Object.entries(reasons).map(([reason, count]): [string, number] => {
    const share = Math.min(left, count);
    left -= share;
    return [reason, share];
  });
  if (to === 'xlink-only') found.push(['XLINK_REQUIRED', left]);
  else if (to === 'deprecation' && isOut) found.push(['API_KEY_BROWNOUT', left]);
  return found.filter(([, count]) => count > 0);
}

const mostFirst = (reasons: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...reasons].sort(([, a], [, b]) => b - a));
