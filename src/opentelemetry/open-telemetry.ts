import type { AuthenticationSpan, Tracer } from '../types/ports.js';
import { ApiTracer } from './api-tracer.js';
import type { OpenTelemetryApi } from './api-types.js';
import { loadApi } from './load-api.js';
import { checkOpenTelemetryOptions, type OpenTelemetryOptions } from './options.js';

export type { OpenTelemetryOptions };

/** A {@link Tracer} that knows when it is at work. */
export interface OpenTelemetryTracer extends Tracer {
  /**
   * Whether there will be spans: `false` where `@opentelemetry/api` is not installed. Rejects if it is installed and
   * broken; otherwise one `fault` event of the adapter says so.
   */
  readonly ready: Promise<boolean>;
}

/** The span of those who do not trace. */
const NO_SPAN: AuthenticationSpan = { end() {} };

/**
 * The option `tracer` of an adapter: a span `xlink.authenticate` around each authentication, made by whatever SDK the
 * process has registered with `@opentelemetry/api`. Does nothing where that package is not installed, and next to nothing
 * where no SDK is. Throws `INVALID_OPTION`.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): OpenTelemetryTracer {
  checkOpenTelemetryOptions(options);
  let tracer: Tracer | undefined;
  let untold: { readonly error: unknown } | undefined;
  const use = (api: OpenTelemetryApi | undefined): boolean => {
    if (api) tracer = new ApiTracer(api, options);
    return api !== undefined;
  };
  const ready = options.api ? Promise.resolve(use(options.api)) : loadApi().then(use);
  ready.catch((error: unknown) => {
    untold = { error };
  });
  return {
    ready,
    trace(request, run) {
      if (untold) {
        const { error } = untold;
        untold = undefined;
        throw error; // the adapter goes on without a span
      }
      return tracer ? tracer.trace(request, run) : run(NO_SPAN);
    },
  };
}
