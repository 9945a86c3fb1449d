/** The value below which a share `q` of the samples lies. */
export function quantile(samples, q) {
  const sorted = Float64Array.from(samples).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export const median = (samples) => quantile(samples, 0.5);

/**
 * Does all items again and again for `seconds`, in a new order every time: neighbours change from round to round, so a
 * slow moment of the machine hits nobody in particular. Who gives it less than half a second measures nothing: one round does.
 */
export async function rounds(seconds, atLeast, items, run) {
  const end = performance.now() + seconds * 1000;
  const least = seconds < 0.5 ? 1 : atLeast;
  for (let round = 0; round < least || performance.now() < end; round++) {
    for (const item of shuffled(items)) await run(item);
  }
}

function shuffled(items) {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

const RESAMPLES = 2000;

/**
 * How much longer the first of each pair took than the second: the median of the ratios, and the interval that holds the true
 * one with 95 % confidence (percentile bootstrap over the pairs).
 */
export function ratioInterval(pairs) {
  const ratios = pairs.map(([first, second]) => first / second);
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(ratios.map(() => ratios[Math.floor(Math.random() * ratios.length)])),
  );
  return { ratio: median(ratios), low: quantile(medians, 0.025), high: quantile(medians, 0.975) };
}

/** Pads each row to common column widths: the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const cell = (text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]));
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

const grouped = new Intl.NumberFormat('en');
export const whole = (value) => grouped.format(Math.round(value));
export const spread = (samples) => `${whole(median(samples))} (${whole(quantile(samples, 0.95))})`;
