import { xlinkError } from '../errors/errors.js';
import { ERROR_TABLE, type ErrorId } from '../errors/table.js';

/** What an error means to the operator of the API. */
export interface Explanation {
  /** The id of the error. */
  readonly reason: ErrorId;
  /** HTTP status it was refused with. */
  readonly status: number;
  /** The error's message. */
  readonly message: string;
  /** What the operator can do about it. */
  readonly hint: string;
  /** Address of the documentation. */
  readonly docs: string;
}

/** Hints of the error table are for callers; these say the same to the operator, who may have to write to one. */
const FOR_OPERATORS: Readonly<Partial<Record<ErrorId, string>>> = {
  API_KEY_BROWNOUT: 'Intended: a brownout refused this key. Write to the client if it goes on using it.',
  API_KEY_INVALID: 'Ask the client which key it sends: an old one, or one of another environment.',
  API_KEY_LATCHED:
    'The client has xLink and fell back to its key. Ask it to remove the key from its configuration.',
  API_KEY_SWITCHED_OFF:
    'The client switched its own key off and part of its software still sends it. Tell the client.',
  API_KEY_IN_URL: 'Ask the client to send the key in a header.',
  CLIENT_REVOKED: 'Intended: this client is revoked. restoreClient() takes it back.',
  CREDENTIALS_MISSING:
    'Health checks and scanners often send no credentials. If it is a client, its key or xlinkFetch is missing.',
  'ENROLLMENT_REFUSED:TAKEN': 'Two clients share one identity file. Each needs its own.',
  'ENROLLMENT_REFUSED:TOO_MANY':
    'The client makes a new identity at every start. Ask it to keep the file, or raise maxDidsPerClient.',
  ENROLLMENT_EXPIRED: 'The client must enroll again while its key still works.',
  'NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA':
    'The client sends more than its share. Raise maxNoncesPerClient if that is fine.',
  REPLAY_DETECTED:
    'The client, or a proxy in front, sends the same request twice. Ask which retry is on; xlinkFetch makes a new envelope for each.',
  REQUEST_BINDING_MISMATCH:
    'A proxy rewrites the path between the client and the API. Set the option requestTarget.',
  SCOPE_DENIED:
    'The client lacks the scope of this route. Grant it with updateScopes() if it should have it.',
  TIMESTAMP_EXPIRED:
    'The clock of the client is slow, or requests wait too long in a queue. Ask the client to set its clock by NTP.',
  'TIMESTAMP_EXPIRED:FUTURE':
    'The clock of the client is fast, or that of this server is slow. Check both by NTP.',
  'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY':
    'The identity was never enrolled, or this registry lost it. The client enrolls again with its key.',
  'VERIFICATION_FAILED:DID_REVOKED':
    'Intended if you revoked it; else the client enrolls a new identity with its key.',
  'VERIFICATION_FAILED:SIGNATURE_MISMATCH':
    'The request was changed on its way. Look for a proxy that rewrites bodies or headers.',
  XLINK_REQUIRED:
    'This client still sends its key, and keys are refused now. Write to it, or set its own mode back.',
};

/** An id that is not in the error table counts as `INTERNAL`. */
export const knownId = (id: string): ErrorId =>
  Object.hasOwn(ERROR_TABLE, id) ? (id as ErrorId) : 'INTERNAL';

export function explain(reason: ErrorId): Explanation {
  const { status, title: message, hint, docUrl: docs } = xlinkError(reason);
  return { reason, status, message, hint: FOR_OPERATORS[reason] ?? hint, docs };
}
