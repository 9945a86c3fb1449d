import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { XlinkError, type XlinkEvent } from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { panelsOf, readDashboard, readRules, root, targetsOf } from './files.js';

jest.setTimeout(60_000); // the build runs as a process of its own

const dashboard = readDashboard();
const panels = panelsOf(dashboard);
const shown = panels.filter(({ type }) => type !== 'row');
const targets = targetsOf(dashboard);
const rules = readRules();
const folder = mkdtempSync(join(tmpdir(), 'xlink-dashboards-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const build = (...args: string[]) =>
  spawnSync('node', ['dashboards/build.mjs', ...args], { cwd: root, encoding: 'utf8' });

/** Names of metrics in PromQL: what begins like ours and is no label of theirs. */
const namesIn = (expr: string, start = /\b(?<!:)xlink_[a-z_]+/g): string[] => expr.match(start) ?? [];

describe('the dashboard as a file', () => {
  test('has panels, each with an id of its own', () => {
    const ids = panels.map(({ id }) => id);
    expect(shown.length).toBeGreaterThan(20);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => Number.isInteger(id) && id > 0)).toBe(true);
    expect(new Set(shown.map(({ title }) => title)).size).toBe(shown.length);
  });

  test('lays them out side by side within 24 columns, none over another', () => {
    const cells = new Map<string, string>();
    for (const { title, gridPos } of panels) {
      expect([title, gridPos.x + gridPos.w <= 24, gridPos.w > 0, gridPos.h > 0]).toEqual([
        title,
        true,
        true,
        true,
      ]);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, x, y, cells.get(`${x} ${y}`)]).toEqual([title, x, y, undefined]);
          cells.set(`${x} ${y}`, title);
        }
    }
  });

  test('says of each panel what it means, what its values are, where to read on, and what an empty one means', () => {
    for (const { title, description = '', fieldConfig, links = [] } of shown) {
      const { unit = '', noValue = '' } = fieldConfig?.defaults ?? {};
      expect([title, description.length > 40, unit !== '', noValue !== '']).toEqual([
        title,
        true,
        true,
        true,
      ]);
      const pages = links.map(({ url }) => url.split('/').at(-1)!.split('#')[0]!);
      expect([title, pages.length > 0]).toEqual([title, true]);
      for (const page of pages) expect([page, existsSync(`${root}docs/${page}.md`)]).toEqual([page, true]);
    }
  });

  test('asks the data source that was chosen, each query under a letter of its own', () => {
    const uid = '$' + '{datasource}';
    for (const panel of shown) {
      expect([panel.title, panel.datasource?.uid]).toEqual([panel.title, uid]);
      const letters = (panel.targets ?? []).map(({ refId }) => refId);
      expect(letters.length).toBeGreaterThan(0);
      expect(new Set(letters).size).toBe(letters.length);
    }
    for (const { target } of targets) {
      expect(target.datasource).toEqual({ type: 'prometheus', uid });
      expect([target.expr, target.instant !== target.range]).toEqual([target.expr, true]);
    }
  });

  test('defines every variable it uses, and uses every one it defines', () => {
    const GRAFANAS = ['__range', '__rate_interval'];
    const variables = dashboard.templating.list.map(({ name }) => name);
    expect(variables).toEqual(['datasource', 'job', 'instance', 'route', 'top']);
    const used = JSON.stringify(dashboard).matchAll(/(?<!\$)\$\{?([a-z_]+)\}?/g);
    const names = new Set([...used].map(([, name]) => name!));
    names.delete('__all'); // a value, not a variable
    expect([...names].sort()).toEqual([...variables, ...GRAFANAS].sort());
  });

  test('narrows every query to the chosen jobs and instances, wherever it names a metric', () => {
    for (const { panel, target } of targets) {
      const named = namesIn(target.expr).length;
      const narrowed = target.expr.split('job=~"$job",instance=~"$instance"').length - 1;
      expect([panel.title, named > 0, narrowed]).toEqual([panel.title, true, named]);
    }
  });
});

