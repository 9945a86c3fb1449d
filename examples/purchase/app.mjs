import { MemoryOperationsStore } from '@private.me/xlink';
import express from 'express';
import { buyers, purchaseAdapter } from './buyers.mjs';
import { errorHandler, notFound } from './errors.mjs';
import { limitPurchases } from './limits.mjs';
import { purchase } from './purchase.mjs';
import { LEASE_MS, PurchaseRecords } from './records.mjs';
import { timeline as timelineOf } from './timeline.mjs';
import { webhook } from './webhook.mjs';

/** How often records that are over are removed. */
const SWEEP_MS = 3_600_000;

/**
 * The purchase endpoint.
 * @param {object} options
 * @param {import('@private.me/xlink').Agent} options.agent the identity of this service; its registry says who may buy
 * @param {import('./types.d.ts').PaymentProvider} options.provider
 * @param {Date} options.xlinkSince day 0 of the 90 days in which purchases by e-mail end
 * @param {import('@private.me/xlink').OperationsStore} [options.store] shared by all instances; default: the memory of this process
 * @param {import('@private.me/xlink').LimitStore} [options.limits] shared by all instances; default: the memory of this process
 * @param {readonly string[]} [options.acis] what is for sale
 * @param {string} [options.emailDomain] of the addresses that agents are given: one whose mail you receive
 * @param {readonly string[]} [options.hosts] under which buyers reach this, for the signed discovery document; set it in production
 * @param {number} [options.instances] how many processes serve this; with several, the agent's nonce store must be shared
 * @param {string | number | boolean} [options.trustProxy] as `trust proxy` of Express; default: the connection's own address counts
 * @param {number} [options.paymentTimeoutMs] less than two minutes, after which another request may take a purchase over
 * @param {(subscriptionId: string, status: string) => void} [options.onSubscription] told of news, once in most cases
 * @param {(error: unknown) => void} [options.onFault]
 * @param {() => number} [options.clock]
 */
export function openApp({
  agent,
  provider,
  xlinkSince,
  store = new MemoryOperationsStore(),
  limits,
  acis = ['xlink'],
  emailDomain = 'private.me',
  hosts,
  instances,
  trustProxy = false,
  paymentTimeoutMs = 60_000,
  onSubscription = () => {},
  onFault = logFault,
  clock = Date.now,
}) {
  if (!(paymentTimeoutMs > 0 && paymentTimeoutMs < LEASE_MS))
    throw new RangeError(`paymentTimeoutMs is above 0 and below ${LEASE_MS}.`);
  const records = new PurchaseRecords(store, clock);
  const timeline = timelineOf(xlinkSince, clock);
  const adapter = purchaseAdapter({ agent, clock, hosts, instances });
  const rules = { acis, emailDomain };

  const app = express().disable('x-powered-by').set('trust proxy', trustProxy);
  app.use('/api/webhooks/payment', webhook({ provider, records, store, onSubscription }));
  app.use(adapter.wellKnown()); // says, signed, who this service is
  app.post(
    '/api/purchase',
    buyers({ agent, adapter, timeline, instances }),
    limitPurchases({ store: limits, clock, onFault }),
    purchase({ provider, records, timeline, rules, paymentTimeoutMs }),
  );
  app.use(notFound, errorHandler(onFault));

  const sweeping = setInterval(() => records.sweep().catch(onFault), SWEEP_MS).unref();
  const close = async () => {
    clearInterval(sweeping);
    await adapter.close();
  };
  return { app, records, close };
}

/** No message of a provider: it may quote what the buyer sent. */
const logFault = (/** @type {any} */ { code, cause }) =>
  console.error(
    JSON.stringify({ code, cause: cause?.code ?? cause?.type ?? cause?.name, request: cause?.requestId }),
  );
