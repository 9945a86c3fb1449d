import { PaymentDeclined, PurchaseError } from './errors.mjs';
import { idempotencyKeyOf, purchaseId } from './idempotency-key.mjs';
import { hashOf, newOrder, readWish } from './order.mjs';

/**
 * `POST /api/purchase`, once it is known who buys.
 * @param {object} parts
 * @param {import('./types.d.ts').PaymentProvider} parts.provider
 * @param {import('./records.mjs').PurchaseRecords} parts.records
 * @param {import('./types.d.ts').Timeline} parts.timeline
 * @param {{ acis: readonly string[], emailDomain: string }} parts.rules
 * @param {number} parts.paymentTimeoutMs
 * @returns {import('express').RequestHandler}
 */
export function purchase({ provider, records, timeline, rules, paymentTimeoutMs }) {
  return async (req, res) => {
    const { buyer } = req;
    const wish = readWish(buyer, rules);
    const id = purchaseId(buyer.identity, idempotencyKeyOf(buyer));
    const record = await records.begin(id, hashOf(wish), (now) => newOrder(wish, buyer.did, now));
    const isReplay = record.state === 'done';
    const subscriptionId = isReplay ? record.subscriptionId : await pay(id, record);

    const { headers, body } = buyer.did === undefined ? timeline.notice() : { headers: {}, body: {} };
    if (isReplay) res.set('Idempotent-Replayed', 'true');
    res.set('Cache-Control', 'no-store').set(headers);
    res.json({ ...answerOf(record.order), subscriptionId, ...body });
  };

  /**
   * @param {string} id
   * @param {import('./types.d.ts').PurchaseRecord} record
   */
  async function pay(id, record) {
    const { order, generation, attempt } = record;
    const run = { key: paymentKey(id, generation), attempt };
    let subscriptionId;
    try {
      ({ subscriptionId } = await within(paymentTimeoutMs, provider.subscribe(order, run)));
    } catch (cause) {
      const isDecline = cause instanceof PaymentDeclined;
      const after = await records.fail(id, record, isDecline ? 'declined' : 'unknown');
      if (after?.state === 'done') return after.subscriptionId; // a webhook said so
      if (isDecline) throw new PurchaseError('PAYMENT_DECLINED', { cause });
      throw new PurchaseError('PAYMENT_OUTCOME_UNKNOWN', { cause, retryAfterMs: 5000 });
    }
    await records.complete(id, generation, subscriptionId);
    return subscriptionId;
  }
}

/** What the provider knows the purchase by, from one use of an idempotency key to the next. */
const paymentKey = (/** @type {string} */ id, /** @type {number} */ generation) => `${id}.${generation}`;

/**
 * The record that a provider speaks of.
 * @param {string} key
 * @returns {readonly [id: string, generation: number]}
 */
export function purchaseOf(key) {
  const [id = '', generation] = key.split('.');
  return [id, Number(generation)];
}

/** @param {import('./types.d.ts').Order} order */
const answerOf = ({ agentDid, connectionId, email, trialEnd }) => ({
  xlinkAuthenticated: agentDid !== undefined,
  ...(agentDid === undefined ? {} : { agentDid }),
  connectionId,
  email,
  trialEnd,
});

/**
 * @template T
 * @param {number} ms
 * @param {Promise<T>} work goes on after the time
 * @returns {Promise<T>}
 */
async function within(ms, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the payment provider took more than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, /** @type {Promise<never>} */ (late)]);
  } finally {
    clearTimeout(timer);
  }
}
