export type { CauseFields, ErrorFields } from './error-fields.js';
export { type Logger, type LogObserverOptions, logObserver } from './log-observer.js';
export { type HeadersLike, redactHeaders } from './redact-headers.js';
export { REDACT_PATHS } from './redact-paths.js';
export { redactUrl } from './redact-url.js';
export type { NameOptions } from './secret-names.js';
export { type LoggedRequest, type LoggedResponse, SERIALIZERS } from './serializers.js';
