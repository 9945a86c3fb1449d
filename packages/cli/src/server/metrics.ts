import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Series of the server itself, beside those of the adapter. */
export interface ServerMetrics {
  readonly register: Registry;
  /** `route`: the id of the table, or `none`. */
  observe(route: string, status: number, seconds: number): void;
}

/** A registry of its own, with the series of the process. */
export function serverMetrics(): ServerMetrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const requests = new Counter({
    name: 'xlink_server_requests_total',
    help: 'Requests that were answered, by route and status.',
    labelNames: ['route', 'status'],
    registers: [register],
  });
  const duration = new Histogram({
    name: 'xlink_server_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30],
    registers: [register],
  });
  return {
    register,
    observe(route, status, seconds) {
      requests.inc({ route, status: String(status) });
      duration.observe({ route }, seconds);
    },
  };
}
