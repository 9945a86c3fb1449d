import * as logging from '@private.me/xlink/logging';
import * as metrics from '@private.me/xlink/metrics';
import * as opentelemetry from '@private.me/xlink/opentelemetry';

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** What is made of events: name, type of the options, one of them, and the call. */
export const observers: readonly (readonly [string, string, string, (more: never) => unknown])[] = [
  ['logObserver', 'LogObserverOptions', 'identities', (more) => logging.logObserver(logger, more)],
  ['redactHeaders', 'NameOptions', 'also', (more) => logging.redactHeaders({}, more)],
  ['redactUrl', 'NameOptions', 'keep', (more) => logging.redactUrl('/', more)],
  ['prometheusMetrics', 'PrometheusOptions', 'prefix', (more) => metrics.prometheusMetrics(more)],
  ['openTelemetry', 'OpenTelemetryOptions', 'identities', (more) => opentelemetry.openTelemetry(more)],
];
