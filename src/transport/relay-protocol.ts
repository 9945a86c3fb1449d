import { xlinkError } from '../errors/errors.js';
import type { Envelope } from '../types/protocol.js';

/** Scope of the envelopes by which a recipient proves to a relay who it is. */
export const RELAY_SCOPE = 'xlink:relay';
/** What those envelopes are bound to: paths below the address of the relay, wherever that is mounted. */
export const RECEIVE_REQUEST = 'POST /relay/receive';
export const SOCKET_REQUEST = 'GET /relay/socket';
/** Messages that are handed out at once, at most. */
export const MAX_BATCH = 100;
/** How long the relay holds a request while there is nothing, at most. */
export const MAX_WAIT_MS = 30_000;

/** What a recipient asks for: what it has taken, and what comes behind `after`. Long poll and socket say it alike. */
export interface Pull {
  /** Ids that need not be delivered again. */
  readonly ack: readonly string[];
  /** The id behind which to go on; empty: from the oldest that is not acknowledged. */
  readonly after: string;
  /** How long to wait while there is nothing, in ms. 0: the answer comes at once. */
  readonly waitMs: number;
}

/** One message in a mailbox. `id` rises within a mailbox. */
export interface Delivery {
  /** 1-128 characters; the relay's name of the message. */
  readonly id: string;
  /** The message. */
  readonly envelope: Envelope;
  /** Whether its sender asks for a receipt. */
  readonly receipt?: true;
}

const ID = /^\d{1,20}(-\d{1,20})?$/;
export const isDeliveryId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** The deliveries in an answer of the relay. Throws `SEND_FAILED` for anything else: nothing the relay says is believed unread. */
export function deliveriesIn(text: string): readonly Delivery[] {
  try {
    const { messages } = JSON.parse(text) as { messages: readonly Delivery[] };
    const isGood = ({ id, envelope }: Delivery) =>
      isDeliveryId(id) && typeof envelope === 'object' && envelope !== null;
    if (Array.isArray(messages) && messages.length <= MAX_BATCH && messages.every(isGood)) return messages;
  } catch {
    // below
  }
  throw xlinkError('SEND_FAILED', { field: 'messages' });
}
