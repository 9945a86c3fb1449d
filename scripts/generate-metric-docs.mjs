// Writes docs/metrics.md from src/metrics/metric-table.ts and a template. With --check it only says whether the page is up to date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSources } from './load-sources.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/metrics.md');

const { METRICS, DEFAULTS, MAX_LABEL_LENGTH, REASONS, seriesBound } = await loadSources(
  ...['metric-table', 'options', 'bounded-label', 'label-values', 'series-bound'].map(
    (name) => `./src/metrics/${name}.ts`,
  ),
);
const rows = Object.entries(METRICS);
const text = fill(readFileSync(join(root, 'scripts/metric-docs.template.md'), 'utf8'), {
  maxRoutes: DEFAULTS.maxRoutes,
  maxClients: DEFAULTS.maxClients,
  adoptionWindowMs: number(DEFAULTS.adoptionWindowMs),
  maxLabelLength: MAX_LABEL_LENGTH,
  cutLength: MAX_LABEL_LENGTH - 1,
  reasons: REASONS.size,
  table: tableOf(
    ['name', 'type', 'labels', 'in a cluster', ''],
    rows.map(([, row]) => [
      `[\`${row.name}\`](#${row.name})`,
      row.type,
      Object.keys(row.labels).map(code).join(', '),
      row.aggregator ?? 'sum',
      row.help,
    ]),
  ),
  sections: rows.map(([, row]) => sectionOf(row)).join('\n\n'),
  bounds: boundsTable(),
});

if (!process.argv.includes('--check')) {
  writeFileSync(page, text);
  console.log(`${rows.length} metrics written to docs/metrics.md`);
} else if (existsSync(page) && readFileSync(page, 'utf8') === text) {
  console.log('docs/metrics.md is up to date');
} else {
  console.error('docs/metrics.md differs from src/metrics/: run node scripts/generate-metric-docs.mjs');
  process.exitCode = 1;
}

/** Puts values in place of `{{name}}`. Throws for a name without a value, or a value without a place. */
function fill(template, values) {
  const unused = new Set(Object.keys(values));
  const filled = template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!Object.hasOwn(values, name)) throw new Error(`the template wants ${name}`);
    unused.delete(name);
    return values[name];
  });
  if (unused.size > 0) throw new Error(`the template has no place for ${[...unused].join(', ')}`);
  return filled;
}

function sectionOf({ name, type, help, labels, buckets, example }) {
  const labelRows = Object.entries(labels).map(([label, values]) => [code(label), values]);
  return [
    `### ${name}`,
    `${type[0].toUpperCase()}${type.slice(1)}. ${help}`,
    ...(labelRows.length > 0 ? [tableOf(['label', 'values'], labelRows)] : []),
    ...(buckets ? [`Upper bounds of the buckets, in seconds: ${buckets.join(', ')}.`] : []),
    `\`\`\`promql\n${example}\n\`\`\``,
  ].join('\n\n');
}

/** How each bound comes about. The numbers are those of src/metrics/series-bound.ts. */
function boundsTable() {
  const formulas = {
    requests: 'methods × reasons × modes × (maxRoutes + 2)',
    duration: 'methods × (buckets + 3)',
    envelopes: 'versions × forms',
    observed: 'reasons',
    downgrades: '2',
    clientRequests: 'methods × outcomes × (maxClients + 2), or none',
    mode: 'modes',
    clients: 'states',
  };
  const cases = [
    seriesBound({ maxRoutes: DEFAULTS.maxRoutes, maxClients: DEFAULTS.maxClients }),
    seriesBound({ maxRoutes: 20, maxClients: 100 }),
  ];
  const total = (bound) => number(Object.values(bound).reduce((sum, one) => sum + one, 0));
  return tableOf(
    ['series', 'at most', 'by default', 'with maxRoutes 20, maxClients 100'],
    [
      ...rows.map(([key, { name }]) => [
        code(name),
        formulas[key] ?? '1',
        ...cases.map((bound) => number(bound[key])),
      ]),
      ['all', '', ...cases.map(total)],
    ],
  );
}

function tableOf(head, lines) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...lines.map(line)].join('\n');
}

function code(text) {
  return `\`${text}\``;
}

function number(value) {
  return value.toLocaleString('en-US');
}
