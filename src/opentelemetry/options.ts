import { checkOptions, isBoolean, type OptionCheck } from '../util/options.js';
import type { OpenTelemetryApi } from './api-types.js';

/** Options of the OpenTelemetry tracer. */
export interface OpenTelemetryOptions {
  /**
   * The module `@opentelemetry/api`, where it is at hand: there are spans from the first request on. Default: it is
   * imported, which takes some milliseconds, and without it nothing is traced.
   */
  readonly api?: OpenTelemetryApi;
  /** Adds the client as `user.id` and the DID as `xlink.did`. Default `false`: traces go where logs do not. */
  readonly identities?: boolean;
  /** Adds `xlink.mode`, `xlink.auth.…` and `xlink.envelope.…` to the span of the HTTP server too. Default `false`. */
  readonly annotateParent?: boolean;
}

const isApi: OptionCheck = (value) => {
  const trace = Object(Reflect.get(Object(value), 'trace'));
  return typeof trace.getTracer === 'function' ? undefined : 'the module @opentelemetry/api';
};

/** Throws `INVALID_OPTION`. */
export function checkOpenTelemetryOptions(options: OpenTelemetryOptions): void {
  checkOptions('openTelemetry', options, { api: isApi, identities: isBoolean, annotateParent: isBoolean });
}
