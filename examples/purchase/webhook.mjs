import express, { Router } from 'express';
import { update } from './documents.mjs';
import { PurchaseError } from './errors.mjs';
import { purchaseOf } from './purchase.mjs';

/** @typedef {import('./types.d.ts').SubscriptionRecord} SubscriptionRecord */

/** How many ids of events are kept for each subscription; Stripe repeats one for three days. */
const MAX_EVENTS = 100;

/** What a subscription does not come back from. */
const FINAL = new Set(['canceled', 'incomplete_expired']);

/**
 * `POST /api/webhooks/payment`: what becomes of subscriptions, each event once.
 * @param {object} parts
 * @param {import('./types.d.ts').PaymentProvider} parts.provider
 * @param {import('./records.mjs').PurchaseRecords} parts.records
 * @param {import('@private.me/xlink').OperationsStore} parts.store
 * @param {(subscriptionId: string, status: string) => void} parts.onSubscription
 */
export function webhook({ provider, records, store, onSubscription }) {
  const router = Router();
  router.post('/', express.raw({ type: () => true, limit: '256kb' }), async (req, res) => {
    if (!Buffer.isBuffer(req.body)) throw new PurchaseError('WEBHOOK_INVALID');
    const event = provider.readEvent(req.body, (name) => req.get(name));
    if (event) await handle(event);
    res.json({ received: true }); // also an event of no interest, else it is sent again and again
  });
  return router;

  /** @param {import('./types.d.ts').PaymentEvent} event */
  async function handle(event) {
    const { id, key, subscriptionId } = event;
    // First, as it may be done twice: a purchase whose instance died between charge and record is whole by this.
    if (key !== undefined) await records.complete(...purchaseOf(key), subscriptionId);
    let status = '';
    await update(
      store,
      `subscription/${subscriptionId}`,
      (/** @type {SubscriptionRecord | undefined} */ before) => {
        status = '';
        if (before?.events.includes(id)) return before;
        const events = [...(before?.events ?? []), id].slice(-MAX_EVENTS);
        if (before && !isNews(event, before)) return { ...before, events };
        status = event.status;
        return { status, created: event.created, events };
      },
    );
    if (status !== '') onSubscription(subscriptionId, status);
  }
}

/**
 * Events come in any order.
 * @param {import('./types.d.ts').PaymentEvent} event
 * @param {SubscriptionRecord} before
 */
const isNews = ({ created, status }, before) =>
  created >= before.created && status !== before.status && !FINAL.has(before.status);
