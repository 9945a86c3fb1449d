import type { Counts, Series } from '../ring.js';
import type { DashboardSnapshot } from '../snapshot.js';
import type { RangeName } from '../traffic-history.js';
import { Chart } from './chart.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { clockWithSeconds, count, counted, dayAndClock, duration, percent } from './words.js';

const METHODS = [
  ['xlink', 'xLink'],
  ['apiKey', 'API key'],
  ['refused', 'Refused'],
] as const;

/** Rows of the table beside the charts: more are for programs. */
const MAX_ROWS = 120;
/** So that the first seconds do not fill a whole chart. */
const MIN_SLOTS = 12;

/** The two charts, the totals, and all of it as a table. */
export class Traffic {
  readonly #adoption = new Chart(byId('adoption-chart'), {
    lines: [{ label: 'xLink', color: '--xlink' }],
    max: 100,
    unit: ' %',
    onPoint: (index) => this.#read(index),
  });
  readonly #split = new Chart(byId('split-chart'), {
    // Each is drawn over the one before, so that together they look stacked.
    lines: [
      { label: 'Refused', color: '--refused', bars: true },
      { label: 'API key', color: '--key', bars: true },
      { label: 'xLink', color: '--xlink', bars: true },
    ],
    onPoint: (index) => this.#read(index),
  });
  #range: RangeName = 'minutes';
  #snapshot: DashboardSnapshot | undefined;

  constructor() {
    for (const radio of document.querySelectorAll<HTMLInputElement>('input[name=range]'))
      radio.addEventListener('change', () => {
        this.#range = radio.value as RangeName;
        if (this.#snapshot) this.show(this.#snapshot);
      });
    byId('data').addEventListener('toggle', () => this.#showRows());
  }

  show(snapshot: DashboardSnapshot): void {
    this.#snapshot = snapshot;
    const series = snapshot.ranges[this.#range];
    const { xlink, apiKey, refused } = series;
    const times = xlink.map((_, at) => (series.from + at * series.slotMs) / 1000);
    const ends = [times[0]!, times[0]! + (Math.max(times.length, MIN_SLOTS) * series.slotMs) / 1000] as const;
    const shares = xlink.map((_, at) => shareAt(series, at));
    this.#adoption.show([times, shares.map((share) => (share === null ? null : 100 * share))], ...ends);
    const accepted = xlink.map((value, at) => value + apiKey[at]!);
    this.#split.show(
      [times, accepted.map((value, at) => value + refused[at]!), accepted, [...xlink]],
      ...ends,
    );
    this.#summarize(series, snapshot.totals);
    this.#showRows();
    const { observed } = snapshot;
    const both = observed.accepted + observed.refused;
    byId('observed').hidden = both === 0;
    setText(
      byId('observed'),
      `${counted(both, 'envelope')} came beside keys in observe mode; ${count(observed.accepted)} of them would have been accepted.`,
    );
  }

  #summarize(series: Series, totals: Counts): void {
    const sums = { xlink: sum(series.xlink), apiKey: sum(series.apiKey), refused: sum(series.refused) };
    const all = sums.xlink + sums.apiKey + sums.refused;
    const shares = series.xlink.map((_, at) => shareAt(series, at)).filter((share) => share !== null);
    setText(
      byId('adoption-summary'),
      shares.length === 0
        ? 'No traffic in this time.'
        : `From ${percent(shares[0]!)} to ${percent(shares.at(-1)!)} of accepted requests.`,
    );
    setText(
      byId('split-summary'),
      all === 0
        ? 'No traffic in this time.'
        : `In each ${duration(series.slotMs)}; ${counted(all, 'request')} in all.`,
    );
    replaceIfChanged(
      byId('totals'),
      METHODS.map(([kind, label]) =>
        el(
          'tr',
          {},
          el(
            'th',
            { scope: 'row' },
            el('span', { class: 'swatch', 'data-kind': kind, 'aria-hidden': 'true' }),
            label,
          ),
          number(count(sums[kind])),
          number(all === 0 ? '–' : percent(sums[kind] / all)),
          number(count(totals[kind])),
        ),
      ),
    );
  }

  /** Only while it is open. */
  #showRows(): void {
    if (!this.#snapshot || !byId<HTMLDetailsElement>('data').open) return;
    const series = this.#snapshot.ranges[this.#range];
    const rows = series.xlink.map((_, at) => rowOf(series, at)).filter((row) => row !== undefined);
    const nothing = el('tr', {}, el('td', { colspan: '5' }, 'No traffic in this time.'));
    replaceIfChanged(byId('data-rows'), rows.length === 0 ? [nothing] : rows.reverse().slice(0, MAX_ROWS));
  }

  /** The point under the pointer, in words. */
  #read(index: number | null): void {
    const series = this.#snapshot?.ranges[this.#range];
    const at = index ?? -1;
    if (!series || series.xlink[at] === undefined) {
      setText(byId('readout'), '');
      return;
    }
    const share = shareAt(series, at);
    const parts = METHODS.map(([kind, label]) => `${label} ${count(series[kind][at]!)}`);
    const text = [...parts, share === null ? 'no accepted request' : `${percent(share)} xLink`].join(' · ');
    setText(byId('readout'), `${labelOf(series, at)}: ${text}`);
  }
}

function rowOf(series: Series, at: number): Node | undefined {
  const counts = METHODS.map(([kind]) => series[kind][at]!);
  if (sum(counts) === 0) return undefined;
  const share = shareAt(series, at);
  const cells = [...counts.map(count), share === null ? '–' : percent(share)].map(number);
  return el('tr', {}, el('th', { scope: 'row' }, labelOf(series, at)), ...cells);
}

const labelOf = ({ from, slotMs }: Series, at: number): string =>
  (slotMs < 60_000 ? clockWithSeconds : dayAndClock)(from + at * slotMs);

const number = (text: string): Node => el('td', { class: 'number' }, text);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Of xLink among accepted requests, 0 to 1; `null` if there were none. */
function shareAt({ xlink, apiKey }: Series, at: number): number | null {
  const accepted = xlink[at]! + apiKey[at]!;
  return accepted === 0 ? null : xlink[at]! / accepted;
}
