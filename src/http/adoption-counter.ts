import type { Outcome } from './decision.js';

/** How far a migration is, since the process started. */
export interface AdapterMetrics {
  /** Authenticated requests: `xlinkRequests + apiKeyRequests`. */
  readonly totalRequests: number;
  /** Accepted requests with an envelope or a signature. */
  readonly xlinkRequests: number;
  /** Those of them that were signed by RFC 9421, without an envelope; absent from the metrics of a client. */
  readonly signatureRequests?: number;
  /** Accepted requests with an API key. */
  readonly apiKeyRequests: number;
  /** Share of xLink among authenticated requests, 0 to 100, one decimal. 0 before the first request. */
  readonly xlinkPercentage: number;
  /** Requests that were refused. */
  readonly failedAuth: number;
  /** Mean time spent on authentication, in milliseconds, one decimal. */
  readonly avgLatencyMs: { readonly xlink: number; readonly apiKey: number };
}

const oneDecimal = (value: number): number => Math.round(value * 10) / 10;

/** Counts outcomes for `getMetrics()`. */
export class AdoptionCounter {
  readonly #xlink = { requests: 0, totalMs: 0 };
  readonly #apiKey = { requests: 0, totalMs: 0 };
  #failed = 0;

  count({ error, method, durationMs }: Outcome): void {
    if (error) {
      this.#failed += 1;
      return;
    }
    const counter = method === 'xlink' ? this.#xlink : this.#apiKey;
    counter.requests += 1;
    counter.totalMs += durationMs;
  }

  snapshot(): AdapterMetrics {
    const [xlink, apiKey] = [this.#xlink, this.#apiKey];
    const totalRequests = xlink.requests + apiKey.requests;
    const mean = ({ requests, totalMs }: typeof xlink) =>
      requests === 0 ? 0 : oneDecimal(totalMs / requests);
    return {
      totalRequests,
      xlinkRequests: xlink.requests,
      apiKeyRequests: apiKey.requests,
      xlinkPercentage: totalRequests === 0 ? 0 : oneDecimal((100 * xlink.requests) / totalRequests),
      failedAuth: this.#failed,
      avgLatencyMs: { xlink: mean(xlink), apiKey: mean(apiKey) },
    };
  }
}