describe('the names of metrics', () => {
  const EVENTS: XlinkEvent[] = [
    { type: 'mode', to: 'hybrid', sunset: Date.UTC(2030, 0, 1) },
    { type: 'fault', error: new XlinkError('AUDIT_UNAVAILABLE') },
    {
      type: 'request',
      mode: 'hybrid',
      method: 'xlink',
      outcome: 'accepted',
      reason: 'ok',
      status: 200,
      route: '/orders',
      durationMs: 1,
      version: 2,
      encrypted: true,
      client: 'acme',
    },
    { type: 'observed', reason: 'ok' },
    { type: 'downgrade', client: 'acme', refused: false },
    { type: 'key-epoch', keyEpoch: 1, since: 0, rotatesAt: 1 },
    {
      type: 'advice',
      mode: 'hybrid',
      next: 'deprecation',
      direction: 'forward',
      ready: false,
      blockers: 1,
      clients: {
        'not-enrolled': 1,
        'never-used-xlink': 0,
        failing: 0,
        'not-recent': 0,
        'key-in-use': 0,
        'key-switched-off': 0,
        moved: 0,
        revoked: 0,
      },
    },
    { type: 'session', did: 'did:key:z6Mk', version: 2, notAfter: Date.now() + 60_000 },
    { type: 'session-refusal', reason: 'SESSION_OFFER_INVALID' },
  ];

  /** The series of a registry as Prometheus reads them, by name. */
  async function emitted(prefix: string): Promise<Set<string>> {
    const register = new Registry();
    const observe = prometheusMetrics({ register, prefix, maxClients: 10 });
    for (const event of EVENTS) observe(event);
    const lines = (await register.metrics())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    return new Set(lines.map((line) => /^[\w:]+/.exec(line)![0]));
  }

  test('in queries and rules are those that prometheusMetrics() emits', async () => {
    const known = await emitted('');
    const variables = dashboard.templating.list.map(({ query }) => JSON.stringify(query ?? ''));
    const used = [
      ...targets.map(({ target }) => target.expr),
      ...rules.map(({ expr }) => expr),
      ...variables,
    ];
    const names = new Set(used.flatMap((expr) => namesIn(expr)));
    expect(names.size).toBeGreaterThan(10);
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });

  test('that are not asked for are what is open, which reports show, two gauges of one process, which cannot be averaged, and what an alert tells', () => {
    const text = targets.map(({ target }) => target.expr).join('\n');
    const unused = Object.values(METRICS).filter(
      ({ name }) => !new RegExp(`\\b${name}(_bucket)?\\b`).test(text),
    );
    expect(unused).toEqual([
      METRICS.openRequests,
      METRICS.adoption,
      METRICS.adoptionPct,
      METRICS.auditFaults,
    ]);
  });

  test('follow a prefix, everywhere', async () => {
    const prefixed = join(folder, 'prefixed');
    expect(build('--prefix', 'shop_', '--docs', 'https://docs.example.com/x', '--out', prefixed).status).toBe(
      0,
    );
    const known = await emitted('shop_');
    const exprs = [
      ...targetsOf(readDashboard(join(prefixed, 'xlink-migration.json'))).map(({ target }) => target.expr),
      ...readRules(join(prefixed, 'rules.yml')).map(({ expr }) => expr),
    ];
    expect(exprs.flatMap((expr) => namesIn(expr))).toEqual([]);
    const names = new Set(exprs.flatMap((expr) => namesIn(expr, /(?<!:)\bshop_xlink_[a-z_]+/g)));
    expect(names.size).toBeGreaterThan(10);
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
    const text = ['xlink-migration.json', 'rules.yml']
      .map((name) => readFileSync(join(prefixed, name), 'utf8'))
      .join('');
    expect(text).toContain('job:shop_xlink_adoption:ratio_rate5m');
    expect(text).toContain('https://docs.example.com/x/alerts#');
    expect(text).not.toContain('xail.io');
    expect(text).not.toMatch(/(?<!shop_)xlink_(?!verification)[a-z]+_(total|seconds|bucket)/);
  });
});

describe('build.mjs', () => {
  test('has been run', () => {
    const { status, stderr } = build('--check');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('makes the same twice, and notices what is stale or absent', () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    for (const out of [one, two]) expect(build('--out', out).status).toBe(0);
    for (const name of ['xlink-migration.json', 'rules.yml'])
      expect(readFileSync(join(one, name), 'utf8')).toBe(readFileSync(join(two, name), 'utf8'));
    expect(build('--check', '--out', one).status).toBe(0);
    writeFileSync(join(one, 'rules.yml'), 'groups: []\n');
    const stale = build('--check', '--out', one);
    expect([stale.status, stale.stderr]).toEqual([1, expect.stringContaining('rules.yml out of date')]);
    expect(build('--check', '--out', join(folder, 'nowhere')).status).toBe(1);
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  test.each([
    ['--prefix', '7up_'],
    ['--prefix', 'my-app_'],
    ['--docs', 'docs/'],
    ['--docs', 'javascript:alert(1)'],
    ['--color', 'red'],
  ])('refuses %s %s', (name, value) => {
    expect(build(name, value, '--out', join(folder, 'refused')).status).toBe(1);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  test('is part of what is published: the two files and how to load them, and nothing of their source', () => {
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
    const ours = files.map(({ path }) => path).filter((path) => path.startsWith('dashboards/'));
    expect(ours.sort()).toEqual([
      'dashboards/README.md',
      'dashboards/rules.yml',
      'dashboards/xlink-migration.json',
    ]);
  });
});
