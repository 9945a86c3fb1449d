import type { Suite } from '../crypto/suites.js';
import { looksLikeDidKey } from '../identity/did.js';
import type { Envelope, Kind } from '../types/protocol.js';
import { base64urlLength } from '../util/base64url.js';

/** What one member of an envelope may hold. */
export interface Field {
  readonly type: 'string' | 'number';
  /** Exact number of bytes behind the base64url text; `any` for the payload; absent for text. */
  readonly bytes?: number | 'any';
  /** Whether a string or number is in range. Lengths of binary members follow from `bytes`. */
  readonly valid?: (value: never) => boolean;
  /** Whether an envelope of this suite and kind must have it, may have it, or must not. */
  readonly presence: (suite: Suite, kind: Kind) => 'required' | 'optional' | 'forbidden';
}

const always = () => 'required' as const;
const requiredIf = (condition: (suite: Suite, kind: Kind) => boolean) => (suite: Suite, kind: Kind) =>
  condition(suite, kind) ? 'required' : 'forbidden';
const optionalIf = (condition: (suite: Suite, kind: Kind) => boolean) => (suite: Suite, kind: Kind) =>
  condition(suite, kind) ? 'optional' : 'forbidden';

/** Requests and refusals are about one HTTP request, answers and messages may be. */
const requestPresence = (_: Suite, kind: Kind) =>
  kind === 'request' || kind === 'refusal' ? 'required' : kind === 'receipt' ? 'forbidden' : 'optional';
/** That of an answer travels beside it, in the first chunk. */
const payloadPresence = ({ sealed }: Suite, kind: Kind) =>
  kind === 'answer' ? 'forbidden' : sealed ? 'required' : 'optional';
/** What travels beside an envelope is covered by a signed-only one. */
const hasBeside = ({ sealed }: Suite, kind: Kind): boolean =>
  !sealed && (kind === 'request' || kind === 'message');
/** Answers, receipts and refusals are to something; a message may say which message it follows. */
const replyPresence = (_: Suite, kind: Kind) =>
  kind === 'message' ? 'optional' : kind === 'request' ? 'forbidden' : 'required';

const SCOPE = /^[A-Za-z0-9][A-Za-z0-9:._/-]{0,127}$/;
/** Names of headers (RFC 9110 tokens without capitals), at most 4096 characters. */
const HEADER_NAMES = /^(?=.{1,4096}$)[!#$%&'*+.^_`|~0-9a-z-]+( [!#$%&'*+.^_`|~0-9a-z-]+)*$/;
const REQUEST = /^[A-Z][A-Z-]{0,31} [\x21\x23-\x5b\x5d-\x7e]{1,8192}$/;
const CONTENT_TYPE = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

const isSignedRequest = ({ sealed }: Suite, kind: Kind): boolean => !sealed && kind === 'request';

export const isScope = (value: unknown): value is string => typeof value === 'string' && SCOPE.test(value);
export const isScopeOrAll = (value: unknown): value is string => value === '*' || isScope(value);
export const isHeaderNames = (value: string): boolean => HEADER_NAMES.test(value);
export const isRequest = (value: string): boolean => REQUEST.test(value);
export const isContentType = (value: string): boolean => CONTENT_TYPE.test(value);

/**
 * The members of an envelope in the order of the transcript: the parser, the serializer and the signature all read
 * this table. `version`, `suite` and `kind` are known before it is used, and `payload` and the signatures come last.
 */
export const FIELDS = {
  version: { type: 'number', presence: always },
  suite: { type: 'string', presence: always },
  kind: { type: 'string', presence: always },
  from: { type: 'string', valid: looksLikeDidKey, presence: always },
  to: { type: 'string', valid: looksLikeDidKey, presence: always },
  timestamp: { type: 'number', valid: (ms: number) => ms > 0, presence: always },
  nonce: { type: 'string', bytes: 16, presence: always },
  keyEpoch: { type: 'number', presence: requiredIf((suite) => suite.agreed) },
  scope: { type: 'string', valid: isScopeOrAll, presence: always },
  request: { type: 'string', valid: isRequest, presence: requestPresence },
  fields: { type: 'string', valid: isHeaderNames, presence: optionalIf(isSignedRequest) },
  fieldsDigest: { type: 'string', bytes: 32, presence: optionalIf(isSignedRequest) },
  contentDigest: { type: 'string', bytes: 32, presence: optionalIf(hasBeside) },
  contentType: { type: 'string', valid: isContentType, presence: optionalIf(hasBeside) },
  inReplyTo: { type: 'string', bytes: 16, presence: replyPresence },
  ephemeralPub: { type: 'string', bytes: 32, presence: requiredIf((suite) => suite.agreed) },
  kemCiphertext: { type: 'string', bytes: 1088, presence: requiredIf((suite) => suite.kem) },
  payload: { type: 'string', bytes: 'any', presence: payloadPresence },
  signature: { type: 'string', bytes: 64, presence: always },
  pqSignature: { type: 'string', bytes: 3309, presence: requiredIf((suite) => suite.pqSignature) },
} as const satisfies Record<keyof Envelope, Field>;

export type FieldName = keyof typeof FIELDS;

export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[];

/** Names of the members whose bytes are decoded on parsing. */
export type BinaryName = {
  [K in FieldName]: (typeof FIELDS)[K] extends { bytes: unknown } ? K : never;
}[FieldName];

/** Whether a string can be the base64url of that many bytes. */
export const fitsBytes = (text: string, bytes: number | 'any'): boolean =>
  bytes === 'any' ? text.length > 0 : text.length === base64urlLength(bytes);
