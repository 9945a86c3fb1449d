export type { CauseFields, ErrorFields } from './logging/error-fields.js';
export { type Logger, type LogObserverOptions, logObserver } from './logging/log-observer.js';
export { type HeadersLike, redactHeaders } from './logging/redact-headers.js';
export { REDACT_PATHS } from './logging/redact-paths.js';
export { redactUrl } from './logging/redact-url.js';
export type { NameOptions } from './logging/secret-names.js';
export { type LoggedRequest, type LoggedResponse, SERIALIZERS } from './logging/serializers.js';
