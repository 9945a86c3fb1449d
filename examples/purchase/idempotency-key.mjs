import { createHash } from 'node:crypto';
import { PurchaseError } from './errors.mjs';
import { membersOf } from './order.mjs';

const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The key of a purchase: the member `idempotencyKey` of a signed order, else the header, else the id of the envelope. A key in the order
 * is sealed and signed, so it counts, and a header that says otherwise was changed on the way.
 * Throws `IDEMPOTENCY_KEY_…`.
 * @param {import('./types.d.ts').Buyer} buyer
 */
export function idempotencyKeyOf({ body, envelopeId, keyHeader }) {
  const header = keyHeader === undefined ? undefined : unquoted(keyHeader);
  const { idempotencyKey: own = header } = membersOf(body);
  if (header !== undefined && own !== header) throw new PurchaseError('IDEMPOTENCY_KEY_MISMATCH');
  const key = own === undefined ? envelopeId : own;
  if (key === undefined) throw new PurchaseError('IDEMPOTENCY_KEY_MISSING');
  if (typeof key !== 'string' || !KEY.test(key)) throw new PurchaseError('IDEMPOTENCY_KEY_INVALID');
  return key;
}

/**
 * The draft wants a quoted string (draft-ietf-httpapi-idempotency-key-header-07), most clients send a bare one: they are the same.
 * @param {string} header
 */
const unquoted = (header) => /^"(.*)"$/.exec(header.trim())?.[1] ?? header.trim();

/**
 * Names the purchase in the store and at the provider. Keys of different buyers never meet.
 * @param {string} identity
 * @param {string} key
 */
export const purchaseId = (identity, key) =>
  createHash('sha256')
    .update(JSON.stringify([identity, key]))
    .digest('hex');
