/**
 * Everything this API refuses with: status, what is wrong, what to do. What is wrong with envelopes, `@private.me/xlink` says.
 * @satisfies {Record<string, readonly [status: number, title: string, hint: string]>}
 */
export const PURCHASE_ERRORS = {
  BODY_INVALID: [400, 'The body is not a JSON object.', 'Send an order, or an envelope with one.'],
  BODY_TOO_LARGE: [
    413,
    'The body is too large.',
    'An order takes less than 1 KB, an envelope less than 16 KB.',
  ],
  CONTENT_TYPE_UNSUPPORTED: [415, 'The body is of another type.', 'Send application/json.'],
  IDEMPOTENCY_KEY_INVALID: [
    400,
    'The Idempotency-Key is malformed.',
    'It is 1 to 255 visible ASCII characters, on one line.',
  ],
  IDEMPOTENCY_KEY_MISMATCH: [
    400,
    'The header Idempotency-Key is not the key in the envelope.',
    'Leave the header away: the envelope is signed, the header is not.',
  ],
  IDEMPOTENCY_KEY_MISSING: [
    400,
    'A purchase by e-mail needs an Idempotency-Key.',
    'Send a new random one for each purchase, and the same one when you repeat it.',
  ],
  IDEMPOTENCY_KEY_REUSED: [
    422,
    'The Idempotency-Key was used for another order.',
    'A new order needs a new key.',
  ],
  INTERNAL: [500, 'Something went wrong on our side.', 'Repeat it with the same Idempotency-Key.'],
  NOT_FOUND: [404, 'There is nothing here.', 'Purchases go to POST /api/purchase.'],
  ORDER_INVALID: [
    422,
    'A member of the order is wrong.',
    'It has aci, tier, paymentMethod, email and idempotencyKey, and no more; field names the one at fault.',
  ],
  PAYMENT_DECLINED: [
    402,
    'The payment was declined, and nothing was charged.',
    'Repeat it with the same Idempotency-Key, or use another payment method and a new key.',
  ],
  PAYMENT_OUTCOME_UNKNOWN: [
    503,
    'The payment provider gave no answer, so the outcome is not known.',
    'Repeat it with the same Idempotency-Key: it will not be charged twice.',
  ],
  PURCHASE_IN_PROGRESS: [
    409,
    'The same purchase is being made at this moment.',
    'Repeat it with the same Idempotency-Key after Retry-After.',
  ],
  RATE_LIMITED: [429, 'Too many purchases within a minute.', 'Wait as long as Retry-After says.'],
  STORE_UNAVAILABLE: [
    503,
    'The records of purchases cannot be reached.',
    'Repeat it with the same Idempotency-Key: it will not be charged twice.',
  ],
  WEBHOOK_INVALID: [
    400,
    'The webhook call is not signed, too old, or ahead of time.',
    'Check the signing secret and the clock.',
  ],
  XLINK_REQUIRED: [
    401,
    'Purchases by e-mail address are over.',
    'Sign the order with an xLink identity: see the README of this API.',
  ],
};

/** @typedef {keyof typeof PURCHASE_ERRORS} PurchaseErrorCode */

/** An error that the caller may read. */
export class PurchaseError extends Error {
  /**
   * @param {PurchaseErrorCode} code
   * @param {object} [more]
   * @param {string} [more.field] the member of the order that is wrong
   * @param {number} [more.retryAfterMs]
   * @param {unknown} [more.cause]
   */
  constructor(code, { field, retryAfterMs, cause } = {}) {
    const [status, title, hint] = PURCHASE_ERRORS[code];
    super(`${title} ${hint}`, { cause });
    this.code = code;
    this.status = status;
    this.title = title;
    this.hint = hint;
    this.field = field;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Thrown by a payment provider: nothing was charged, and nothing will be. */
export class PaymentDeclined extends Error {}

/** @type {import('express').RequestHandler} */
export const notFound = () => {
  throw new PurchaseError('NOT_FOUND');
};

/**
 * Every error leaves as problem+json (RFC 9457), as the refusals of xLink do.
 * @param {(error: unknown) => void} onFault told of what is our own fault, or the provider's
 * @returns {import('express').ErrorRequestHandler}
 */
export const errorHandler = (onFault) => (thrown, _req, res, next) => {
  if (res.headersSent) return next(thrown);
  const error = toPurchaseError(thrown);
  if (error.status >= 500) onFault(error);
  const { code, title, status, hint: detail, field, retryAfterMs } = error;
  if (retryAfterMs !== undefined) res.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)));
  if (status === 401) res.set('WWW-Authenticate', 'Xlink realm="purchase"');
  res.set('Cache-Control', 'no-store').status(status).type('application/problem+json');
  res.json({ type: 'about:blank', title, status, code, detail, field });
};

/** @param {any} thrown */
function toPurchaseError(thrown) {
  if (thrown instanceof PurchaseError) return thrown;
  if (thrown?.type === 'entity.too.large') return new PurchaseError('BODY_TOO_LARGE');
  if (thrown?.expose === true && thrown.status < 500) return new PurchaseError('BODY_INVALID'); // of a body parser
  return new PurchaseError('INTERNAL', { cause: thrown });
}
