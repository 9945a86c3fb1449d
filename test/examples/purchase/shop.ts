import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Agent,
  type Envelope,
  type EnvelopeOptions,
  MemoryOperationsStore,
  type NonceStore,
  type OperationsStore,
  type Version,
} from '@private.me/xlink';
import { afterTest } from '../../support/after-test.js';
import { stopServer } from '../../support/listen.js';
import type { Answer } from '../../support/responses.js';
import { send } from '../../support/wire.js';
import { World } from '../../support/world.js';
import { installStripe } from './stripe-package.js';

/** A module of the example. It is plain JavaScript, so there are no types to import. */
const example = (file: string) => import(new URL(`../../../examples/purchase/${file}`, import.meta.url).href);

installStripe(); // before anything is looked for beside the example: Jest remembers what was not there

const { openApp } = await example('app.mjs');
const { openStripe, StripeProvider } = await example('stripe.mjs');
const { FakeStripe } = await example('fake-stripe.mjs');

export const WEBHOOK_SECRET = 'whsec_of_this_test';
export const SCOPE = 'aci:purchase';
export const ORDER = { aci: 'xlink', tier: 'basic', paymentMethod: 'pm_card_visa' };
export const BY_EMAIL = { ...ORDER, email: 'ada@example.com' };

/** FakeStripe, as tests use it. */
export interface Fake {
  readonly url: URL;
  readonly requests: string[];
  readonly customers: { readonly email: string }[];
  readonly subscriptions: { readonly id: string; readonly metadata: Record<string, string> }[];
  trouble: (
    request: string,
  ) => 'drop' | 'unavailable' | 'error' | 'error-after' | 'drop-after' | 'hang-after' | undefined;
  start(): Promise<Fake>;
  stop(): Promise<void>;
}

interface StripeClient {
  readonly webhooks: {
    generateTestHeaderString(options: { payload: string; secret: string; timestamp: number }): string;
  };
}

type Draft = Partial<EnvelopeOptions> & { readonly from?: Agent };

interface WebhookCall {
  readonly secret?: string;
  readonly at?: number;
  /** In seconds since 1970. Default: now. */
  readonly timestamp?: number;
  readonly signature?: string;
  readonly body?: string;
}

/** Members of an answer, of a purchase or of a problem. */
type Answered = Readonly<
  Record<'subscriptionId' | 'connectionId' | 'agentDid' | 'email' | 'trialEnd' | 'notice' | 'field', string>
> & { readonly xlinkAuthenticated: boolean; readonly code?: string; readonly subCode?: string };

export interface ShopOptions {
  /** Options of `openApp`, for all instances. */
  readonly app?: Record<string, unknown>;
  readonly instances?: number;
  /** A store for each instance. Default: one in memory for all. */
  readonly storeOf?: (instance: number) => OperationsStore;
  readonly nonceStoreOf?: (instance: number) => Promise<NonceStore>;
  /** Takes the place of Stripe. */
  readonly provider?: unknown;
  /** As of the client of Stripe. Default 5000. */
  readonly timeoutMs?: number;
  /** Default: a clock that stands still. */
  readonly clock?: () => number;
}

/** The endpoint, in as many instances as wanted, with a stand-in for Stripe, and a buyer that it knows. */
export class Shop {
  readonly world = new World();
  /** What the instances told as faults. */
  readonly faults: unknown[] = [];
  /** What `onSubscription` was told. */
  readonly news: string[] = [];
  fake!: Fake;
  stripe!: StripeClient;
  provider: unknown;
  service!: Agent;
  buyer!: Agent;
  /** Of the last instance. */
  records!: { sweep(): Promise<void> };
  readonly ports: number[] = [];

  static async open(options: ShopOptions = {}): Promise<Shop> {
    const shop = new Shop();
    await shop.#open(options);
    return shop;
  }

