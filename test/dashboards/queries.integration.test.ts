import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { round } from './acts.js';
import { compare } from './compare.js';
import { EXPECTED, type State } from './expected.js';
import { EXPECTED_ALERTS, expectedOf } from './expected-rules.js';
import { RULES_FILE, readDashboard, readRules, substituted, targetsOf } from './files.js';
import { Ledger } from './ledger.js';
import { JOB, Orders, SUNSET } from './orders.js';
import { askAt, meanInterval, scrapes, seriesOf } from './prometheus.js';
import { type Choice, chosen, View } from './view.js';

const SCRAPE_MS = 200;
/** Rounds of traffic, each with some scrapes behind it, so that there is a rate to speak of. */
const ROUNDS = 6;
const HOUR_MS = 3_600_000;

describeWith(['prometheus'], 'the queries of the dashboard and the rules, asked of a real Prometheus', () => {
  const targets = targetsOf(readDashboard());
  const rules = readRules();
  let orders: Orders;
  let prometheus: PrometheusServer;
  let ledger: Ledger;
  /** When the second lot of traffic began and when all was scraped, in ms since 1970. */
  let began: number;
  let ended: number;
  let intervalMs: number;
  /** Where the second lot of traffic begins in what each instance measured. */
  let measuredBefore: number[];

  beforeAll(async () => {
    orders = await Orders.open();
    prometheus = await PrometheusServer.start({
      targets: { [JOB]: orders.instances.map(({ address }) => address) },
      ruleFiles: [RULES_FILE],
      scrapeIntervalMs: SCRAPE_MS,
    });
    const entries = await round(orders, false);
    await scraped(entries.length);
    began = Date.now();
    await scrapes(prometheus, JOB, 1);
    measuredBefore = orders.instances.map(({ measured }) => measured.length);
    for (let left = ROUNDS; left > 0; left--) {
      entries.push(...(await round(orders, true)));
      await scrapes(prometheus, JOB, 4);
    }
    for (const { plan } of orders.instances) await plan.evaluate();
    await scraped(entries.length);
    await scrapes(prometheus, JOB, 1);
    ended = Date.now();
    ledger = new Ledger(entries);
    intervalMs = await meanInterval(prometheus, JOB, ended - began, ended);
  }, 150_000);

  afterAll(async () => {
    await prometheus?.stop();
    await orders?.close();
  });

  /** Waits until Prometheus has counted as many requests as were sent: if it never does, some were not counted. */
  const scraped = (requests: number) =>
    prometheus.until(`${requests} requests to be counted`, async () => {
      const counted = await prometheus.query(`sum(xlink_requests_total{job="${JOB}"})`);
      return counted[''] === requests;
    });

  const choice = (part: Partial<Choice> = {}): Choice => {
    const stepMs = ended - began;
    return { job: JOB, top: 3, rangeMs: HOUR_MS, stepMs, rangeIsAll: true, ...part };
  };
  const address = (index: number) => orders.instances[index]!.address;
  const choices: [name: string, make: () => Choice][] = [
    ['everything', () => choice()],
    ['more places than there are names', () => choice({ top: 50 })],
    [
      'a range that begins amid the traffic',
      () => choice({ top: 4, rangeMs: ended - began, rangeIsAll: false }),
    ],
    ['one instance', () => choice({ instances: [address(1)] })],
    [
      'both instances by name, and two routes',
      () => choice({ top: 1, instances: [address(0), address(1)], routes: ['/orders/:id', '/payments'] }),
    ],
  ];

  const stateOf = ({ instances }: Choice): State => {
    const shown = orders.instances.filter((one) => instances?.includes(one.address) ?? true);
    const lax = shown.every((one) => one === orders.instances[1]);
    const measured = orders.instances.flatMap((one, index) =>
      shown.includes(one) ? one.measured.slice(measuredBefore[index]) : [],
    );
    const secondsBy = (method: string) =>
      measured.filter((event) => event.method === method).map(({ durationMs }) => durationMs / 1000);
    return {
      mode: 'deprecation',
      // the second instance has a gate that nobody has to be safe for; open is what is open at all of them
      gate: { 'forward xlink-only': lax ? 1 : 0 },
      blockers: lax ? 0 : 8,
      daysToSunset: (SUNSET.getTime() - ended) / 86_400_000,
      clients: {
        'not-enrolled': 6,
        'never-used-xlink': 0,
        failing: 1, // repeats what it sent in a session
        'not-recent': 0,
        'key-in-use': 1,
        'key-switched-off': 0,
        moved: 4,
        revoked: 0,
      },
      instances: shown.length,
      sessions: ledger.where(({ session, instance }) => {
        return session !== undefined && shown.some(({ address }) => address === instance);
      }).entries.length,
      seconds: { xlink: secondsBy('xlink'), 'api-key': secondsBy('api-key') },
    };
  };

  test('rest on enough traffic and on enough samples for the bounds to mean something', () => {
    expect(ledger.entries.length).toBeGreaterThan(1000);
    expect((ended - began) / intervalMs).toBeGreaterThan(20);
  });

  test.each(targets.map(({ panel, target }) => [panel.title, target.refId, target.expr] as const))(
    'panel %s, query %s',
    async (title, refId, expr) => {
      const expectation = EXPECTED[title]?.[refId];
      if (!expectation) throw new Error(`${title}, query ${refId}, has no expectation: add one`);
      for (const [name, make] of choices) {
        const made = make();
        const rows = await askAt(prometheus, substituted(expr, chosen(made)), ended);
        const expected = expectation(new View(ledger, made), stateOf(made));
        compare(`${title} ${refId}, ${name}`, rows, expected, made, intervalMs);
      }
    },
  );

  test('no expectation is left over from a panel or an alert that is gone', () => {
    const asked = targets.map(({ panel, target }) => `${panel.title} ${target.refId}`);
    const expected = Object.entries(EXPECTED).flatMap(([title, byId]) =>
      Object.keys(byId).map((refId) => `${title} ${refId}`),
    );
    expect(expected.sort()).toEqual(asked.sort());
    const alerts = rules.flatMap(({ alert }) => alert ?? []);
    expect(Object.keys(EXPECTED_ALERTS).sort()).toEqual(alerts.sort());
  });

  test('graphs keep to the same first N from their first to their last point', async () => {
    for (const { panel, target } of targets.filter((one) => one.target.range)) {
      const expr = substituted(target.expr, chosen(choice({ top: 2, stepMs: 2000 })));
      const series = await seriesOf(prometheus, expr, began, ended);
      const name = `${panel.title} ${target.refId}`;
      expect([name, series > 0]).toEqual([name, true]);
      if (expr.includes('topk(2')) expect([name, series <= 2]).toEqual([name, true]);
    }
  });

  test.each(rules.map((rule) => [rule.record ?? rule.alert!, rule] as const))(
    'rule %s',
    async (name, { record, expr }) => {
      const made = choice();
      const view = new View(ledger, made);
      const expected = record ? expectedOf(record, view) : EXPECTED_ALERTS[name]!(view, stateOf(made));
      compare(name, await askAt(prometheus, expr, ended), expected, made, intervalMs);
      if (record) compare(record, await askAt(prometheus, record, Date.now()), expected, made, intervalMs);
    },
  );

  test('the rules are healthy, and the alerts are in the state that the traffic puts them in', async () => {
    const { groups } = await prometheus.api<{ groups: { rules: LoadedRule[] }[] }>('rules');
    const loaded = groups.flatMap((group) => group.rules);
    expect(loaded.map(({ name }) => name).sort()).toEqual(
      rules.map(({ record, alert }) => record ?? alert).sort(),
    );
    expect(loaded.filter(({ health, lastError }) => health !== 'ok' || lastError)).toEqual([]);
    const states = loaded.filter(({ type }) => type === 'alerting').map(({ name, state }) => [name, state]);
    expect(Object.fromEntries(states)).toEqual({
      XlinkAdoptionStalled: 'inactive',
      XlinkAuditLogFailing: 'inactive',
      XlinkKeyRotationOverdue: 'inactive',
      XlinkKeyUseAfterSunset: 'inactive',
      XlinkReplayBurst: 'firing',
      XlinkNonceStoreDown: 'pending',
      XlinkVerificationErrorsFast: 'inactive',
      XlinkVerificationErrorsSlow: 'pending',
      XlinkClientAboutToBreak: 'pending',
    });
    const { alerts } = await prometheus.api<{ alerts: { annotations: Record<string, string> }[] }>('alerts');
    const texts = alerts.flatMap(({ annotations }) => Object.values(annotations));
    expect(texts.filter((text) => text.includes('<error expanding template') || text.includes('{{'))).toEqual(
      [],
    );
    expect(texts).toContain(
      'The client ada still uses keys at orders, which stop working in less than 14 days.',
    );
  });

  test('instances that disagree about the mode show as two modes', async () => {
    orders.instances[0]!.adapter.setMode('hybrid');
    await scrapes(prometheus, JOB, 2);
    const { expr } = targets.find(({ panel }) => panel.title === 'Mode')!.target;
    const rows = await askAt(prometheus, substituted(expr, chosen(choice())), Date.now());
    expect(rows).toEqual({ hybrid: 1, deprecation: 1 });
  });
});

interface LoadedRule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: string;
  readonly lastError?: string;
  readonly state?: string;
}
