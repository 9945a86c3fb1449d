// Buys in all the ways there are, at a stand-in for Stripe on this machine. Ends by itself: exit 0 if all went as it should.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, LoopbackTransport, MemoryTrustRegistry, xlinkFetch } from '@private.me/xlink';
import { openApp } from './app.mjs';
import { PURCHASE_SCOPE } from './buyers.mjs';
import { FakeStripe } from './fake-stripe.mjs';
import { openStripe, StripeProvider } from './stripe.mjs';

const DAY_MS = 86_400_000;
const WEBHOOK_SECRET = 'whsec_demo';
const ORDER = { aci: 'xlink', tier: 'basic', paymentMethod: 'pm_card_visa' };

let time = Date.now();
const clock = () => time;
const fake = await new FakeStripe(clock).start();
const stripe = await openStripe({ apiKey: 'sk_test_demo', url: fake.url });
const prices = { basic: 'price_basic', middle: 'price_middle', enterprise: 'price_enterprise' };
const registry = new MemoryTrustRegistry({ clock });
const shared = { registry, clock, transport: new LoopbackTransport() };
const service = await Agent.quickstart({ name: 'purchases', ...shared });
const buyer = await Agent.quickstart({ name: 'buyer', sendScopes: [PURCHASE_SCOPE], ...shared });
const { app, close } = openApp({
  agent: service,
  provider: new StripeProvider({ stripe, prices, webhookSecret: WEBHOOK_SECRET, clock }),
  xlinkSince: new Date(time),
  onSubscription: (id, status) => console.log(`          ${id} is ${status} now`),
  onFault: () => {},
  clock,
});
const server = createServer(app).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const url = `http://127.0.0.1:${port}/api/purchase`;

/** @param {object} body @param {Record<string, string>} [headers] */
const post = (body, headers = {}, to = url) =>
  fetch(to, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** @param {object} payload */
const envelope = (payload) => buyer.createEnvelope({ to: service.did, payload, scope: PURCHASE_SCOPE });

/** @param {string} what @param {Response} answer @param {number} status @param {string} [code] */
async function expectAnswer(what, answer, status, code) {
  const body = await answer.json();
  assert.deepEqual([answer.status, body.code], [status, code], what);
  const said =
    code ??
    `${body.subscriptionId ?? 'ok'}${answer.headers.get('idempotent-replayed') ? ', the stored answer' : ''}`;
  console.log(`${status}  ${what}: ${said}`);
  return body;
}

try {
  const key = { 'Idempotency-Key': 'order-1' };
  const first = await expectAnswer('an agent buys', await post(await envelope(ORDER), key), 200);
  console.log(`          ${first.connectionId}, free until ${first.trialEnd}, mail to ${first.email}`);
  await expectAnswer('a new envelope, the same key', await post(await envelope(ORDER), key), 200);
  const other = { ...ORDER, tier: 'enterprise' };
  await expectAnswer(
    'the same key, another order',
    await post(await envelope(other), key),
    422,
    'IDEMPOTENCY_KEY_REUSED',
  );

  const once = await envelope({ ...ORDER, idempotencyKey: 'order-2' });
  await expectAnswer('the key inside the envelope', await post(once), 200);
  await expectAnswer('that envelope again', await post(once), 409, 'REPLAY_DETECTED');

  const call = xlinkFetch({ agent: buyer, baseUrl: url, scope: PURCHASE_SCOPE });
  const signed = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'order-3' },
    body: JSON.stringify(ORDER),
  };
  await expectAnswer('xlinkFetch, which signs the key too', await call(url, signed), 200);

  const declined = { ...ORDER, paymentMethod: 'pm_card_declined' };
  await expectAnswer(
    'a card that is declined',
    await post(await envelope(declined)),
    402,
    'PAYMENT_DECLINED',
  );
  const byEmail = { ...ORDER, email: 'ada@example.com' };
  await expectAnswer('by e-mail', await post(byEmail, { 'Idempotency-Key': 'mail-1' }), 200);
  time += 60 * DAY_MS;
  const { notice } = await expectAnswer(
    'by e-mail, day 60',
    await post(byEmail, { 'Idempotency-Key': 'mail-2' }),
    200,
  );
  console.log(`          ${notice}`);
  time += 30 * DAY_MS;
  await expectAnswer(
    'by e-mail, day 90',
    await post(byEmail, { 'Idempotency-Key': 'mail-3' }),
    401,
    'XLINK_REQUIRED',
  );

  const event = {
    id: 'evt_1',
    type: 'customer.subscription.deleted',
    created: Math.floor(time / 1000),
    data: { object: { id: first.subscriptionId, status: 'canceled' } },
  };
  const signature = stripe.webhooks.generateTestHeaderString({
    payload: JSON.stringify(event),
    secret: WEBHOOK_SECRET,
    timestamp: event.created,
  });
  const webhook = `http://127.0.0.1:${port}/api/webhooks/payment`;
  await expectAnswer(
    'Stripe tells of the end',
    await post(event, { 'Stripe-Signature': signature }, webhook),
    200,
  );
  assert.equal(fake.subscriptions.length, 5);
  console.log('5 purchases, 5 subscriptions');
} finally {
  server.close();
  server.closeAllConnections();
  await close();
  await fake.stop();
}
