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
  'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY': 'The identity was never enrolled, or this registry lost it. The client enrolls again with its key.',
  'VERIFICATION_FAILED:DID_REVOKED': 'Intended if you revoked it; else the client enrolls a new identity with its key.',
  TIMESTAMP_EXPIRED: 'The clock of the client is slow, or requests wait too long in a queue. Ask the client to set its clock by NTP.',
  'TIMESTAMP_EXPIRED:FUTURE': 'The clock of the client is fast, or that of this server is slow. Check both by NTP.',
  SCOPE_DENIED: 'The client lacks the scope of this route. Grant it with updateScopes() if it should have it.',
  SCOPE_NOT_ALLOWED: 'See receiveScopes of the agent.',
  RECEIVER_SCOPE_DENIED: 'See receiveScopes of the entry of the service.',
  NONCE_STORE_UNAVAILABLE: 'Nothing is accepted while the nonce store is down; see `cause` and adapter.health().',
  'NONCE_STORE_UNAVAILABLE:FULL': 'Raise maxEntries of the nonce store, or give it more memory.',
  'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA': 'Raise maxEntriesPerSender of the nonce store, if the caller is to send so much.',
  'NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA': 'The client sends more than its share. Raise maxNoncesPerClient if that is fine.',
  'NONCE_STORE_UNAVAILABLE:COLD_START': 'Callers seal again by themselves; if it stays so, compare the clocks.',
  XLINK_REQUIRED: 'This client still sends its key, and keys are refused now. Write to it, or set its own mode back.',
  XLINK_NOT_SUPPORTED: 'The mode that counts here is observe: setMode() changes it.',
  REQUEST_BINDING_MISMATCH: 'A proxy rewrites the path between the client and the API. Set the option requestTarget.',
  API_KEY_BROWNOUT: 'Intended: a brownout refused this key. Write to the client if it goes on using it.',
  API_KEY_SWITCHED_OFF: 'The client switched its own key off and part of its software still sends it. Tell the client.',
  API_KEY_LATCHED: 'The client has xLink and fell back to its key. Ask it to remove the key from its configuration.',
  ENROLLMENT_EXPIRED: 'The client enrolls again with its key, or, where keys are over, with an invitation (adapter.invite()).',
  'ENROLLMENT_REFUSED:RATE_LIMITED': 'Many instances without a kept identity enroll at once; see enrollmentsPerMinute.',
  'ENROLLMENT_REFUSED:TOO_MANY': 'The client makes a new identity at every start. Ask it to keep the file, or raise maxDidsPerClient.',
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
  CLIENT_REVOKED: 'Intended: this client is revoked. restoreClient() takes it back.',
  CLIENT_STORE_UNAVAILABLE: 'See `cause` of the fault event, and adapter.health().',
  OPERATIONS_STORE_UNAVAILABLE: 'See `cause` of the fault event, and adapter.health().',
  ANSWER_NOT_SEALED: 'The registry needs a key record of the caller; trailers, and headers of more than 64 KiB, cannot be sealed. See `cause`.',
  API_KEY_INVALID: 'Ask the client which key it sends: an old one, or one of another environment.',
  API_KEY_IN_URL: 'Ask the client to send the key in a header.',
  CREDENTIALS_MISSING: 'Health checks and scanners often send no credentials. If it is a client, its key or xlinkFetch is missing.',
  'ENROLLMENT_REFUSED:TAKEN': 'Two clients share one identity file. Each needs its own.',
  REPLAY_DETECTED: 'The client, or a proxy in front, sends the same request twice. Ask which retry is on; xlinkFetch makes a new envelope for each.',
  'VERIFICATION_FAILED:SIGNATURE_MISMATCH': 'The request was changed on its way. Look for a proxy that rewrites bodies or headers.',
  'ANSWER_INVALID:NOT_SEALED': 'See `cause` in the log of the caller: mostly the API refused before it could seal. For open paths set publicPaths.',
};

/** What operators are told about an error where that is something else than what its caller is told; `undefined`: the same. */
export const hintForOperators = (id: string): string | undefined =>
  Object.hasOwn(HINTS, id) ? HINTS[id as ErrorId] : undefined;
