import type { ErrorId } from './table.js';

/**
 * What whoever runs the service can do about a refusal, where that is something else than what its caller can. Hints of the table are
 * for the one who meets the error: a caller cannot set an option of the service.
 */
// biome-ignore format: a table reads best with one row per line
const HINTS: Partial<Record<ErrorId, string>> = {
  ENVELOPE_TOO_LARGE: 'Raise maxEnvelopeBytes, or bodyLimits for the route.',
  CLEARTEXT_NOT_ALLOWED: 'Bodies are taken sealed, unless allowCleartext is set.',
  VERSION_TOO_LOW: 'See minVersion of the agent; the key record of the sender may lack post-quantum keys.',
  LOOKUP_FAILED: 'Nothing is accepted while the registry is down; see `cause` and adapter.health().',
  KEY_EPOCH_UNKNOWN: 'If it stays so, the caller reads an old copy of the key record, or the key store was set back.',
  'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY': 'It never enrolled, or the registry lost it: see whether clientRecords() knows the DID.',
  'VERIFICATION_FAILED:DID_REVOKED': 'See revocationReason of its entry; restoreClient() brings clients back.',
  TIMESTAMP_EXPIRED: 'If many callers have it, the clock of the service is off (NTP).',
  'TIMESTAMP_EXPIRED:FUTURE': 'If many callers have it, the clock of the service is off (NTP).',
  SCOPE_DENIED: 'Grant the scope with updateScopes(), if the caller is to have it.',
  SCOPE_NOT_ALLOWED: 'See receiveScopes of the agent.',
  RECEIVER_SCOPE_DENIED: 'See receiveScopes of the entry of the service.',
  NONCE_STORE_UNAVAILABLE: 'Nothing is accepted while the nonce store is down; see `cause` and adapter.health().',
  'NONCE_STORE_UNAVAILABLE:FULL': 'Raise maxEntries of the nonce store, or give it more memory.',
  'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA': 'Raise maxEntriesPerSender of the nonce store, if the caller is to send so much.',
  'NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA': 'Raise maxNoncesPerClient, if the client is to send so much.',
  'NONCE_STORE_UNAVAILABLE:COLD_START': 'Callers seal again by themselves; if it stays so, compare the clocks.',
  XLINK_REQUIRED: 'The client still sends its key: adapter.outreach() has a letter for it.',
  XLINK_NOT_SUPPORTED: 'The mode that counts here is observe: setMode() changes it.',
  REQUEST_BINDING_MISMATCH: 'A proxy may rewrite the path: set requestTarget.',
  API_KEY_BROWNOUT: 'As planned: the option brownouts, or scheduleBrownout().',
  API_KEY_SWITCHED_OFF: 'The client did that itself; it can take it back for keySwitchGraceMs.',
  API_KEY_LATCHED: 'The option onDowngrade is refuse: a second program of the client may still use the key.',
  ENROLLMENT_EXPIRED: 'See enrollmentValidMs; adapter.invite() lets the client in again where keys are over.',
  'ENROLLMENT_REFUSED:RATE_LIMITED': 'Many instances without a kept identity enroll at once; see enrollmentsPerMinute.',
  'ENROLLMENT_REFUSED:TOO_MANY': 'Raise maxDidsPerClient, or unlink() DIDs that are not used.',
  'ENROLLMENT_REFUSED:NO_CLIENT': 'Let legacyKeyValidator return clientId, or set the option clientId.',
  'INVITATION_REFUSED:UNKNOWN': 'If you made it, the instances do not share the store in the option operations.',
  'INVITATION_REFUSED:USED': 'adapter.invitations() says which DID used it; unlink() ends that one.',
  'INVITATION_REFUSED:EXPIRED': 'Make another one with adapter.invite().',
  SIGNATURE_NOT_ALLOWED: 'Set the option signatures to take them.',
  SIGNATURE_PQ_REQUIRED: 'See minVersion of the agent.',
  DISCOVERY_BUSY: 'Set the option hosts.',
  'DISCOVERY_FAILED:OTHER_HOST': 'Set the option hosts to all names under which callers reach the API.',
  FIELDS_MISMATCH: 'A proxy may change headers on the way.',
  FIELD_NOT_ALLOWED: 'See proxyHeaders.',
  BODY_TOO_LARGE: 'Raise bodyLimits for the route, or maxBodyBytes (default 1 MiB).',
  INTAKE_FULL: 'See maxUnauthenticatedBytes.',
  'INTAKE_FULL:ADDRESS': 'See maxUnauthenticatedBytes; behind a proxy all callers share one part without addressOf.',
  BODY_CONSUMED: 'Put adapter.middleware() in front of the body parsers, or let them leave a Buffer (express.raw).',
  KEY_VALIDATOR_FAILED: 'legacyKeyValidator threw: see `cause` of the fault event.',
  'KEY_VALIDATOR_FAILED:TIMEOUT': 'See validatorTimeoutMs.',
  'KEY_VALIDATOR_FAILED:INVALID_RESULT': 'legacyKeyValidator resolves to an object that says who the caller is, or to null for a bad key.',
  CLIENT_LIMIT_EXCEEDED: 'See clientLimits, if the client is to send more.',
  CLIENT_REVOKED: 'restoreClient() takes a revocation back.',
  CLIENT_STORE_UNAVAILABLE: 'See `cause` of the fault event, and adapter.health().',
  OPERATIONS_STORE_UNAVAILABLE: 'See `cause` of the fault event, and adapter.health().',
  ANSWER_NOT_SEALED: 'The registry needs a key record of the caller; trailers, and headers of more than 64 KiB, cannot be sealed. See `cause`.',
  'ANSWER_INVALID:NOT_SEALED': 'For open paths set publicPaths.',
};

/** What operators are told about an error where that is something else than what its caller is told; `undefined`: the same. */
export const hintForOperators = (id: string): string | undefined =>
  Object.hasOwn(HINTS, id) ? HINTS[id as ErrorId] : undefined;
