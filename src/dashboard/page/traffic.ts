import type { Mark } from '../marks.js';
import type { Counts, Series } from '../ring.js';
import type { DashboardSnapshot } from '../snapshot.js';
import type { RangeName } from '../traffic-history.js';
import { Chart } from './chart.js';
import { byId, el, replaceIfChanged, setText } from './dom.js';
import { showProofs } from './proofs.js';
import { look, view } from './view.js';
import { clockWithSeconds, count, counted, dayAndClock, duration, percent, sentence } from './words.js';

const METHODS = [
  ['xlink', 'xLink'],
  ['apiKey', 'API key'],
  ['refused', 'Refused'],
] as const;

/** Rows of the table beside the charts: more are for programs. */
const MAX_ROWS = 120;
/** Marks in words. */
const MAX_MARKS = 8;

/** The two charts, the totals, and all of it as a table. */
export class Traffic {
  readonly #adoption = new Chart(byId('adoption-chart'), {
    lines: [{ label: 'xLink', color: '--xlink' }],
    max: 100,
    unit: '%',
    describe: (time) => this.#describe(time),
    marks: () => this.#marks(),
  });
  readonly #split = new Chart(byId('split-chart'), {
    // Each is drawn over the one before, so that together they look stacked.
    lines: [
      { label: 'Refused', color: '--refused', bars: true },
      { label: 'API key', color: '--key', bars: true },
      { label: 'xLink', color: '--xlink', bars: true },
    ],
    describe: (time) => this.#describe(time),
    marks: () => this.#marks(),
  });
  #snapshot: DashboardSnapshot | undefined;

  constructor() {
    for (const radio of document.querySelectorAll<HTMLInputElement>('input[name=range]'))
      radio.addEventListener('change', () => look({ range: radio.value as RangeName }));
    byId('data').addEventListener('toggle', () => this.#showRows());
  }

  show(snapshot: DashboardSnapshot): void {
    this.#snapshot = snapshot;
    this.redraw();
  }

  /** Another range was chosen. */
  redraw(): void {
    const { range } = view();
    byId<HTMLInputElement>(`range-${range}`).checked = true;
    const snapshot = this.#snapshot;
    if (!snapshot) return;
    const series = snapshot.ranges[range];
    const { xlink, apiKey, refused } = series;
    const times = xlink.map((_, at) => (series.from + at * series.slotMs) / 1000);
    const ends = [(snapshot.generatedAt - series.overMs) / 1000, snapshot.generatedAt / 1000] as const;
    const shares = xlink.map((_, at) => shareAt(series, at));
    this.#adoption.show([times, shares.map((share) => (share === null ? null : 100 * share))], ...ends);
    const accepted = xlink.map((value, at) => value + apiKey[at]!);
    this.#split.show(
      [times, accepted.map((value, at) => value + refused[at]!), accepted, [...xlink]],
      ...ends,
    );
    this.#summarize(series, snapshot.totals);
    showProofs(series);
    this.#listMarks();
    this.#showRows();
    const { observed } = snapshot;
    const both = observed.accepted + observed.refused;
    byId('observed').hidden = both === 0;
    setText(
      byId('observed'),
      `${counted(both, 'xLink request')} came with a key in observe mode; ${count(observed.accepted)} of them would have been accepted.`,
    );
  }

  #summarize(series: Series, totals: Counts): void {
    const sums = { xlink: sum(series.xlink), apiKey: sum(series.apiKey), refused: sum(series.refused) };
    const all = sums.xlink + sums.apiKey + sums.refused;
    const none = `No requests in the last ${duration(series.overMs)}.`;
    const each = `each ${duration(series.slotMs)}`.replace(/^each (\d)/, 'every $1');
    setText(byId('adoption-summary'), all === 0 ? none : `Share of accepted requests, ${each}.`);
    setText(byId('split-summary'), all === 0 ? none : `Requests ${each}; ${count(all)} in total.`);
    setText(byId('totals-range'), `Last ${duration(series.overMs)}`);
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
          number(count(totals[kind])),
        ),
      ),
    );
  }

  /** Those within the time that is shown. */
  #marks(): readonly Mark[] {
    if (!this.#snapshot) return [];
    const { marks, ranges, generatedAt } = this.#snapshot;
    const from = generatedAt - ranges[view().range].overMs;
    return marks.filter(({ at, until = at }) => until >= from && at <= generatedAt);
  }

  #listMarks(): void {
    const shown = this.#marks().slice(-MAX_MARKS);
    byId('marks').hidden = shown.length === 0;
    replaceIfChanged(
      byId('marks'),
      shown.map(({ kind, at, until, text }) =>
        el(
          'li',
          {},
          el('span', { class: 'mark', 'data-kind': kind, 'aria-hidden': 'true' }),
          `${dayAndClock(at)}${until === undefined ? '' : ` to ${dayAndClock(until)}`}: `,
          el('bdi', { class: 'name' }, sentence(text)),
        ),
      ),
    );
  }

  /** Only while it is open. */
  #showRows(): void {
    if (!this.#snapshot || !byId<HTMLDetailsElement>('data').open) return;
    const series = this.#snapshot.ranges[view().range];
    const rows = series.xlink.map((_, at) => rowOf(series, at)).filter((row) => row !== undefined);
    const nothing = el('tr', {}, el('td', { colspan: '5' }, 'No requests.'));
    replaceIfChanged(byId('data-rows'), rows.length === 0 ? [nothing] : rows.reverse().slice(0, MAX_ROWS));
  }

  /** What was counted at a time, in words; nothing of a time that nobody counted in. */
  #describe(time: number): string[] {
    const series = this.#snapshot?.ranges[view().range];
    if (!series) return [];
    const index = Math.floor((time - series.from) / series.slotMs);
    if (series.xlink[index] === undefined) return [];
    const share = shareAt(series, index);
    const start = series.from + index * series.slotMs;
    const near = this.#marks().filter(({ at, until = at }) => at < start + series.slotMs && until >= start);
    return [
      labelOf(series, index),
      ...METHODS.map(([kind, label]) => `${label}: ${count(series[kind][index]!)}`),
      share === null ? 'No accepted request' : `${percent(share)} of accepted requests used xLink`,
      ...near.map(({ text }) => text),
    ];
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
