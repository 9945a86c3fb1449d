import type { AuthenticationSpan, Tracer } from '../types/ports.js';
import type { ApiSpan, ApiSpans, OpenTelemetryApi } from './api-types.js';
import {
  type AuthAttempt,
  identityAttributes,
  refusalAttributes,
  startAttributes,
  verdictAttributes,
} from './attributes.js';
import type { OpenTelemetryOptions } from './options.js';
import { SCOPE } from './scope.js';

/** `SpanKind.INTERNAL`, `SpanStatusCode.ERROR` and `TraceFlags.SAMPLED`: the API may be absent. */
const INTERNAL = 0;
const ERROR = 2;
const SAMPLED = 1;

/** Makes the spans, with an API that is there. */
export class ApiTracer implements Tracer {
  readonly #api: OpenTelemetryApi;
  readonly #options: OpenTelemetryOptions;
  /** Follows whichever SDK is registered, now or later. */
  readonly #spans: ApiSpans;

  constructor(api: OpenTelemetryApi, options: OpenTelemetryOptions) {
    this.#api = api;
    this.#options = options;
    this.#spans = api.trace.getTracer(SCOPE.name, SCOPE.version);
  }

  trace<T>(
    { method }: { readonly method: string },
    run: (span: AuthenticationSpan) => Promise<T>,
  ): Promise<T> {
    const parent = this.#options.annotateParent ? this.#api.trace.getActiveSpan() : undefined;
    const start = { kind: INTERNAL, attributes: startAttributes(method) };
    // Active while `run` lasts, so that what a registry or store does is traced beneath it.
    return this.#spans.startActiveSpan('xlink.authenticate', start, (span) =>
      run({ ...traceOf(span), end: (attempt) => this.#end(span, parent, attempt) }),
    );
  }

  #end(span: ApiSpan, parent: ApiSpan | undefined, attempt: AuthAttempt): void {
    const verdict = verdictAttributes(attempt);
    if (span.isRecording()) {
      span.setAttributes({ ...verdict, ...refusalAttributes(attempt) });
      if (this.#options.identities) span.setAttributes(identityAttributes(attempt));
      // As with HTTP servers: what the caller did wrong is no error of this side.
      if (attempt.outcome === 'refused' && (attempt.status ?? 0) >= 500) span.setStatus({ code: ERROR });
    }
    span.end();
    parent?.setAttributes(verdict);
  }
}

/** A trace that is not sampled cannot be looked up, so its id would lead nowhere. */
function traceOf(span: ApiSpan): Pick<AuthenticationSpan, 'traceId'> {
  const { traceId, traceFlags } = span.spanContext();
  return (traceFlags & SAMPLED) === 0 ? {} : { traceId };
}
