import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { METRICS, prometheusMetrics } from '../../src/metrics/index.js';
import {
  type Mounted,
  parties,
  type Service,
  sealedRequest,
  serve,
  signedRequest,
  withKey,
} from '../http/support.js';

const installed = ['prometheus', 'promtool'].every((name) => spawnSync(name, ['--version']).status === 0);

/** `describe` where Prometheus is installed; elsewhere the name says what is missing. */
const describeIf = installed ? describe : describe.skip;

describeIf('scraped by a real Prometheus (skipped where prometheus and promtool are not installed)', () => {
  const register = new Registry();
  const folder = mkdtempSync(join(tmpdir(), 'xlink-prometheus-'));
  let exporter: Server;
  let prometheus: ChildProcess;
  let api: string;

  beforeAll(async () => {
    exporter = createServer(async (_req, res) => {
      res.setHeader('Content-Type', register.contentType);
      res.end(await register.metrics());
    });
    exporter.listen(0, '127.0.0.1');
    await once(exporter, 'listening');
    const { port } = exporter.address() as AddressInfo;
    const own = await freePort();
    api = `http://127.0.0.1:${own}`;
    const config = {
      global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
      scrape_configs: [{ job_name: 'api', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config)); // YAML takes JSON
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
      ],
      { stdio: 'ignore' },
    );
    await until('ready', () =>
      fetch(`${api}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }, 20_000);

  afterAll(async () => {
    if (prometheus.exitCode === null) {
      prometheus.kill();
      await once(prometheus, 'exit');
    }
    exporter.closeAllConnections();
    exporter.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The values of a query, by their labels. */
  const query = async (promql: string): Promise<Record<string, number>> => {
    const response = await fetch(`${api}/api/v1/query?${new URLSearchParams({ query: promql })}`);
    const { data } = (await response.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    const named = ({ metric }: (typeof data.result)[number]) => Object.values(metric).join(' ');
    return Object.fromEntries(data.result.map((row) => [named(row), Number(row.value[1])]));
  };

  test('adoption, mode, rates and quantiles can be queried', async () => {
    const known = await parties();
    const service: Service = await serve({
      api: known.api,
      options: { observers: [prometheusMetrics({ register })] },
      mount({ app, adapter, handler }: Mounted) {
        app.use(adapter.middleware());
        app.all('/orders', handler);
      },
    });
    const traffic = async () => {
      await service.send(withKey());
      await service.send(await sealedRequest(known));
      await service.send(await signedRequest(known));
      await service.send({});
      await service.quiet();
    };
    // a rate needs samples with traffic in between
    const scrapes = () => query('sum(scrape_samples_scraped)').then(({ '': samples = 0 }) => samples);
    const samplesOf = () =>
      query(`count_over_time(xlink_mode{mode="hybrid"}[1m])`).then((row) => Object.values(row)[0] ?? 0);
    await until('a first scrape', async () => (await scrapes()) > 0);
    for (let seen = 0; seen < 5; seen = await samplesOf()) {
      await traffic();
      const before = await samplesOf();
      await until('one more scrape', async () => (await samplesOf()) > before);
    }

    const ratio = `${METRICS.adoption.name} > 0`;
    expect(Object.values(await query(ratio))).toEqual([expect.closeTo(2 / 3, 9)]);
    expect(await query(`sum by (mode) (${METRICS.mode.name} == 1)`)).toEqual({ hybrid: 1 });
    const rates = await query(
      `sum by (method, outcome) (rate(${METRICS.requests.name}{route=~"/orders|unmatched"}[1m]))`,
    );
    expect(Object.keys(rates).sort()).toEqual(['api-key accepted', 'none refused', 'xlink accepted']);
    for (const rate of Object.values(rates)) expect(rate).toBeGreaterThan(0);
    expect(rates['xlink accepted']! / rates['api-key accepted']!).toBeCloseTo(2, 1);
    const p95 = `histogram_quantile(0.95, sum by (le) (rate(${METRICS.duration.name}_bucket{method="xlink"}[1m])))`;
    const [quantile] = Object.values(await query(p95));
    expect(quantile).toBeGreaterThan(0);
    expect(quantile).toBeLessThan(5);
  }, 20_000);

  test('promtool finds nothing to say about the text', async () => {
    const text = await register.metrics();
    expect(text).toContain(`${METRICS.requests.name}{`);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks again and again until the answer is yes; it is another process that has to get there. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Prometheus: waited in vain for ${what}`);
    await wait(50);
  }
}
