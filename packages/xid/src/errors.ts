import { TableError, type TableErrorDetails, type TableRow, tableRow } from '@private.me/xlink/errors';

/** The areas that an error of this package can come from. */
export type XidErrorCategory = 'identity' | 'shares' | 'certificate' | 'token' | 'succession' | 'service';

/** One error of the table. */
export type XidErrorRow = TableRow<XidErrorCategory>;

const row = tableRow<XidErrorCategory>;

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
// biome-ignore format: a table reads best with one row per line
export const XID_ERROR_TABLE = {
  INVALID_OPTION: row(500, 'service', 'An option is wrong.', 'See `field`.'),

  VERIFIER_INVALID: row(400, 'identity', 'The verifier has no name that can be used.', 'Give its origin, such as https://api.example.com, its DID, or a display name of 1 to 256 characters.'),
  EPOCH_INVALID: row(400, 'identity', 'The epoch is no whole number from 0 on.', 'Use `epoch` of the identity, or one more.'),
  IDENTITY_CLOSED: row(409, 'identity', 'The identity was closed.', 'Open it again from its shares.'),
  DERIVATION_FAILED: row(500, 'identity', 'The worker that puts the master seed together ended without an answer.', 'See `cause`.'),

  SHARES_TOO_FEW: row(500, 'shares', 'Fewer shares of the master seed are there than it takes.', 'Restore one from a backup: a new seed is a new person to every service.'),
  SHARES_MIXED: row(500, 'shares', 'The shares do not belong together.', 'Restore the shares of one and the same seed; one of another seed may stand in its place.'),
  SHARES_TAMPERED: row(500, 'shares', 'Shares of the master seed were changed.', 'Restore them from a backup. With all of three shares it can be told which one is wrong.'),
  SHARE_INVALID: row(500, 'shares', 'What a backend holds is no share.', 'Check where it points to.'),
  SHARE_EXPOSED: row(500, 'shares', 'Other users may read the file of a share.', 'chmod 600 it; if it was read together with another one, make a new identity.'),
  SHARE_UNAVAILABLE: row(503, 'shares', 'A share cannot be read or written.', 'See `cause`.'),

  CERTIFICATE_INVALID: row(400, 'certificate', 'The certificate is not in form.', 'Ask the registrar for a new one.'),
  'CERTIFICATE_INVALID:SIGNATURE': row(403, 'certificate', 'The certificate is not signed by its registrar.', 'Ask the registrar for a new one.'),
  'CERTIFICATE_INVALID:REGISTRAR': row(403, 'certificate', 'The certificate is from a registrar that does not count here.', 'Ask one that the service names.'),
  'CERTIFICATE_INVALID:OTHER_DID': row(403, 'certificate', 'The certificate is for another identity.', 'Each identity shows its own.'),
  'CERTIFICATE_INVALID:AUDIENCE': row(403, 'certificate', 'The certificate is for another service.', 'Ask for one for this service.'),
  'CERTIFICATE_INVALID:CLASS': row(403, 'certificate', 'The certificate is of a class that does not count here.', 'Ask for one of a class that the service names.'),
  'CERTIFICATE_INVALID:SCOPES': row(403, 'certificate', 'The certificate grants more than its registrar may grant here.', 'Ask for fewer scopes.'),
  CERTIFICATE_EXPIRED: row(403, 'certificate', 'The time of the certificate is over, or its epoch is.', 'Ask for one for the identity of this epoch.'),
  CERTIFICATE_NOT_YET: row(403, 'certificate', 'The epoch of the certificate has not begun.', 'Set the clocks; five minutes are tolerated.'),
  CERTIFICATE_REVOKED: row(403, 'certificate', 'The certificate was revoked.', 'Ask the registrar.'),
  REVOCATION_INVALID: row(403, 'certificate', 'The revocation is not in form, or not signed by the registrar of the certificate.', 'Nothing was revoked.'),

  TOKEN_INVALID: row(400, 'token', 'The token is not in form.', 'Get a new one.'),
  'TOKEN_INVALID:SIGNATURE': row(403, 'token', 'The token is not signed by the key of its issuer.', 'Get a new one.'),
  'TOKEN_INVALID:ISSUER': row(403, 'token', 'The token is from an issuer, or by a key, that does not count here.', 'Get one from an issuer that the service names.'),
  'TOKEN_INVALID:CLASS': row(403, 'token', 'The token is of another class.', 'Get one of a class that the service names.'),
  'TOKEN_INVALID:EPOCH': row(403, 'token', 'The token is of an epoch that is over, or has not begun.', 'Get one of this epoch; five minutes are tolerated.'),
  'TOKEN_INVALID:OTHER_DID': row(403, 'token', 'The token is for another identity or another service.', 'Each identity gets its own.'),
  'TOKEN_INVALID:SCOPES': row(403, 'token', 'The key of the token grants more than its issuer may grant here.', 'Tell the registrar.'),
  TOKEN_SPENT: row(403, 'token', 'The token was used.', 'Each is good once. Get a new one.'),
  BLIND_INPUT_INVALID: row(400, 'token', 'What is to be signed blindly has the wrong length, or is out of the range of the key.', 'Blind it once more, for this key.'),
  BLIND_SIGNATURE_INVALID: row(502, 'token', 'What the issuer sent back is no signature of what was asked for.', 'Ask once more; if it stays so, the issuer is at fault.'),
  ISSUER_KEY_INVALID: row(502, 'token', 'The key of the issuer is not in form, or not signed by the registrar.', 'Get it from the registrar once more.'),
  ISSUER_KEY_UNUSABLE: row(500, 'token', 'What the registrar keeps as the key of its tokens is no whole RSA key, or other users may read it.', 'chmod 600 it, or remove it: then holders refuse the new key until the next epoch.'),
  ISSUER_KEY_CHANGED: row(403, 'token', 'The registrar shows another key for this class and epoch than before.', 'Use none of them: a key of your own would tell you from others.'),
  ISSUANCE_REFUSED: row(429, 'token', 'The holder had as many tokens of this class and epoch as it may.', 'Wait for the next epoch.'),
  CLASS_UNKNOWN: row(400, 'token', 'The registrar has no such class.', 'Use one of those that it was made with.'),

  SUCCESSION_INVALID: row(400, 'succession', 'The statement is not in form.', 'Make a new one with carryOver().'),
  'SUCCESSION_INVALID:SIGNATURE': row(403, 'succession', 'The statement is not signed by both identities.', 'Make a new one with carryOver().'),
  'SUCCESSION_INVALID:FOREIGN': row(403, 'succession', 'The statement is about identities that are not those of the caller here.', 'The newer identity sends it to the service that it is for.'),
  'SUCCESSION_INVALID:ORDER': row(403, 'succession', 'The statement leads to an epoch that does not follow.', 'An account is carried on to a later epoch.'),
  'SUCCESSION_INVALID:EXPIRED': row(403, 'succession', 'The statement was made too long ago, or in the future.', 'Make a new one; it is good for an hour.'),
  'SUCCESSION_INVALID:REPLAYED': row(409, 'succession', 'The statement was used.', 'Each is good once.'),
  SUCCESSION_CONFLICT: row(409, 'succession', 'The account was carried on to another identity.', 'It has one successor.'),

  CLASS_FULL: row(429, 'service', 'The class has as many identities at the service as it may.', 'Wait for those of the last epoch to end.'),
  IDENTITY_KNOWN: row(409, 'service', 'The identity is known to the service as something else than a pseudonym.', 'Show an identity of an epoch.'),
  STORE_UNAVAILABLE: row(503, 'service', 'What is known about identities of epochs could not be read or written.', 'Try again; see `cause`.'),
} as const satisfies Record<string, XidErrorRow>;

/** A key of {@link XID_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type XidErrorId = keyof typeof XID_ERROR_TABLE;

/** What an error says beyond its row. */
export type XidErrorOptions = TableErrorDetails;

/** An error of this package: `message` says what is wrong and what to do. It holds no seed, token or value from a request. */
export class XidError extends TableError<XidErrorId> {
  override readonly name = 'XidError';

  /** `id`: a key of {@link XID_ERROR_TABLE}. */
  constructor(id: XidErrorId, options?: XidErrorOptions) {
    super(id, XID_ERROR_TABLE[id], options);
  }
}

/** Whether a value is an error of this package, with this id if one is given. */
export const isXidError = (value: unknown, id?: XidErrorId): value is XidError =>
  value instanceof XidError && (id === undefined || value.id === id);
