import { TableError, type TableErrorDetails, type TableRow, tableRow } from '@private.me/xlink/errors';

/** The areas that an error of this package can come from. */
export type XfuseErrorCategory = 'bridge' | 'signals' | 'records' | 'attestations' | 'sessions';

/** One error of the table. */
export type XfuseErrorRow = TableRow<XfuseErrorCategory>;

const row = tableRow<XfuseErrorCategory>;

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
// biome-ignore format: a table reads best with one row per line
export const XFUSE_ERROR_TABLE = {
  INVALID_OPTION: row(500, 'bridge', 'An option is wrong.', 'See `field`.'),
  MODERN_FAILED: row(502, 'bridge', 'The modern side did not answer, and the request may have been carried out.', 'See `cause`. Send writes with an Idempotency-Key: then the legacy side answers in its place.'),
  'MODERN_FAILED:TIMEOUT': row(504, 'bridge', 'The modern side did not answer in time, and the request may have been carried out.', 'Raise modern.timeoutMs, or send writes with an Idempotency-Key.'),
  LEGACY_FAILED: row(502, 'bridge', 'The legacy side did not answer.', 'See `cause`.'),
  'LEGACY_FAILED:TIMEOUT': row(504, 'bridge', 'The legacy side did not answer in time.', 'Raise legacy.timeoutMs.'),
  OTHER_ORIGIN: row(400, 'bridge', 'The URL is not below the endpoint of the legacy side.', 'Pass a path, or a URL below the endpoint.'),
  BODY_TOO_LARGE: row(413, 'bridge', 'The answer is larger than the 16 MiB that send() reads.', 'Use bridge.fetch(), which streams.'),
  BRIDGE_CLOSED: row(503, 'bridge', 'The bridge is closed.', 'Make a new one.'),

  BIOMETRIC_TEMPLATE_REFUSED: row(400, 'signals', 'Biometric templates are not taken: two captures are never equal, and a template that leaks cannot be changed.', 'Let a device check the person: enroll userVerified({ prf, credentialId, assertion }) of a passkey that was used with user verification.'),
  SIGNAL_UNKNOWN_TYPE: row(400, 'signals', 'There is no such type of signal.', 'There are password, device, biometric, attestation, and totp as a gate.'),
  SIGNAL_INVALID: row(400, 'signals', 'The value of the signal is not in form.', 'See `field`.'),
  'SIGNAL_INVALID:USER_NOT_VERIFIED': row(403, 'signals', 'The device did not verify its user.', 'Ask the authenticator with userVerification: "required".'),
  SIGNAL_DUPLICATE: row(409, 'signals', 'The signal is enrolled already, or given twice.', 'Each signal must be another one: the same device cannot count twice.'),
  SIGNAL_NOT_ENROLLED: row(404, 'signals', 'No such signal is enrolled.', 'See fusion.signals().'),
  SIGNALS_INCOMPLETE: row(409, 'signals', 'Not all signals are enrolled yet.', 'Enroll as many as totalSignals says.'),
  SIGNALS_COMPLETE: row(409, 'signals', 'All signals are enrolled.', 'Use addSignal, removeSignal or replaceSignal, with enough of the present ones.'),
  SIGNALS_TOO_FEW: row(401, 'signals', 'Fewer signals than the threshold.', 'Give as many different signals as threshold says.'),
  SIGNALS_REFUSED: row(401, 'signals', 'At least one of the signals or the one-time code is wrong, or the code was used before.', 'Which one is not said, so that one cannot be guessed without the others.'),
  SIGNALS_GUESSABLE: row(400, 'signals', 'Some signals that would be enough can all be guessed offline by who holds the record.', 'Enroll fewer guessable signals than the threshold: devices and attestations, or a password with an OPRF server.'),
  ATTEMPTS_EXCEEDED: row(429, 'signals', 'Too many attempts for this account.', 'Wait for `retryAfterMs`.'),
  LIMITS_UNAVAILABLE: row(503, 'signals', 'Attempts cannot be counted, so none is made.', 'See `cause`.'),
  TOTP_REFUSED: row(401, 'signals', 'The one-time code is missing, or has not six digits.', 'Present { type: "totp", value } besides the signals. A wrong code is SIGNALS_REFUSED.'),
  OPRF_FAILED: row(503, 'signals', 'The OPRF server did not answer.', 'See `cause`.'),
  'OPRF_FAILED:PROOF': row(502, 'signals', 'The answer of the OPRF server is not by the key that was enrolled.', 'Ask the operator whether the key of the server changed; do not type the password again.'),
  OPRF_MISSING: row(500, 'signals', 'The password was enrolled with an OPRF server, and none is given.', 'Pass the option oprf.'),
  ARGON2_MISSING: row(500, 'signals', 'No implementation of argon2id works here.', 'Use Node 24, or install hash-wasm.'),

  RECORD_INVALID: row(500, 'records', 'The record is not in form.', 'Restore it from a backup.'),
  'RECORD_INVALID:OTHER_ACCOUNT': row(403, 'records', 'The record is of another account.', 'Check the store: records were swapped.'),
  'RECORD_INVALID:TAMPERED': row(403, 'records', 'The record was changed by somebody who does not hold its secret.', 'Restore it from a backup, and find out who can write to the store.'),
  'RECORD_INVALID:WEAK': row(403, 'records', 'The record asks for fewer signals, or for less or more stretching of the password, than is allowed here.', 'Restore it from a backup: such records are never written; or see threshold.'),
  RECORD_CHANGED: row(409, 'records', 'The record was changed meanwhile.', 'Load it, and try again.'),
  RECORD_UNAVAILABLE: row(503, 'records', 'The store of records does not answer.', 'See `cause`.'),
  SHARES_MIXED: row(403, 'records', 'The shares are of different enrollments.', 'Restore the record from one backup, not from several.'),
  SHARES_DAMAGED: row(403, 'records', 'A share was changed.', 'Restore the record from a backup.'),
  KEY_FILE_EXPOSED: row(500, 'records', 'Other users may read the key file.', 'chmod 600 it; if it was read, replace the signal.'),
  KEY_FILE_UNREADABLE: row(500, 'records', 'The key file cannot be read or written.', 'See `cause`.'),

  ATTESTATION_INVALID: row(400, 'attestations', 'The attestation is not in form, or its signature is not good.', 'Ask the attester for a new one.'),
  'ATTESTATION_INVALID:EXPIRED': row(403, 'attestations', 'The attestation has expired.', 'Ask for a new one; check the clocks.'),
  'ATTESTATION_INVALID:FUTURE': row(403, 'attestations', 'The attestation was issued in the future.', 'Set the clocks; 60 s are tolerated.'),
  'ATTESTATION_INVALID:FOREIGN': row(403, 'attestations', 'The attestation is of another issuer, or about another account or audience.', 'Ask the attester that was enrolled, for this account and audience.'),
  PROOFING_MISSING: row(403, 'attestations', 'An identity assurance level is asked for, and nobody proofed this identity.', 'Pass a statement of a trusted issuer with addProofing(), or leave `ial` out.'),
  'PROOFING_MISSING:LEVEL': row(403, 'attestations', 'The identity was proofed at a lower level than asked for.', 'Ask the issuer for a statement of that level.'),

  PROOFING_LOWER: row(409, 'attestations', 'The identity is proofed at a higher level than this statement says.', 'Keep the present statement while it is good.'),

  SESSION_INVALID: row(401, 'sessions', 'The certificate of the session is not in form, or its signature is not good.', 'Sign in again.'),
  'SESSION_INVALID:EXPIRED': row(401, 'sessions', 'The session has expired.', 'Sign in again.'),
  'SESSION_INVALID:FUTURE': row(401, 'sessions', 'The session begins in the future.', 'Set the clocks; 60 s are tolerated.'),
  'SESSION_INVALID:AUDIENCE': row(403, 'sessions', 'The session is for another audience.', 'Converge for this audience.'),
  'SESSION_INVALID:STRANGER': row(403, 'sessions', 'The fused DID is not one that is expected here.', 'Register the fused DID first.'),
  SESSION_ENDED: row(401, 'sessions', 'The session was ended.', 'Sign in again.'),
  ASSURANCE_TOO_LOW: row(403, 'sessions', 'The assurance level is lower than asked for.', 'Sign in with more factors.'),
  ASSERTION_REFUSED: row(401, 'sessions', 'The WebAuthn assertion is not good for this session.', 'Ask for a new one with the challenge of this certificate.'),
} as const satisfies Record<string, XfuseErrorRow>;

/** A key of {@link XFUSE_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type XfuseErrorId = keyof typeof XFUSE_ERROR_TABLE;

/** What an error says beyond its row. */
export interface XfuseErrorOptions extends TableErrorDetails {
  /** When to try again, in ms from now. Default: not said. */
  readonly retryAfterMs?: number;
}

/** An error of this package: `message` says what is wrong and what to do. It holds no key, password or value from a request. */
export class XfuseError extends TableError<XfuseErrorId> {
  override readonly name = 'XfuseError';
  /** When to try again, in ms from now, of `ATTEMPTS_EXCEEDED`. */
  readonly retryAfterMs: number | undefined;

  /** `id`: a key of {@link XFUSE_ERROR_TABLE}. */
  constructor(id: XfuseErrorId, options: XfuseErrorOptions = {}) {
    super(id, XFUSE_ERROR_TABLE[id], options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether a value is an {@link XfuseError}, also one of another copy of this package. */
export const isXfuseError = (value: unknown): value is XfuseError =>
  value instanceof Error &&
  value.name === 'XfuseError' &&
  Object.hasOwn(XFUSE_ERROR_TABLE, (value as XfuseError).id);
