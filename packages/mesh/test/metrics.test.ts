import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { parseCryptoConfig } from '../src/index.js';
import { MESH_METRICS, meshMetrics } from '../src/metrics.js';
import { failureOf } from './support.js';

const signal = {
  status: async () => ({
    sessions: [{ ratchetAgeMs: 4_000 }, { ratchetAgeMs: 90_000 }],
    prekeyUtilizationPercent: 35,
  }),
};

describe('the metrics of the section observability', () => {
  test('all four are there and say what happened', async () => {
    const register = new Registry();
    const { noise, router } = meshMetrics({ register, signal });
    noise({ type: 'handshake', role: 'initiator', transport: 'tcp', outcome: 'ok', durationMs: 12 });
    noise({ type: 'handshake', role: 'responder', transport: 'tcp', outcome: 'failed', durationMs: 3 });
    const established = { type: 'established', route: 'online', durationMs: 8 } as const;
    const [a, b] = [
      { target: 'a', channel: 'a' },
      { target: 'b', channel: 'b' },
    ];
    router({ ...established, ...a, kind: 'signal', postQuantum: true });
    router({ ...established, ...b, kind: 'noise', postQuantum: false });
    router({ type: 'upgraded', ...a, from: 'signal', to: 'noise', durationMs: 1, postQuantum: false });
    router({ type: 'upgrade-failed', ...a, from: 'envelope', to: 'signal', durationMs: 5, error: 0 });
    router({ type: 'closed', ...b, kind: 'noise', by: 'peer' });
    const text = await register.metrics();
    for (const line of [
      'mesh_handshake_latency_ms_count{kind="noise",outcome="ok"} 1',
      'mesh_handshake_latency_ms_count{kind="noise",outcome="failed"} 1',
      'mesh_handshake_latency_ms_sum{kind="signal",outcome="ok"} 8',
      'mesh_handshake_latency_ms_sum{kind="signal",outcome="failed"} 5',
      'mesh_ratchet_state_age_seconds 90',
      'mesh_prekey_utilization_percent 35',
      'mesh_quantum_migration_status{protection="hybrid"} 0',
      'mesh_quantum_migration_status{protection="classical"} 1',
    ])
      expect(text).toContain(line);
  });

  test('what the configuration switches off is not there', async () => {
    const register = new Registry();
    const { observability } = parseCryptoConfig('observability: { handshake_latency_ms: true }');
    meshMetrics({ register, signal, observability });
    const names = (await register.getMetricsAsJSON()).map(({ name }) => name);
    expect(names).toEqual(['mesh_handshake_latency_ms']);
  });

  test('a name that is taken, and an option that is not there', async () => {
    const register = new Registry();
    meshMetrics({ register });
    expect((await failureOf(() => meshMetrics({ register }))).field).toBe('register');
    expect((await failureOf(() => meshMetrics({ prefx: 'a' } as never))).message).toContain(
      'did you mean prefix?',
    );
    expect(Object.keys(MESH_METRICS)).toHaveLength(4);
  });
});