  /** Closed after the test. */
  async #open({ app = {}, instances = 1, timeoutMs = 5000, ...options }: ShopOptions): Promise<void> {
    const clock = options.clock ?? this.world.clock;
    this.fake = await new FakeStripe(clock).start();
    afterTest(() => this.fake.stop());
    this.stripe = await openStripe({ apiKey: 'sk_test_secret', url: this.fake.url, timeoutMs });
    this.service = await this.world.agent('purchases', { clock });
    this.buyer = await this.world.agent('buyer', { clock, sendScopes: [SCOPE] });
    const prices = { basic: 'price_basic', middle: 'price_middle', enterprise: 'price_enterprise' };
    const parts = { stripe: this.stripe, prices, webhookSecret: WEBHOOK_SECRET, clock };
    this.provider = options.provider ?? new StripeProvider(parts);
    const shared = new MemoryOperationsStore();
    const { storeOf = () => shared, nonceStoreOf } = options;
    for (let at = 0; at < instances; at++)
      await this.serve({
        agent: nonceStoreOf
          ? await this.world.agent('purchases', { clock, nonceStore: await nonceStoreOf(at) })
          : this.service,
        provider: this.provider,
        xlinkSince: new Date(clock()),
        store: storeOf(at),
        onSubscription: (id: string, status: string) => this.news.push(`${id} ${status}`),
        onFault: (error: unknown) => this.faults.push(error),
        instances: nonceStoreOf ? instances : 1,
        clock,
        ...app,
      });
  }

  /** One more instance. */
  async serve(options: object): Promise<void> {
    const { app, records, close } = openApp(options);
    this.records = records;
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterTest(async () => {
      await stopServer(server);
      await close();
    });
    this.ports.push((server.address() as AddressInfo).port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports[0]}/api/purchase`;
  }

  /** How many subscriptions there are at Stripe. */
  get charged(): number {
    return this.fake.subscriptions.length;
  }

  /** A message as `agent.createEnvelope()` makes it. */
  envelope(payload: unknown = ORDER, { from = this.buyer, ...more }: Draft = {}): Promise<Envelope> {
    return from.createEnvelope({ to: this.service.did, payload, scope: SCOPE, ...more });
  }

  async post(body: unknown, headers: OutgoingHttpHeaders = {}, at = 0): Promise<Reply> {
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const sent = { 'content-type': 'application/json', ...headers };
    return reply(
      await send(this.ports[at]!, { method: 'POST', path: '/api/purchase', headers: sent, body: text }),
    );
  }

  /** A new envelope with this order, under this key. */
  async buy(key: string, payload: object = ORDER, at = 0): Promise<Reply> {
    return this.post(await this.envelope(payload), { 'idempotency-key': key }, at);
  }

  async another(name: string, version: Version = 2): Promise<Agent> {
    return this.world.agent(name, { sendScopes: [SCOPE], maxVersion: version });
  }

  /** The signature of Stripe over a body, at a time in seconds. */
  signature(payload: string, timestamp: number): string {
    return this.stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
  }

  /** A webhook call as Stripe makes it. */
  async event(event: object, { secret = WEBHOOK_SECRET, at = 0, ...more }: WebhookCall = {}): Promise<Reply> {
    const payload = JSON.stringify(event);
    const timestamp = more.timestamp ?? Math.floor(this.world.clock() / 1000);
    const signature = this.stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    const headers = { 'content-type': 'application/json', 'stripe-signature': more.signature ?? signature };
    return reply(
      await send(this.ports[at]!, {
        method: 'POST',
        path: '/api/webhooks/payment',
        headers,
        body: more.body ?? payload,
      }),
    );
  }
}

export interface Reply extends Answer {
  readonly body: Answered;
  /** `409 PURCHASE_IN_PROGRESS`, or `200`. */
  readonly said: string;
}

function reply(answer: Answer): Reply {
  const body = JSON.parse(answer.text);
  const id = body.subCode === undefined ? body.code : `${body.code}:${body.subCode}`;
  return { ...answer, body, said: `${answer.status}${id === undefined ? '' : ` ${id}`}` };
}
