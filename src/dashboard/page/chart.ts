import uPlot from 'uplot';
import type { Mark } from '../marks.js';
import { chartMarks } from './chart-marks.js';
import { tooltip } from './tooltip.js';
import { clock, clockWithSeconds, day, dayAndClock } from './words.js';

/** How a series of a chart looks. `color` is the name of a custom property of the style. */
export interface Line {
  readonly label: string;
  readonly color: string;
  readonly bars?: boolean;
}

export interface ChartOptions {
  readonly lines: readonly Line[];
  /** Upper end of the y axis where it is fixed. */
  readonly max?: number;
  readonly unit?: string;
  /** What was at a time, in ms since 1970, in a few lines; none: nothing is to be said. */
  readonly describe: (time: number) => readonly string[];
  /** What is drawn over it. */
  readonly marks: () => readonly Mark[];
}

const color = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart over time that follows the width of its place and the colors of the scheme. */
export class Chart {
  readonly #place: HTMLElement;
  readonly #options: ChartOptions;
  #plot: uPlot | undefined;
  #data: uPlot.AlignedData | undefined;
  #ends: [number, number] = [0, 1];

  constructor(place: HTMLElement, options: ChartOptions) {
    this.#place = place;
    this.#options = options;
    new ResizeObserver(() => this.#plot?.setSize(this.#size)).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  /** `data`: times in seconds, then the values of each line. `from` and `to`: the ends of the time axis. */
  show(data: uPlot.AlignedData, from: number, to: number): void {
    this.#ends = [from, to];
    this.#data = data;
    if (this.#plot) this.#plot.setData(data);
    else this.#draw();
  }

  get #size(): { readonly width: number; readonly height: number } {
    return { width: this.#place.clientWidth, height: this.#place.clientHeight };
  }

  #draw(): void {
    if (!this.#data) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#settings(), this.#data, this.#place);
  }

  #settings(): uPlot.Options {
    const { lines, max, unit = '', describe, marks } = this.#options;
    const axis = {
      stroke: color('--quiet'),
      grid: { stroke: color('--faint'), width: 1 },
      ticks: { show: false },
    };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    return {
      ...this.#size,
      padding: [10, 30, 0, 0],
      legend: { show: false },
      cursor: {
        sync: { key: 'time' },
        drag: { x: false, y: false },
        y: false,
        points: { show: lines.every(({ bars }) => !bars) },
      },
      scales: {
        x: { time: true, range: () => this.#ends },
        y: { range: (_, __, high) => [0, max ?? Math.max(4, high * 1.1)] },
      },
      axes: [
        { ...axis, font, size: 28, space: 70, values: (plot, splits) => timeLabels(plot, splits) },
        {
          ...axis,
          font,
          size: 52,
          values: (_, splits) => splits.map((value) => `${value.toLocaleString('en')}${unit}`),
        },
      ],
      series: [{}, ...lines.map(seriesOf)],
      plugins: [chartMarks(marks, color), tooltip(describe)],
    };
  }
}

function seriesOf({ label, color: name, bars }: Line): uPlot.Series {
  const stroke = color(name);
  if (bars)
    return {
      label,
      fill: stroke,
      width: 0,
      paths: uPlot.paths.bars!({ size: [0.8, 36], align: 1 }),
      points: { show: false },
    };
  return { label, stroke, width: 2, fill: `${stroke}22`, spanGaps: true, points: { size: 5, fill: stroke } };
}

/** Seconds, minutes or days, by what lies between two labels. */
function timeLabels(_: uPlot, splits: readonly number[]): string[] {
  const step = splits.length > 1 ? splits[1]! - splits[0]! : 3600;
  const format = step < 60 ? clockWithSeconds : step < 43_200 ? clock : day;
  const mixed = step >= 21_600 && step < 43_200 ? dayAndClock : format;
  return splits.map((seconds) => mixed(seconds * 1000));
}
