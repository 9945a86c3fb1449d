import type { Result } from '../errors/result.js';
import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { ReceiptStatus } from '../receipts/receipt.js';
import type { Arrival } from '../types/ports.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { checkOptions, isBoolean, isFunction } from '../util/options.js';
import { tell } from '../util/tell.js';
import { isDiscovery, type TakeDiscovery } from './answer-discovery.js';
import type { ReceiveOptions } from './receive.js';

/** Does what is to be done with a message. A rejection means it was not done. */
export type MessageHandler = (message: AgentMessage) => Awaitable<void>;

/** Options of `agent.onMessage()`. */
export interface OnMessageOptions {
  /** Accepts signed-only envelopes too. Default `false`. */
  readonly allowCleartext?: boolean;
  /**
   * Told about every envelope that is refused for good, such as one that was altered, replayed or is too old. It does not
   * come again. Default: not called.
   */
  readonly onRefused?: (error: XlinkError, envelope: Envelope) => void;
  /** Told about every envelope that may come again, as its handler rejected or a store was down. Default: not called. */
  readonly onFailed?: (error: XlinkError, envelope: Envelope) => void;
}

/** The part of an agent that receives. */
export interface Receiver {
  readonly maxAgeMs: number;
  receive(input: Envelope, options: ReceiveOptions): Promise<Result<AgentMessage>>;
}

/** One that also signs receipts. */
export interface SigningReceiver extends Receiver {
  createReceipt(message: AgentMessage, status: ReceiptStatus): Promise<Envelope>;
}

/**
 * Receives for a transport: resolves for what was handled and for what never will be, rejects for what may succeed
 * another time.
 */
export function consume(
  receiver: SigningReceiver,
  handler: MessageHandler,
  options: OnMessageOptions,
  discover: TakeDiscovery,
): (envelope: Envelope, arrival?: Arrival) => Promise<void> {
  checkOptions('onMessage', options, {
    allowCleartext: isBoolean,
    onRefused: isFunction,
    onFailed: isFunction,
  });
  const { allowCleartext = false, onRefused, onFailed } = options;
  const handle = async (message: AgentMessage) => {
    try {
      await handler(message);
    } catch (cause) {
      throw xlinkError('INTERNAL', { cause }); // whatever it is, it says nothing about the envelope
    }
  };
  return async (envelope, arrival) => {
    const { maxAgeMs } = receiver;
    const { request, reply } = arrival ?? {};
    const binding = request === undefined ? {} : { request, requireRequestBinding: true };
    const isOwn = isDiscovery(envelope);
    const received = isOwn
      ? await discover(envelope, arrival)
      : await receiver.receive(envelope, { maxAgeMs, allowCleartext, handle, ...binding });
    if (received.ok) {
      if (reply && !isOwn) await answerBy(receiver, received.value as AgentMessage, reply);
      return;
    }
    const { error } = received;
    if (isShareOnly(error)) return;
    if (mayPass(error)) {
      tell(onFailed, error, envelope);
      throw error;
    }
    tell(onRefused, error, envelope);
  };
}

/** The message was handled: what is wrong with its receipt changes nothing. */
async function answerBy(
  receiver: SigningReceiver,
  message: AgentMessage,
  reply: (receipt: Envelope) => void,
) {
  try {
    reply(await receiver.createReceipt(message, 'processed'));
  } catch {
    // its sender has no receipt
  }
}

/**
 * Faults of this side and its stores, and clocks that are apart: the same envelope may be good later. One from before the
 * nonce store began will not be: waiting for it would hold up its sender for `maxAgeMs`.
 */
const mayPass = ({ id, status }: XlinkError): boolean =>
  id !== 'NONCE_STORE_UNAVAILABLE:COLD_START' &&
  (status >= 500 || status === 429 || id === 'TIMESTAMP_EXPIRED:FUTURE');

/** A share that waits for others, or one beyond those that were needed: all is well. */
export const isShareOnly = ({ id }: XlinkError): boolean =>
  id === 'INSUFFICIENT_SHARES:PENDING' || id === 'REPLAY_DETECTED:GROUP_COMPLETE';
