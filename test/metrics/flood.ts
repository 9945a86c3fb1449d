import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type ClientStore,
  type Did,
  type DualModeAdapter,
  encodeDidKey,
  type InboundRequest,
} from '@private.me/xlink';
import { seriesBound } from '../../src/metrics/series-bound.js';
import { METRICS, type PrometheusOptions } from '../../src/metrics.js';

type AnyRegistry = NonNullable<PrometheusOptions['register']>;
export type MetricKey = keyof typeof METRICS;

/** What a caller sends, without a server in between. */
export interface Inbound {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Throws in place of a body. */
  readonly body?: string | Error;
}

export const inbound = ({
  method = 'GET',
  target = '/orders',
  headers = {},
  body,
}: Inbound): InboundRequest => ({
  method,
  target,
  hasBody: body !== undefined,
  raw: {},
  header: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
  async readBody() {
    if (body instanceof Error) throw body;
    return Buffer.from(body ?? '');
  },
});

/** Takes one request through an adapter, as the middleware does. Returns `ok` or the id of the refusal. */
export async function pass(adapter: DualModeAdapter, sent: Inbound, route?: string): Promise<string> {
  const decision = await adapter.decide(inbound(sent));
  adapter.recordOutcome(decision, route, decision.action === 'answer' ? decision.status : 200);
  return decision.outcome?.error?.id ?? 'ok';
}

/** A text that nobody else has. */
export const unlike = (what: string, i: number): string =>
  createHash('sha256').update(`${what} ${i}`).digest('base64url');

/** A DID in the right form; whether there is a key behind it is left to chance. */
export const strangeDid = (i: number): Did =>
  encodeDidKey(new Uint8Array(createHash('sha256').update(`did ${i}`).digest()));

/** A store that remembers nobody, so that whatever grows is not the store. */
export const forgetful: ClientStore = {
  get: () => undefined,
  list: () => [],
  clientOf: () => undefined,
  standingOf: () => undefined,
  unlink: () => undefined,
  setRevoked() {},
  link: (_did, client) => client,
  add() {},
  setKeyOff() {},
};

/** How many samples each metric has. */
export async function samplesOf(register: AnyRegistry, prefix = ''): Promise<Record<MetricKey, number>> {
  const counts = Object.entries(METRICS).map(async ([key, { name }]) => {
    const metric = register.getSingleMetric(prefix + name);
    return [key, metric ? (await metric.get()).values.length : 0] as const;
  });
  return Object.fromEntries(await Promise.all(counts)) as Record<MetricKey, number>;
}

export const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Where there are more samples than the bound allows; empty if all is well. */
export const beyondBound = (
  samples: Record<MetricKey, number>,
  caps: Parameters<typeof seriesBound>[0],
): string[] => {
  const bound = seriesBound(caps);
  return (Object.keys(bound) as MetricKey[])
    .filter((key) => samples[key] > bound[key])
    .map((key) => `${METRICS[key].name}: ${samples[key]} samples, at most ${bound[key]}`);
};

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of the heap that are in use after a thorough collection. */
export async function heapInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}
