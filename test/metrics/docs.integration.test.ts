import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { MetricRow } from '../../src/metrics/metric-table.js';
import { DEFAULTS } from '../../src/metrics/options.js';
import { seriesBound } from '../../src/metrics/series-bound.js';
import { METRICS } from '../../src/metrics.js';
import { sum } from './flood.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('docs/metrics.md', () => {
  const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
  const rows: MetricRow[] = Object.values(METRICS);

  test('is what the generator makes of the table', () => {
    const { status, stderr } = spawnSync('node', ['scripts/generate-metric-docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('has a section for every metric, with its help, its labels and its query', () => {
    const sections = new Map(
      page.split(/^### /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
    );
    for (const { name, type, help, labels, example } of rows) {
      const section = sections.get(name) ?? '';
      expect(section.toLowerCase()).toContain(`\n${type}. `);
      expect(section).toContain(help);
      expect(section).toContain(`\`\`\`promql\n${example}\n\`\`\``);
      for (const [label, values] of Object.entries(labels))
        expect(section).toContain(`| \`${label}\` | ${values} |`);
    }
    expect([...sections.keys()].filter((name) => name.startsWith('xlink_'))).toHaveLength(rows.length);
  });

  test('says how many series there can be', () => {
    const total = (caps: Parameters<typeof seriesBound>[0]) => sum(seriesBound(caps)).toLocaleString('en-US');
    const [byDefault, bounded] = [total(DEFAULTS), total({ maxRoutes: 20, maxClients: 100 })];
    expect(page).toContain(`| all |  | ${byDefault} | ${bounded} |`);
  });

  test('names no metric that does not exist', () => {
    const known = new Set(rows.map(({ name }) => name));
    const named = [...page.matchAll(/(?<!\w)xlink_[a-z_]+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual(['xlink_requests']); // the family in OpenMetrics
  });
});
