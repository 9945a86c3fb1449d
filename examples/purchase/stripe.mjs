import { PaymentDeclined, PurchaseError } from './errors.mjs';

/** The version of Stripe's API that this file was written for: another one may answer otherwise. */
const API_VERSION = '2026-10-28.endive';

/** How old a webhook call may be, and how far ahead of our clock, in seconds. */
const TOLERANCE_S = 300;

const SUBSCRIPTION_EVENTS = new Set([
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
]);

/**
 * A client of Stripe. `stripe` is an optional peer: it is loaded here and nowhere else.
 * @param {object} options
 * @param {string} options.apiKey
 * @param {URL} [options.url] of a stand-in, for tests; default: Stripe
 * @param {number} [options.timeoutMs] for each call, of which there are four at most, each repeated once
 */
export async function openStripe({ apiKey, url, timeoutMs = 7000 }) {
  const name = 'stripe'; // not a literal, so that nothing looks for its types where it is not installed
  const { default: Stripe } = await import(name).catch((cause) => {
    throw new Error('Stripe needs its package: npm ci --prefix examples/purchase', { cause });
  });
  return new Stripe(apiKey, {
    apiVersion: API_VERSION,
    timeout: timeoutMs,
    maxNetworkRetries: 1, // with the same idempotency key
    telemetry: false,
    ...(url ? { host: url.hostname, port: url.port, protocol: url.protocol.slice(0, -1) } : {}),
  });
}

/** @typedef {import('./types.d.ts').PaymentProvider} PaymentProvider */

/**
 * Subscriptions with a trial, at Stripe.
 * @implements {PaymentProvider}
 */
export class StripeProvider {
  #stripe;
  #prices;
  #webhookSecret;
  #clock;

  /**
   * @param {object} options
   * @param {any} options.stripe from {@link openStripe}
   * @param {Record<import('./types.d.ts').Tier, string>} options.prices ids of Stripe prices
   * @param {string} options.webhookSecret `whsec_…` of the endpoint
   * @param {() => number} [options.clock]
   */
  constructor({ stripe, prices, webhookSecret, clock = Date.now }) {
    this.#stripe = stripe;
    this.#prices = prices;
    this.#webhookSecret = webhookSecret;
    this.#clock = clock;
  }

  /**
   * Stripe answers each idempotency key as it did first, declines included. So an attempt repeats its own, and the one after a decline
   * has others. The customer is the same for all of them.
   * @param {import('./types.d.ts').Order} order
   * @param {import('./types.d.ts').PaymentRun} run
   */
  async subscribe(order, { key, attempt }) {
    const stripe = this.#stripe;
    const { email, agentDid, aci, connectionId, tier, trialEnd } = order;
    const metadata = { purchase: key, connectionId, aci, ...(agentDid === undefined ? {} : { agentDid }) };
    const once = (/** @type {string} */ step) => ({ idempotencyKey: `${key}.${step}` });

    const customer = await stripe.customers.create({ email, metadata }, once('customer'));
    const card = await this.#attach(order, customer.id, { key, attempt });
    try {
      const subscription = await stripe.subscriptions.create(
        {
          customer: customer.id,
          items: [{ price: this.#prices[tier] }],
          default_payment_method: card,
          payment_behavior: 'error_if_incomplete',
          trial_end: Date.parse(trialEnd) / 1000,
          metadata,
        },
        once(`${attempt}.subscription`),
      );
      return { subscriptionId: subscription.id };
    } catch (error) {
      throw isDecline(error) ? new PaymentDeclined('at the subscription', { cause: error }) : error;
    }
  }

  /**
   * The id of the payment method, once it is the customer's. One that an earlier attempt attached cannot be attached again.
   * @param {import('./types.d.ts').Order} order
   * @param {string} customer
   * @param {import('./types.d.ts').PaymentRun} run
   */
  async #attach({ paymentMethod }, customer, { key, attempt }) {
    const stripe = this.#stripe;
    if (attempt > 1) {
      const { data } = await stripe.customers.listPaymentMethods(customer, { limit: 1 });
      if (data.length > 0) return data[0].id;
    }
    try {
      const idempotencyKey = `${key}.${attempt}.attach`;
      return (await stripe.paymentMethods.attach(paymentMethod, { customer }, { idempotencyKey })).id;
    } catch (error) {
      // "No such payment method" and the like are about what the buyer sent, and about nothing else here.
      const isRefused = isDecline(error) || Object(error).type === 'StripeInvalidRequestError';
      throw isRefused ? new PaymentDeclined('at the payment method', { cause: error }) : error;
    }
  }

  /**
   * @param {Buffer} body
   * @param {(name: string) => string | undefined} header
   */
  readEvent(body, header) {
    const event = this.#verified(body, header('stripe-signature') ?? '');
    if (!SUBSCRIPTION_EVENTS.has(event?.type)) {
      if (typeof event?.type === 'string') return undefined;
      throw new PurchaseError('WEBHOOK_INVALID'); // signed, and no event
    }
    const { id, created, data } = event;
    const { id: subscriptionId, status, metadata } = Object(data?.object);
    const isWhole =
      [id, subscriptionId].every(isId) && typeof status === 'string' && Number.isSafeInteger(created);
    if (!isWhole) throw new PurchaseError('WEBHOOK_INVALID');
    const key = metadata?.purchase;
    return { id, created, subscriptionId, status, ...(typeof key === 'string' ? { key } : {}) };
  }

  /** @param {Buffer} body @param {string} signature */
  #verified(body, signature) {
    const now = this.#clock();
    // The SDK refuses what is too old, and takes what is ahead of time.
    // Of several times it takes the last one.
    const [at = NaN, ...others] = signature
      .split(',')
      .flatMap((part) => (/^\s*t\s*=/.test(part) ? [Number(part.slice(2))] : []));
    if (others.length > 0 || !(at <= now / 1000 + TOLERANCE_S)) throw new PurchaseError('WEBHOOK_INVALID');
    try {
      const { webhooks } = this.#stripe;
      return webhooks.constructEvent(body, signature, this.#webhookSecret, TOLERANCE_S, undefined, now);
    } catch (cause) {
      throw new PurchaseError('WEBHOOK_INVALID', { cause });
    }
  }
}

/** @param {unknown} value */
const isId = (value) => typeof value === 'string' && /^\w{1,255}$/.test(value);

/** @param {any} error */
const isDecline = (error) => error?.type === 'StripeCardError';
