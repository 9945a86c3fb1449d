/** The five categories of errors of a login, and `Use` for what is wrong with the way the package is called. */
export type XlockErrorCategory =
  | 'Challenge Management'
  | 'Response Validation'
  | 'Passkey Operations'
  | 'Recovery'
  | 'Platform Integration'
  | 'Use';

/** One error of the table. */
export interface XlockErrorRow {
  /** HTTP status with which a server answers. */
  readonly status: number;
  /** Area that the error comes from. */
  readonly category: XlockErrorCategory;
  /** What is wrong, the same every time: it holds no value from outside. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly resolution: string;
}

const row = (
  status: number,
  category: XlockErrorCategory,
  message: string,
  resolution: string,
): XlockErrorRow => ({ status, category, message, resolution });

const [CHALLENGE, RESPONSE, PASSKEY, RECOVERY, PLATFORM] = [
  'Challenge Management',
  'Response Validation',
  'Passkey Operations',
  'Recovery',
  'Platform Integration',
] as const;

/** Every error of the package. Keys are `CODE` or `CODE:SUB_CODE`; a code that was published keeps its meaning. */
// biome-ignore format: a table reads best with one row per line
export const XLOCK_ERROR_TABLE = {
  CHALLENGE_EXPIRED: row(410, CHALLENGE, 'The challenge is over: it is good for five minutes unless set otherwise.', 'Ask for a new one with requestXlockAuth().'),
  CHALLENGE_INVALID: row(400, CHALLENGE, 'The challenge is not in form, or is not signed by the service that this passkey is for.', 'Begin the login anew at the service itself.'),
  'CHALLENGE_INVALID:UNKNOWN': row(404, CHALLENGE, 'This service made no such challenge, or it was for another browser.', 'Begin the login anew, in the browser that is to be logged in.'),
  'CHALLENGE_INVALID:ORIGIN': row(403, CHALLENGE, 'The challenge is of another origin than the passkey, or than the page that is open.', 'Close the page: it may be a copy. Open the service by its own address.'),
  'CHALLENGE_INVALID:CLOCK': row(400, CHALLENGE, 'The challenge is signed by a service, and made later than now.', 'Set the clock of this device, and open the login again.'),
  CHALLENGE_ALREADY_USED: row(409, CHALLENGE, 'The challenge was answered already.', 'Ask for a new one: each is good for one answer.'),
  CHALLENGE_GENERATION_FAILED: row(500, CHALLENGE, 'No challenge could be made.', 'Check the key of the service and its source of randomness; see `cause`.'),
  'CHALLENGE_GENERATION_FAILED:FLOOD': row(429, CHALLENGE, 'Too many logins were asked for, for this user or from this address.', 'Wait some minutes, or open the link of a login page. If it was not the user who asked, look for where the requests come from.'),
  'CHALLENGE_GENERATION_FAILED:PAUSED': row(429, CHALLENGE, 'The user has just denied a login; no other one is pushed for a while.', 'Wait a minute, open the link of a login page, or ask the user by another way.'),

  RESPONSE_SIGNATURE_INVALID: row(401, RESPONSE, 'The answer is not signed by the passkey and the device that it names.', 'Check the shares of the passkey with audit(), and that the device is the registered one.'),
  'RESPONSE_SIGNATURE_INVALID:FORM': row(400, RESPONSE, 'The answer is not in form.', 'Send what approve(), deny() or register() of a device returned.'),
  'RESPONSE_SIGNATURE_INVALID:WEBAUTHN': row(401, RESPONSE, 'The answer of the browser is not good for this challenge, origin or passkey, or its user was not verified.', 'Begin the login anew at the service itself; see `cause`.'),
  'RESPONSE_SIGNATURE_INVALID:COUNTER': row(401, RESPONSE, 'The counter of the passkey did not go on: there may be a copy of it.', 'Revoke the passkey, and register another one.'),
  'RESPONSE_SIGNATURE_INVALID:CODE': row(401, RESPONSE, 'The one-time code is not right, or was used already.', 'Type it as it was sent or printed, or take the next one.'),
  RESPONSE_TIMEOUT: row(408, RESPONSE, 'Nobody answered in time: two minutes unless set otherwise.', 'Ask again, or allow more time.'),
  RESPONSE_DEVICE_MISMATCH: row(403, RESPONSE, 'The answer comes from a device that is not registered for this login.', 'Answer from a registered device, or register this one.'),
  'RESPONSE_DEVICE_MISMATCH:REVOKED': row(403, RESPONSE, 'The device was revoked.', 'Use another device, or recover the passkey on a new one.'),
  RESPONSE_USER_REJECTED: row(403, RESPONSE, 'The user denied the login.', 'Try again if the user wants to, or offer another way to log in.'),
  'RESPONSE_USER_REJECTED:NUMBER': row(403, RESPONSE, 'The digits typed on the device are not those of the login page, so the login was denied.', 'Begin the login anew, and type the digits of your own page.'),
  'RESPONSE_USER_REJECTED:ORIGIN': row(403, RESPONSE, 'The device saw that the page has another address than the service, so the login was denied.', 'Warn the user: somebody may be copying the login page.'),

  PASSKEY_NOT_FOUND: row(404, PASSKEY, 'The passkey was not found: this device does not know it, no share of it is in the stores, or no user has it.', 'Make one with generatePasskey(), or register at the service.'),
  PASSKEY_RECONSTRUCTION_FAILED: row(500, PASSKEY, 'The passkey could not be put together: too few shares, or they do not belong together.', 'Make at least K of the N stores reachable; see audit().'),
  PASSKEY_GENERATION_FAILED: row(500, PASSKEY, 'The key pair could not be made.', 'Check the source of randomness of the platform; see `cause`.'),
  'PASSKEY_GENERATION_FAILED:EXISTS': row(409, PASSKEY, 'There is a passkey for this service and user already.', 'Use it, rotate() its shares, or pass replace: true, which makes the old one useless.'),
  PASSKEY_STORAGE_FAILED: row(503, PASSKEY, 'The shares could not be stored in at least K stores.', 'Make the stores reachable and try again; see `cause`.'),
  PASSKEY_HMAC_MISMATCH: row(500, PASSKEY, 'The HMAC of a share is wrong, and too few good ones are left.', 'Restore the share from a backup, or make another store reachable.'),

  RECOVERY_SHARES_INSUFFICIENT: row(409, RECOVERY, 'Fewer than K good shares are there.', 'Add a store or a printed sheet that has one. If there is none, register anew at the service.'),
  RECOVERY_VERIFICATION_FAILED: row(403, RECOVERY, 'What was put together is not the key that was registered.', 'Use the shares of the passkey that is registered with the service.'),
  RECOVERY_BACKEND_UNAVAILABLE: row(503, RECOVERY, 'No store can be reached.', 'Check the network: at least K of the N stores are needed.'),

  BIOMETRIC_REQUIRED: row(403, PLATFORM, 'The user has to unlock the device for this, and that failed or is not set up.', 'Set up the unlocking of the device (PIN, fingerprint, face), and try again.'),
  PUSH_NOTIFICATION_DISABLED: row(503, PLATFORM, 'No device of the user could be sent a push.', 'Open the link or scan the code instead, or connect a device.'),
  PLATFORM_CRYPTO_UNAVAILABLE: row(500, PLATFORM, 'The platform cannot do the cryptography that is needed.', 'Use Node 20.19 or later with worker threads.'),

  INVALID_OPTION: row(500, 'Use', 'An option is wrong.', 'See `field`.'),
  STORE_UNAVAILABLE: row(503, 'Use', 'The store of the verifier cannot be read or written.', 'See `cause`. Nobody is let in meanwhile.'),
  AUDIT_UNAVAILABLE: row(503, 'Use', 'The audit log cannot be written.', 'See `cause`. Nobody is let in meanwhile.'),
  SHARE_UNREADABLE: row(500, 'Use', 'A store holds a share that cannot be opened.', 'Check the passphrase or the key file of the store.'),
  SESSION_INVALID: row(401, 'Use', 'There is no session, or it is over or was revoked.', 'Log in.'),
  PROOF_INVALID: row(400, 'Use', 'The proof is not in form, was changed, or does not say what it must.', 'Take nothing from it; see `field`.'),
  REQUEST_INVALID: row(400, 'Use', 'The request is not in form.', 'See `field`.'),
  'REQUEST_INVALID:SIZE': row(413, 'Use', 'The request is too long.', 'Send less.'),
  'REQUEST_INVALID:ORIGIN': row(403, 'Use', 'The request comes from a page of another origin.', 'Open the service by its own address.'),
  SERVICE_UNREACHABLE: row(502, 'Use', 'The service was not reached: nobody answers, or something else does in its place.', 'Check the network, and the address; see `details`.'),
  NOT_FOUND: row(404, 'Use', 'There is no such route.', 'See the README of the package.'),
  INTERNAL: row(500, 'Use', 'Something failed.', 'See `cause`.'),
} as const satisfies Record<string, XlockErrorRow>;

/** A key of {@link XLOCK_ERROR_TABLE}: `CODE` or `CODE:SUB_CODE`. */
export type XlockErrorId = keyof typeof XLOCK_ERROR_TABLE;

/** What an error says beyond its row. */
export interface XlockErrorOptions {
  /** Name of the option or member at fault; never its value. */
  readonly field?: string;
  /** Replaces the resolution of the table. Default: that of the table. */
  readonly resolution?: string;
  /** More about it, such as the ids of stores at fault. Nothing secret. Default none. */
  readonly details?: unknown;
  /** The error underneath; never part of the message. Default none. */
  readonly cause?: unknown;
}

/** An error of this package: `message` says what is wrong and what to do. It holds no key, share, token or value from a request. */
export class XlockError extends Error {
  override readonly name = 'XlockError';
  /** `CODE` or `CODE:SUB_CODE`, a key of {@link XLOCK_ERROR_TABLE}. */
  readonly id: XlockErrorId;
  /** The part of `id` before the colon. */
  readonly code: string;
  /** One of the five categories, or `Use`. */
  readonly category: XlockErrorCategory;
  /** HTTP status with which a server answers. */
  readonly status: number;
  /** What is wrong, as the table has it. */
  readonly title: string;
  /** What to do about it: made to be shown. */
  readonly resolution: string;
  /** Name of the option or member at fault; never its value. */
  readonly field: string | undefined;
  /** More about it; nothing secret. */
  readonly details: unknown;

  /** `id`: a key of {@link XLOCK_ERROR_TABLE}. */
  constructor(id: XlockErrorId, { field, resolution, details, ...rest }: XlockErrorOptions = {}) {
    const { status, category, message, resolution: usual } = XLOCK_ERROR_TABLE[id];
    const said = resolution ?? usual;
    super(
      id === 'INVALID_OPTION' ? said : `${message} ${said}`,
      'cause' in rest ? { cause: rest.cause } : undefined,
    );
    this.id = id;
    this.code = id.split(':')[0]!;
    this.category = category;
    this.status = status;
    this.title = message;
    this.resolution = said;
    this.field = field;
    this.details = details;
  }
}

/** Whether a value is an error of this package, with this id if one is given. */
export const isXlockError = (value: unknown, id?: XlockErrorId): value is XlockError =>
  value instanceof XlockError && (id === undefined || value.id === id);

/** The error itself if it is one of this package, otherwise `INTERNAL` with it as the cause. */
export const toXlockError = (error: unknown): XlockError =>
  isXlockError(error) ? error : new XlockError('INTERNAL', { cause: error });
