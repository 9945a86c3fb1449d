import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import type { Mounted } from '../support/express.js';
import { type Service, sealedRequest, signedRequest, withKey } from '../support/http.js';
import { describeWith, programFile } from '../support/needs-program.js';
import { PrometheusServer } from '../support/prometheus-server.js';
import { World } from '../support/world.js';
import { Exporter } from './exporter.js';

describeWith(['prometheus', 'promtool'], 'scraped by a real Prometheus', () => {
  const register = new Registry();
  const exporter = new Exporter(register);
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    prometheus = await PrometheusServer.start({ targets: { api: await exporter.start() } });
  }, 30_000);

  afterAll(async () => {
    await prometheus?.stop();
    await exporter.stop();
  });

  test('adoption, mode, rates and quantiles can be queried', async () => {
    const known = await World.withCaller();
    const service: Service = await known.serve({
      observers: [prometheusMetrics({ register })],
      mount({ app, adapter, handler }: Mounted) {
        app.use(adapter.middleware());
        app.all('/orders', handler);
      },
    });
    // a rate needs samples with traffic in between
    for (let scrapes = 0; scrapes < 4; scrapes++) {
      await service.send(withKey());
      await service.send(await sealedRequest(known));
      await service.send(await signedRequest(known));
      await service.send({});
      await service.quiet();
      await prometheus.nextScrape('api');
    }

    expect(Object.values(await prometheus.query(`${METRICS.adoption.name} > 0`))).toEqual([
      expect.closeTo(2 / 3, 9),
    ]);
    expect(await prometheus.query(`sum by (mode) (${METRICS.mode.name} == 1)`)).toEqual({ hybrid: 1 });
    const rates = await prometheus.query(
      `sum by (method, outcome) (rate(${METRICS.requests.name}{route=~"/orders|unmatched"}[1m]))`,
    );
    expect(Object.keys(rates).sort()).toEqual(['api-key accepted', 'none refused', 'xlink accepted']);
    for (const rate of Object.values(rates)) expect(rate).toBeGreaterThan(0);
    expect(rates['xlink accepted']! / rates['api-key accepted']!).toBeCloseTo(2, 1);
    const p95 = `histogram_quantile(0.95, sum by (le) (rate(${METRICS.duration.name}_bucket{method="xlink"}[1m])))`;
    const [quantile] = Object.values(await prometheus.query(p95));
    expect(quantile).toBeGreaterThan(0);
    expect(quantile).toBeLessThan(5);
  }, 60_000);

  test('promtool finds nothing to say about the text', async () => {
    const text = await register.metrics();
    expect(text).toContain(`${METRICS.requests.name}{`);
    const { status, stdout, stderr } = spawnSync(programFile('promtool'), ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
