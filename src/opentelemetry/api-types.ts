// The parts of `@opentelemetry/api` that are used, written out, so that types resolve where it is not installed.

/** Attributes of a span, by name. */
export type Attributes = Record<string, string | number | boolean>;

/** Its `Span`. */
export interface ApiSpan {
  spanContext(): { readonly traceId: string; readonly traceFlags: number };
  isRecording(): boolean;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { readonly code: number }): unknown;
  end(): void;
}

/** Its `Tracer`. */
export interface ApiSpans {
  startActiveSpan<T>(
    name: string,
    options: { readonly kind: number; readonly attributes: Attributes },
    run: (span: ApiSpan) => T,
  ): T;
}

/** The module `@opentelemetry/api`. */
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string, version: string): ApiSpans;
    getActiveSpan(): ApiSpan | undefined;
  };
}
