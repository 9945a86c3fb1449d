import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { formatBridgeRow } from '../src/index.js';
import { bridgeMetrics, XFUSE_METRICS } from '../src/metrics.js';
import { describeWith, findProgram } from './programs.js';
import { json, KEY, keyApi, listen, openBridge } from './support.js';

test('a bridge is measured, without anything of a request in a label', async () => {
  let status = 200;
  const legacy = await keyApi((_request, response) => json(response, {}));
  const { bridge } = await openBridge({
    legacy: { endpoint: legacy.url, apiKey: KEY },
    modern: { endpoint: await listen((_request, response) => json(response, {}, status)), fetch },
    budget: { minimum: 3 },
  });
  const register = new Registry();
  bridgeMetrics(bridge, { register });
  await (await bridge.send({ mode: 'mirror', path: '/people/ada' })).compared;
  bridge.setTrafficRatio({ aci: 0.5 });
  await bridge.send({ mode: 'modern' });
  status = 500;
  for (let round = 0; round < 5; round++) await bridge.send({ mode: 'modern', caller: `ada ${round}` });
  const text = await register.metrics();
  for (const { name } of XFUSE_METRICS) expect(text).toContain(name);
  expect(text).toContain('xfuse_requests_total{side="modern",outcome="ok",fell_back="false"} 1');
  expect(text).toContain('xfuse_compared_total{outcome="same",reason=""} 1');
  expect(text).toContain('xfuse_step_backs_total 1');
  expect(text).toContain('xfuse_traffic_ratio 0');
  expect(text).not.toMatch(/ada|people/);
  expect(() => bridgeMetrics(bridge, { register })).toThrow('has a metric');
  expect(formatBridgeRow(bridge.status())).toMatch(
    /^aci +0 % \[-{20}\] .*STEPPED BACK from 50 %: 2 of 3 failed$/,
  );
});

describeWith(['promtool'], 'the queries of the documentation', () => {
  test('are PromQL, and ask for series that there are', () => {
    const page = readFileSync(fileURLToPath(new URL('../docs/bridge.md', import.meta.url)), 'utf8');
    const row = /^\| [^|]+ \| `(.*xfuse_.*)` \|$/gm;
    const queries = [...page.matchAll(row)].map(([, query]) => query!.replaceAll('\\|', '|'));
    expect(queries).toHaveLength(8);
    const names = new Set<string>(XFUSE_METRICS.map(({ name }) => name));
    for (const [name] of queries.join(' ').matchAll(/xfuse_\w+/g))
      expect([name, names.has(name.replace(/_bucket$/, ''))]).toEqual([name, true]);
    const folder = mkdtempSync(join(tmpdir(), 'xfuse-'));
    try {
      const rules = queries.map((expr, at) => ({ record: `xfuse:row:${at}`, expr }));
      writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'xfuse', rules }] }));
      const said = execFileSync(findProgram('promtool')!, ['check', 'rules', join(folder, 'rules.yml')], {
        encoding: 'utf8',
      });
      expect(said).toContain('8 rules found');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
