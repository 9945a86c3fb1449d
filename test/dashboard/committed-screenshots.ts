import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cut, decodePng, encodePalettePng, type Image, shrink } from './png.js';

/** What the page looked like when somebody last looked at it, at half its size. */
const COMMITTED = fileURLToPath(new URL('./screenshots/', import.meta.url));
/** What it looks like now, for CI to keep. */
const OUTPUT = fileURLToPath(new URL('../../test-output/screenshots/', import.meta.url));

const HALF = 2;
/** Those that docs/dashboard.md shows, in full size, and how much of each. */
const IN_DOCS: Readonly<Record<string, readonly [name: string, height: number]>> = {
  'midway-desktop': ['light', 2000],
  'midway-desktop-dark': ['dark', 2000],
  'midway-phone': ['phone', 900],
  'client-desktop': ['client', 900],
};
const DOCS = fileURLToPath(new URL('../../docs/images/', import.meta.url));

/** A cell in pixels of the committed image: 32 by 16 of the page, some letters of a line. Only its mean counts, not the edges of letters. */
const CELL = { width: 16, height: 8 };
/** Of 255, by which the mean of a cell may differ. */
const TOLERANCE = 20;
/** Cells in a thousand that may differ by more. */
const CELLS_PER_THOUSAND = 1;
/** Pixels of the committed image by which a group of lines of cells may have moved up or down: a line of text may break elsewhere. */
const DRIFT = 24;
/** Lines of cells that move together. */
const GROUP = 6;

/** How far two screenshots are apart. */
export interface Difference {
  /** Pixels of the page by which its height differs. */
  readonly heightBy: number;
  readonly cells: number;
  readonly allowed: number;
}

/** `undefined`: they look the same, letters and small shifts aside. */
export function difference(actual: Image, committed: Image): Difference | undefined {
  const half = shrink(actual, HALF);
  const mine = new Bands(half);
  const theirs = new Bands(committed);
  const lines = Math.floor(half.height / CELL.height);
  let cells = 0;
  for (let line = 0; line < lines; line += GROUP)
    cells += mine.leastApart(line, Math.min(line + GROUP, lines), theirs);
  const allowed = Math.ceil((lines * mine.columns * CELLS_PER_THOUSAND) / 1000);
  const heightBy = HALF * Math.abs(half.height - committed.height);
  const isWider = half.width !== committed.width;
  return isWider || cells > allowed || heightBy > HALF * DRIFT ? { heightBy, cells, allowed } : undefined;
}

/** The means of cells in any band of lines, from sums over all lines above. */
class Bands {
  readonly columns: number;
  readonly #sums: Float64Array;
  readonly #height: number;
  readonly #step: number;

  constructor({ width, height, rgb }: Image) {
    this.columns = Math.floor(width / CELL.width);
    this.#height = height;
    const step = 3 * this.columns;
    const used = this.columns * CELL.width;
    const sums = new Float64Array((height + 1) * step);
    for (let y = 0; y < height; y++) {
      for (let i = 0; i < step; i++) sums[(y + 1) * step + i] = sums[y * step + i]!;
      for (let x = 0; x < used; x++) {
        const to = (y + 1) * step + 3 * ((x / CELL.width) | 0);
        const from = 3 * (y * width + x);
        sums[to]! += rgb[from]!;
        sums[to + 1]! += rgb[from + 1]!;
        sums[to + 2]! += rgb[from + 2]!;
      }
    }
    this.#sums = sums;
    this.#step = step;
  }

  /** Cells that differ in some lines of cells, where the other image fits best. */
  leastApart(first: number, end: number, other: Bands): number {
    let least = Number.POSITIVE_INFINITY;
    for (let by = -DRIFT; by <= DRIFT; by++) {
      let cells = 0;
      for (let line = first; line < end && cells < least; line++)
        cells += this.#apart(line * CELL.height, other, line * CELL.height + by);
      least = Math.min(least, cells);
    }
    return least;
  }

  #apart(y: number, other: Bands, from: number): number {
    if (from < 0 || from + CELL.height > other.#height) return this.columns;
    const most = TOLERANCE * CELL.width * CELL.height;
    let cells = 0;
    for (let column = 0; column < this.columns; column++)
      for (let i = 3 * column; i < 3 * column + 3; i++)
        if (Math.abs(this.#sum(y, i) - other.#sum(from, i)) > most) {
          cells += 1;
          break;
        }
    return cells;
  }

  #sum(y: number, i: number): number {
    return this.#sums[(y + CELL.height) * this.#step + i]! - this.#sums[y * this.#step + i]!;
  }
}

/**
 * Compares a screenshot with the committed one, and leaves both in `test-output/screenshots`. With `UPDATE_SCREENSHOTS=1` it is
 * committed instead, and the pictures in the docs are made anew; look at them first. Throws if they differ.
 */
export function compareScreenshot(name: string, png: Uint8Array): void {
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, `${name}.png`), png);
  const file = join(COMMITTED, `${name}.png`);
  const actual = decodePng(png);
  if (process.env['UPDATE_SCREENSHOTS'] === '1') {
    mkdirSync(COMMITTED, { recursive: true });
    writeFileSync(file, encodePalettePng(shrink(actual, HALF)));
    const [shown, height] = IN_DOCS[name] ?? [];
    if (shown) writeFileSync(join(DOCS, `dashboard-${shown}.png`), encodePalettePng(cut(actual, height!)));
    return;
  }
  if (!existsSync(file))
    throw new Error(`${file} is missing: make it with UPDATE_SCREENSHOTS=1, and look at it.`);
  const committed = readFileSync(file);
  const found = difference(actual, decodePng(committed));
  if (!found) return;
  writeFileSync(join(OUTPUT, `${name}.committed.png`), committed);
  throw new Error(
    `${name} does not look as committed: ${found.cells} cells differ (${found.allowed} may), its height by ${found.heightBy} px. ` +
      `Compare ${name}.png with ${name}.committed.png in ${OUTPUT}; if it is meant, UPDATE_SCREENSHOTS=1 commits it.`,
  );
}
