export type { ApiSpan, ApiSpans, Attributes, OpenTelemetryApi } from './api-types.js';
export { type OpenTelemetryOptions, type OpenTelemetryTracer, openTelemetry } from './open-telemetry.js';
