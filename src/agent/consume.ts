import type { Result } from '../errors/result.js';
import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import type { Receipt, ReceiptStatus } from '../receipts/receipt.js';
import type { Arrival } from '../types/ports.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { checkOptions, isBoolean, isFunction } from '../util/options.js';
import { tell } from '../util/tell.js';
import { isDiscovery, type TakeDiscovery } from './answer-discovery.js';
import { attempt } from './attempt.js';
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
  /**
   * Given every receipt that comes as a message, through a relay, also one that nobody waits for any more. Its signatures are good; which message it is of say
   * `inReplyTo` and `messageHash`: anyone can sign one of a message that never was. If it rejects, the receipt comes again. Default: not called.
   */
  readonly onReceipt?: (receipt: Receipt) => Awaitable<void>;
}

/** The part of an agent that receives. */
export interface Receiver {
  readonly maxAgeMs: number;
  receive(input: Envelope, options: ReceiveOptions): Promise<Result<AgentMessage>>;
}

/** One that also signs receipts. */
export interface SigningReceiver extends Receiver {
  createReceipt(message: AgentMessage, status: ReceiptStatus): Promise<Envelope>;
  /** Throws what is wrong with it. */
  takeReceipt(envelope: Envelope): Promise<Receipt>;
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
    onReceipt: isFunction,
  });
  const { allowCleartext = false, onRefused, onFailed, onReceipt } = options;
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
    const ended = (error: XlinkError) => {
      if (mayPass(error)) {
        tell(onFailed, error, envelope);
        throw error;
      }
      tell(onRefused, error, envelope);
    };
    if (isReceipt(envelope, arrival)) {
      const taken = await attempt(async () => {
        const receipt = await receiver.takeReceipt(envelope); // also where nobody is told
        await onReceipt?.(receipt);
      });
      return taken.ok ? undefined : ended(taken.error);
    }
    const binding = request === undefined ? {} : { request, requireRequestBinding: true };
    const isOwn = isDiscovery(envelope);
    const received = isOwn
      ? await discover(envelope, arrival)
      : await receiver.receive(envelope, { maxAgeMs, allowCleartext, handle, ...binding });
    if (received.ok) {
      if (reply && !isOwn) await answerBy(receiver, received.value as AgentMessage, 'processed', reply);
      return;
    }
    if (!isShareOnly(received.error)) ended(received.error);
  };
}

/** Whether it is a receipt that came as messages do. A request that brings one is bound to nothing. */
export const isReceipt = ({ kind }: Envelope, arrival: Arrival | undefined): boolean =>
  kind === 'receipt' && arrival?.request === undefined;

/** The message was received: what is wrong with its receipt changes nothing. */
export async function answerBy(
  receiver: SigningReceiver,
  message: AgentMessage,
  status: ReceiptStatus,
  reply: NonNullable<Arrival['reply']>,
) {
  try {
    await reply(await receiver.createReceipt(message, status));
  } catch {
    // its sender has no receipt
  }
}

/**
 * Faults of this side and its stores, and clocks that are apart: the same envelope may be good later. One from before the
 * nonce store began will not be: waiting for it would hold up its sender for `maxAgeMs`.
 */
export const mayPass = ({ id, status }: XlinkError): boolean =>
  id !== 'NONCE_STORE_UNAVAILABLE:COLD_START' &&
  (status >= 500 || status === 429 || id === 'TIMESTAMP_EXPIRED:FUTURE');

/** A share that waits for others, or one beyond those that were needed: all is well. */
export const isShareOnly = ({ id }: XlinkError): boolean =>
  id === 'INSUFFICIENT_SHARES:PENDING' || id === 'REPLAY_DETECTED:GROUP_COMPLETE';
