import '@private.me/xlink/express-types';

/** Who buys. `did` only where an envelope was verified. */
export interface Buyer {
  /** What idempotency keys belong to: the DID, or `email:` and the address. */
  readonly identity: string;
  readonly did?: string;
  /** The order as it was sent. */
  readonly body: unknown;
  /** `envelopeId` of a message: the idempotency key of a purchase that was sent without one. */
  readonly envelopeId?: string;
  /** The header, as the buyer or anybody on the way set it. */
  readonly keyHeader?: string;
}

/** What a buyer asks for, checked. */
export interface Wish {
  readonly aci: string;
  readonly tier: Tier;
  readonly paymentMethod: string;
  readonly email: string;
}

export type Tier = 'basic' | 'middle' | 'enterprise';

/** A wish and what was fixed when it first came: retries repeat it to the letter. */
export interface Order extends Wish {
  readonly agentDid?: string;
  readonly connectionId: string;
  /** ISO 8601, whole seconds. */
  readonly trialEnd: string;
}

/** What is known under one idempotency key. Times in ms since 1970. */
export interface PurchaseRecord {
  readonly bodyHash: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly order: Order;
  /** Who may finish it: whoever takes over a run that ended without a word gets another one. */
  readonly token: string;
  readonly leaseUntil: number;
  readonly expiresAt: number;
  /** Of the key: grows when it is used again after it expired. */
  readonly generation: number;
  /** Of the generation: grows with each decline. */
  readonly attempt: number;
  readonly reason?: 'declined' | 'unknown';
  readonly subscriptionId?: string;
}

/** What a payment provider is told beside the order. */
export interface PaymentRun {
  /** The same for all attempts of one purchase. */
  readonly key: string;
  /** 1, 2, …: one more after each decline. */
  readonly attempt: number;
}

/** The port to whoever takes the money. */
export interface PaymentProvider {
  /**
   * Begins the subscription. Called again with the same order, key and attempt it must not charge again, and answers as before.
   * Throws `PaymentDeclined` only if nothing was and nothing will be charged under this key and attempt; whatever else it throws
   * means that nobody knows.
   */
  subscribe(order: Order, run: PaymentRun): Promise<{ readonly subscriptionId: string }>;
  /** The event of a webhook call, its signature and time checked; `undefined` for one of no interest. Throws `WEBHOOK_INVALID`. */
  readEvent(body: Buffer, header: (name: string) => string | undefined): PaymentEvent | undefined;
}

export interface PaymentEvent {
  readonly id: string;
  /** In seconds since 1970. Events may come in any order. */
  readonly created: number;
  readonly subscriptionId: string;
  readonly status: string;
  /** `key` of the run that made it. */
  readonly key?: string;
}

/** How purchases by e-mail end. */
export interface Timeline {
  phase(): 'optional' | 'encouraged' | 'warning' | 'required';
  /** What is said about the phase beside an answer to a purchase by e-mail. */
  notice(): { readonly headers: Record<string, string>; readonly body: { readonly notice?: string } };
}

/** What is known of a subscription from webhooks. */
export interface SubscriptionRecord {
  readonly status: string;
  readonly created: number;
  /** Ids of the last events. */
  readonly events: readonly string[];
}

declare global {
  namespace Express {
    interface Request {
      /** Set by `buyers()`. */
      buyer: Buyer;
    }
  }
}
