import { createHash, randomUUID } from 'node:crypto';
import { PurchaseError } from './errors.mjs';

const TIERS = ['basic', 'middle', 'enterprise'];
const MEMBERS = ['aci', 'tier', 'paymentMethod', 'email', 'idempotencyKey'];
const TRIAL_MONTHS = 3;

/** Dot-atoms in ASCII (RFC 5321 lengths), so that nothing can break a header or a log line. */
const LOCAL_PART = /^[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * An address with its domain in lower case. Throws `ORDER_INVALID`.
 * @param {unknown} email
 */
export function readEmail(email) {
  if (typeof email !== 'string' || email.length > 254) return wrong('email');
  const [local = '', domain = '', ...more] = email.split('@');
  const labels = domain.toLowerCase().split('.');
  if (more.length > 0 || local.length > 64 || !LOCAL_PART.test(local)) return wrong('email');
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) return wrong('email');
  return `${local}@${labels.join('.')}`;
}

/**
 * The address of an agent that gave none: nothing but letters and digits of its DID.
 * @param {string} did
 * @param {string} domain
 */
export const emailOf = (did, domain) => `agent-${did.slice(did.lastIndexOf(':') + 1)}@${domain}`;

/**
 * What is asked for. Throws `ORDER_INVALID`, with the member that is wrong.
 * @param {import('./types.d.ts').Buyer} buyer
 * @param {{ acis: readonly string[], emailDomain: string }} rules
 * @returns {import('./types.d.ts').Wish}
 */
export function readWish({ body, did }, { acis, emailDomain }) {
  const order = membersOf(body);
  const { aci, tier, paymentMethod, email } = order;
  if (Object.keys(order).some((name) => !MEMBERS.includes(name))) return wrong('');
  if (typeof aci !== 'string' || !acis.includes(aci)) return wrong('aci');
  if (typeof tier !== 'string' || !TIERS.includes(tier)) return wrong('tier');
  if (typeof paymentMethod !== 'string' || !/^\w{1,128}$/.test(paymentMethod)) return wrong('paymentMethod');
  return {
    aci,
    tier: /** @type {import('./types.d.ts').Tier} */ (tier),
    paymentMethod,
    email: email === undefined && did !== undefined ? emailOf(did, emailDomain) : readEmail(email),
  };
}

/**
 * Throws `BODY_INVALID` for anything but an object.
 * @param {unknown} body
 * @returns {Record<string, unknown>}
 */
export function membersOf(body) {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new PurchaseError('BODY_INVALID');
  return /** @type {Record<string, unknown>} */ (body);
}

/**
 * Tells one order from another, whatever the order of members and spaces.
 * @param {import('./types.d.ts').Wish} wish
 */
export const hashOf = ({ aci, tier, paymentMethod, email }) =>
  createHash('sha256')
    .update(JSON.stringify([aci, tier, paymentMethod, email.toLowerCase()]))
    .digest('hex');

/**
 * Fixes what a retry must not change.
 * @param {import('./types.d.ts').Wish} wish
 * @param {string | undefined} agentDid
 * @param {number} now
 * @returns {import('./types.d.ts').Order}
 */
export const newOrder = (wish, agentDid, now) => ({
  ...wish,
  ...(agentDid === undefined ? {} : { agentDid }),
  connectionId: `conn_${randomUUID()}`,
  trialEnd: monthsAfter(now, TRIAL_MONTHS).toISOString(),
});

/**
 * The same day and time of a later month, in UTC and whole seconds, or the last day of it where that has no such day.
 * @param {number} now
 * @param {number} months
 */
export function monthsAfter(now, months) {
  const date = new Date(now);
  const day = date.getUTCDate();
  date.setUTCMilliseconds(0);
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, last));
  return date;
}

/**
 * @param {string} field
 * @returns {never}
 */
function wrong(field) {
  throw new PurchaseError('ORDER_INVALID', field === '' ? {} : { field });
}
