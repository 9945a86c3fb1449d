import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { formatBridgeRow } from '../src/index.js';
import { bridgeMetrics, XFUSE_METRICS } from '../src/metrics.js';
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
  for (let round = 0; round < 5; round++) await bridge.send({ mode: 'modern', caller: 'ada' });
  const text = await register.metrics();
  for (const { name } of XFUSE_METRICS) expect(text).toContain(name);
  expect(text).toContain('xfuse_requests_total{side="modern",outcome="ok",fell_back="false"} 1');
  expect(text).toContain('xfuse_compared_total{outcome="same",reason=""} 1');
  expect(text).toContain('xfuse_step_backs_total 1');
  expect(text).toContain('xfuse_traffic_ratio 0');
  expect(text).not.toMatch(/ada|people/);
  expect(() => bridgeMetrics(bridge, { register })).toThrow('has a metric');
  expect(formatBridgeRow(bridge.status())).toMatch(/^aci +0 % \[-{20}\] .*STEPPED BACK$/);
});
