export type { ApiSpan, ApiSpans, Attributes, OpenTelemetryApi } from './opentelemetry/api-types.js';
export {
  type OpenTelemetryOptions,
  type OpenTelemetryTracer,
  openTelemetry,
} from './opentelemetry/open-telemetry.js';
