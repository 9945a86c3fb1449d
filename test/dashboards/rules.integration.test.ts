import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ERROR_TABLE } from '@private.me/xlink';
import { parse } from 'yaml';
import { describeWith, programFile } from '../support/needs-program.js';
import { readDashboard, readRules, root, targetsOf } from './files.js';

const CASES = ['rules.test.yml', 'rules-over-days.test.yml'];
const rules = readRules();
const alerts = rules.filter(({ alert }) => alert !== undefined);
const runbook = readFileSync(`${root}docs/alerts.md`, 'utf8');

/** As a Markdown page has it for a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');

describeWith(['promtool'], 'rules.yml, by promtool', () => {
  const promtool = (...args: string[]) =>
    spawnSync(programFile('promtool'), args, { cwd: `${root}dashboards`, encoding: 'utf8' });

  test('is valid', () => {
    const { status, stdout, stderr } = promtool('check', 'rules', 'rules.yml');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`${rules.length} rules found`);
  });

  test.each(CASES)(
    'does what %s says',
    (file) => {
      const { status, stdout, stderr } = promtool('test', 'rules', file);
      expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
    },
    60_000,
  );
});

describe('the alerts', () => {
  const cases = CASES.map((file) => readFileSync(`${root}dashboards/${file}`, 'utf8')).join('\n');
  const asked = CASES.flatMap((file) => queriesOf(`${root}dashboards/${file}`));
  const firing = asked.flatMap(({ exp_samples: samples }) =>
    samples.flatMap(({ labels }) => /alertname="(\w+)",alertstate="firing"/.exec(labels)?.[1] ?? []),
  );
  const quiet = asked.filter(({ exp_samples: samples }) => samples.length === 0).map(({ expr }) => expr);

  test.each(alerts.map((rule) => [rule.alert!, rule] as const))('%s has all it needs', (name, rule) => {
    const { severity } = rule.labels ?? {};
    expect(['critical', 'warning', 'info']).toContain(severity);
    const { summary = '', description = '', runbook_url: url = '' } = rule.annotations ?? {};
    expect(summary).toContain('{{ $labels.job }}');
    expect(description.length).toBeGreaterThan(60);
    expect(url).toMatch(/^https:\/\/[^\s]+\/alerts#[a-z-]+$/);
    const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
    expect(headings.filter((anchor) => anchor === url.split('#')[1])).toHaveLength(1);
    // a case has it fire, and another looks for it where it has to be quiet
    expect(firing).toContain(name);
    expect(quiet.some((expr) => expr.includes(name) || expr.includes('XlinkVerificationErrors.+'))).toBe(
      true,
    );
  });

  test('and their runbook name the same alerts', () => {
    const headings = [...runbook.matchAll(/^## (Xlink\w+)$/gm)].map(([, heading]) => heading);
    expect(headings.sort()).toEqual(alerts.map(({ alert }) => alert).sort());
    for (const { alert, labels } of alerts) {
      const section = runbook.split(`## ${alert}\n`)[1]!.split('\n## ')[0]!;
      expect([alert, section.includes(labels!['severity']!)]).toEqual([alert, true]);
      for (const part of ['Meaning', 'Look at', 'Do'])
        expect([alert, section]).toEqual([alert, expect.stringContaining(`**${part}**`)]);
    }
  });

  test('and all queries name only errors that exist', () => {
    const exprs = [
      ...rules.map(({ expr }) => expr),
      ...targetsOf(readDashboard()).map(({ target }) => target.expr),
    ];
    const ids = exprs.flatMap((expr) =>
      [...expr.matchAll(/reason=~?"([^"]+)"/g)].flatMap(([, list]) => list!.split('|')),
    );
    expect(ids.length).toBeGreaterThan(20);
    expect(ids.filter((id) => id !== 'ok' && !(id in ERROR_TABLE))).toEqual([]);
    const inCases = [...cases.matchAll(/reason="([^"]+)"/g)].map(([, id]) => id!);
    expect(inCases.filter((id) => id !== 'ok' && !(id in ERROR_TABLE))).toEqual([]);
    const inRunbook = [...runbook.matchAll(/`([A-Z][A-Z_]+(?::[A-Z_]+)?)`/g)].map(([, id]) => id!);
    expect(inRunbook.filter((id) => id !== 'DEFAULT_ERROR_BUDGET' && !(id in ERROR_TABLE))).toEqual([]);
  });

  test('record under names of the form level:metric:operations', () => {
    const names = rules.flatMap(({ record }) => record ?? []);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^job(_method)?:xlink_[a-z_]+:(ratio_)?rate\d+[mhd]$/);
  });
});

interface CaseQuery {
  readonly expr: string;
  readonly exp_samples: readonly { readonly labels: string }[];
}

/** The queries in a file of cases. */
function queriesOf(file: string): CaseQuery[] {
  const { tests } = parse(readFileSync(file, 'utf8')) as { tests: { promql_expr_test: CaseQuery[] }[] };
  return tests.flatMap(({ promql_expr_test: queries }) => queries);
}
