import {
  Gauge,
  register as globalRegister,
  Histogram,
  type Registry,
  type RegistryContentType,
} from 'prom-client';
import type { ChannelKind } from './channel.js';
import type { CryptoConfig, MetricName } from './config/crypto-config.js';

export { metricsOptionsOf } from './config/metrics-options.js';

import type { NoiseEvent } from './noise/options.js';
import type { RouterEvent } from './router/events.js';
import { checkNames, checkValue, hasMethods, invalidOption } from './util/options.js';

/** What is asked of a Signal provider when metrics are read. */
export interface SignalSource {
  /** How sessions and prekeys are. */
  status(): SignalFigures | Promise<SignalFigures>;
}

/** The figures that are used of it. */
export interface SignalFigures {
  readonly sessions: readonly { readonly ratchetAgeMs: number }[];
  readonly prekeyUtilizationPercent: number | undefined;
}

/** Options of {@link meshMetrics}. */
export interface MeshMetricsOptions {
  /** Which metrics are kept: the section `observability`. Default: all. */
  readonly observability?: CryptoConfig['observability'];
  /** Asked about ratchets and prekeys. Default: those metrics stay empty. */
  readonly signal?: SignalSource;
  /** Registry of prom-client. Default: its global one. */
  readonly register?: Registry<RegistryContentType>;
  /** Put in front of every name. Default `mesh_`. */
  readonly prefix?: string;
}

/** What to give to providers and routers. */
export interface MeshMetrics {
  /** For `onEvent` of a `NoiseProvider`. */
  readonly noise: (event: NoiseEvent) => void;
  /** For `observers` of a `SecureMeshRouter`. */
  readonly router: (event: RouterEvent) => void;
}

/** The metrics, none with an id or a DID as a label. */
export const MESH_METRICS = {
  handshake_latency_ms: {
    help: 'How long handshakes took, in ms; other kinds than noise: how long it took the router to open a channel, with what failed before, or to fail.',
    labels: ['kind', 'outcome'],
  },
  ratchet_state_age_seconds: {
    help: 'Time since the ratchet turned that has not turned for longest.',
    labels: [],
  },
  prekey_utilization_percent: {
    help: 'Share of the published one-time prekeys that is used up.',
    labels: [],
  },
  quantum_migration_status: {
    help: 'Channels of the router that are open, by what protects their keys.',
    labels: ['protection'],
  },
} as const satisfies Record<MetricName, { readonly help: string; readonly labels: readonly string[] }>;

const BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/** Keeps the metrics of the section `observability` for Prometheus. Throws `INVALID_OPTION` where a name is taken. */
export function meshMetrics(options: MeshMetricsOptions = {}): MeshMetrics {
  const owner = 'meshMetrics';
  checkNames(owner, options, ['observability', 'signal', 'register', 'prefix']);
  const { register = globalRegister, prefix = 'mesh_', signal, observability } = options;
  checkValue(
    owner,
    'register',
    options.register,
    hasMethods('getSingleMetric', 'registerMetric'),
    'a Registry',
  );
  checkValue(owner, 'signal', signal, hasMethods('status'), 'a SignalProvider');
  const isPrefix = (text: string) => /^([a-zA-Z_:][\w:]*)?$/.test(text);
  checkValue(owner, 'prefix', options.prefix, isPrefix, 'letters, digits, _ and :');
  const isOn = (name: MetricName) => observability?.[name] ?? true;
  const common = (name: MetricName) => {
    if (register.getSingleMetric(prefix + name))
      throw invalidOption('register', `${owner}: the registry has a metric ${prefix}${name} already.`);
    const { help, labels } = MESH_METRICS[name];
    return { name: prefix + name, help, labelNames: [...labels], registers: [register as Registry] };
  };
  const latency = isOn('handshake_latency_ms')
    ? new Histogram({ ...common('handshake_latency_ms'), buckets: BUCKETS })
    : undefined;
  const quantum = isOn('quantum_migration_status')
    ? new Gauge(common('quantum_migration_status'))
    : undefined;
  for (const protection of ['hybrid', 'classical']) quantum?.set({ protection }, 0);
  if (signal) gauge('ratchet_state_age_seconds', ({ sessions }) => oldest(sessions) / 1_000);
  if (signal)
    gauge(
      'prekey_utilization_percent',
      ({ prekeyUtilizationPercent = Number.NaN }) => prekeyUtilizationPercent,
    );
  const protections = new Map<string, string>();
  return {
    noise(event) {
      if (event.type === 'handshake') observe('noise', event.outcome, event.durationMs);
    },
    router(event) {
      // Noise providers tell of their handshakes by themselves.
      if (event.type === 'established') {
        if (event.kind !== 'noise') observe(event.kind, 'ok', event.durationMs);
        move(event.channel, event.postQuantum);
      } else if (event.type === 'upgraded') {
        if (event.to !== 'noise') observe(event.to, 'ok', event.durationMs);
        move(event.channel, event.postQuantum);
      } else if (event.type === 'upgrade-failed') {
        if (event.to !== 'noise') observe(event.to, 'failed', event.durationMs);
      } else if (event.type === 'fallback' || event.type === 'refused') {
        const { from, failure, attempted, durationMs } = event;
        const isTold = from === 'noise' && attempted;
        if (durationMs !== undefined && failure !== 'unsupported' && !isTold)
          observe(from, 'failed', durationMs);
      } else if (event.type === 'accepted') {
        if (event.carries) move(event.channel, event.postQuantum);
      } else if (event.type === 'closed') move(event.channel, undefined);
    },
  };

  function gauge(name: MetricName, read: (figures: SignalFigures) => number): void {
    if (!isOn(name)) return;
    new Gauge({
      ...common(name),
      async collect() {
        // A store that does not answer must not take the other metrics with it.
        this.set(await Promise.resolve(signal!.status()).then(read, () => Number.NaN));
      },
    });
  }

  function observe(kind: ChannelKind, outcome: 'ok' | 'failed', durationMs: number): void {
    latency?.observe({ kind, outcome }, durationMs);
  }

  function move(channel: string, postQuantum: boolean | undefined): void {
    const from = protections.get(channel);
    if (from !== undefined) quantum?.dec({ protection: from });
    protections.delete(channel);
    if (postQuantum === undefined) return;
    const to = postQuantum ? 'hybrid' : 'classical';
    protections.set(channel, to);
    quantum?.inc({ protection: to });
  }
}

const oldest = (sessions: SignalFigures['sessions']): number =>
  Math.max(0, ...sessions.map(({ ratchetAgeMs }) => ratchetAgeMs));
