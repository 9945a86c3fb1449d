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

/** Pixels of the committed image: 16 of the page, about a letter. Within it only the mean counts, so the edges of letters do not. */
const CELL = 8;
/** Of 255, by which the mean of a cell may differ. */
const TOLERANCE = 24;
/** Cells in a thousand that may differ by more: a line of text that breaks elsewhere is more than that. */
const CELLS_PER_THOUSAND = 1;
/** Pixels of the page that its height may differ by: less than one line. */
const HEIGHT = 16;

/** How far two screenshots are apart. */
export interface Difference {
  readonly heightBy: number;
  readonly cells: number;
  readonly allowed: number;
}

/** `undefined`: they look the same, letters aside. */
export function difference(actual: Image, committed: Image): Difference | undefined {
  const [a, b] = [shrink(shrink(actual, HALF), CELL), shrink(committed, CELL)];
  const width = Math.min(a.width, b.width);
  const height = Math.min(a.height, b.height);
  let cells = Math.abs(a.width - b.width) * height;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const by = [0, 1, 2].map((c) =>
        Math.abs(a.rgb[3 * (y * a.width + x) + c]! - b.rgb[3 * (y * b.width + x) + c]!),
      );
      if (Math.max(...by) > TOLERANCE) cells += 1;
    }
  const heightBy = Math.abs(actual.height - HALF * committed.height);
  const allowed = Math.ceil((width * height * CELLS_PER_THOUSAND) / 1000);
  return cells > allowed || heightBy > HEIGHT ? { heightBy, cells, allowed } : undefined;
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
    if (shown)
      writeFileSync(join(DOCS, `dashboard-${shown}.png`), encodePalettePng(cut(actual, height!), 192));
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
