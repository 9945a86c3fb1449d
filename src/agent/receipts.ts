import type { Result } from '../errors/result.js';
import { err, ok } from '../errors/result.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import {
  hashOfTranscript,
  type Receipt,
  type ReceiptStatus,
  readReceipt,
  signReceipt,
} from '../receipts/receipt.js';
import { verifyReceipt } from '../receipts/verify.js';
import type { Transport } from '../types/ports.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { AwaitedReceipts } from './awaited-receipts.js';
import type { AgentContext } from './context.js';
import type { ReceiptLog } from './receipt-log.js';
import { type SendOptions, type SendOutcome, send } from './send.js';

/** Options of `agent.send()`. */
export type MessageOptions = SendOptions & {
  /**
   * Asks the recipient for a signed receipt. Loopback and HTTP bring one back with the answer, a relay later (`receiptLater`); for messages in
   * shares there is none. Default `false`.
   */
  readonly requestReceipt?: boolean;
  /** How long `receiptLater` waits, in ms, 1 to 86,400,000. Default 60,000. */
  readonly receiptTimeoutMs?: number;
  /** `false`: in an envelope, also where the transport may use a session. Default: as the transport was made. */
  readonly session?: boolean;
};

/** What `send` delivered, and what the recipient signed about it. */
export interface MessageOutcome extends SendOutcome {
  /** Verified, and of this very message. Absent: none was asked for, none came, or it was not good (`receiptError`). */
  readonly receipt?: Receipt;
  /** Why the receipt that came is not good. The message was delivered all the same. */
  readonly receiptError?: XlinkError;
  /**
   * Of a message that goes through a relay: resolves to the receipt once it comes, verified and of this very message, or to what happened in its place:
   * `RECEIPT_MISSING` after `receiptTimeoutMs` (its `cause`: why one that came was not good), `RECEIPT_MISSING:NOT_RECEIVING` at
   * once for an agent that takes no messages, `RECEIPT_MISSING:CLOSED`. Never rejects.
   */
  readonly receiptLater?: Promise<Result<Receipt>>;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Who waits for receipts that come later. `isReceiving`: whether they would get here. */
export interface Waiting {
  readonly receipts: AwaitedReceipts;
  readonly isReceiving: boolean;
  readonly timeoutMs: number | undefined;
}

/** Sends, and checks the receipt that comes back, or has the one that comes later waited for. */
export async function sendForReceipt(
  context: AgentContext,
  options: SendOptions,
  waiting: Waiting,
): Promise<MessageOutcome> {
  let came: Envelope | undefined;
  let later: { readonly nonce: string; readonly receipt: Promise<Result<Receipt>> } | undefined;
  let last: Envelope | undefined;
  const [first, ...others] = context.transports as [Transport, ...Transport[]];
  const asking = askingFor(first, {
    onReceipt: (receipt) => (came = receipt),
    onSealed: (envelope) => (last = envelope),
    onSend(envelope) {
      if (first.receipts === 'later')
        later = { nonce: envelope.nonce, receipt: receiptLater(envelope, waiting) };
    },
  });
  const sent = await send({ ...context, transports: [asking, ...others] }, options).catch(async (thrown) => {
    if (later) waiting.receipts.forget(later.nonce);
    const checked = came && last && (await checkReceipt(context, came, last));
    throw checked?.ok ? withReceipt(toXlinkError(thrown), checked.value) : thrown;
  });
  if (came) {
    if (later) waiting.receipts.forget(later.nonce);
    const checked = await checkReceipt(context, came, sent.envelope);
    if (checked.value?.status === 'failed')
      throw withReceipt(xlinkError('SEND_FAILED', { hint: HANDLER_FAILED }), checked.value); // whatever the answer around it said
    return checked.ok ? { ...sent, receipt: checked.value } : { ...sent, receiptError: checked.error };
  }
  if (!later) return sent;
  if (sent.envelopes.length === 1) return { ...sent, receiptLater: later.receipt };
  waiting.receipts.forget(later.nonce); // there are none of shares
  return sent;
}

const HANDLER_FAILED = 'Its recipient signed that its handler failed: see `receipt`.';

const withReceipt = (error: XlinkError, receipt: Receipt): XlinkError =>
  Object.defineProperty(error, 'receipt', { value: receipt, enumerable: true });

const receiptLater = (
  of: Envelope,
  { receipts, isReceiving, timeoutMs = DEFAULT_TIMEOUT_MS }: Waiting,
): Promise<Result<Receipt>> =>
  isReceiving
    ? receipts.expect(of, timeoutMs)
    : Promise.resolve(err(xlinkError('RECEIPT_MISSING:NOT_RECEIVING')));

async function checkReceipt(context: AgentContext, came: Envelope, of: Envelope): Promise<Result<Receipt>> {
  try {
    return ok(await verifyOwn(context, readReceipt(came).receipt, of));
  } catch (error) {
    return err(toXlinkError(error));
  }
}

/** Verifies a receipt; the registry is asked for the keys of a signer of version 3 alone. */
export const verifyOwn = (
  { identity, peers }: AgentContext,
  receipt: Receipt,
  of: Envelope | undefined,
): Promise<Receipt> =>
  verifyReceipt(identity.crypto, receipt, {
    of,
    async mlDsa65(signer) {
      const resolved = await peers.resolve(signer, 'sender');
      return resolved.peers.mlDsa65(resolved.peer);
    },
  });

/** Signs what became of a message that this agent received, and writes down first that it does. */
export async function createReceipt(
  agent: AgentContext,
  message: AgentMessage,
  transcript: Uint8Array | undefined,
  status: ReceiptStatus,
  log: ReceiptLog | undefined,
): Promise<Envelope> {
  if (!transcript || message.shares)
    throw xlinkError('RECEIPT_INVALID', {
      field: 'message',
      hint: 'There are receipts of whole messages only.',
    });
  const context = (message.recipient && agent.succession?.contextOf(message.recipient)) || agent;
  const { identity, clock, random } = context;
  const { sender: recipient, envelopeId: inReplyTo } = message;
  const messageHash = await hashOfTranscript(identity.crypto, transcript);
  const about = { signer: identity.did, recipient, inReplyTo, messageHash };
  const logged = await log?.entryOf(message, about);
  const now = clock();
  return signReceipt(identity, { message, transcript, receivedAt: now, logged }, status, { now, random });
}

/** The transport as it is, but that it asks for receipts. */
const askingFor = (
  transport: Transport,
  {
    onReceipt,
    onSend,
    onSealed,
  }: {
    readonly onReceipt: (receipt: Envelope) => void;
    readonly onSend: (envelope: Envelope) => void;
    readonly onSealed: (envelope: Envelope) => void;
  },
): Transport => ({
  send(envelope, to, again) {
    onSend(envelope);
    onSealed(envelope);
    const anew = async () => {
      const other = await again!();
      onSealed(other);
      return other;
    };
    return transport.send(envelope, to, again && anew, onReceipt);
  },
  onReceive: (handler) => transport.onReceive(handler),
  dispose: () => transport.dispose(),
  ...(transport.binding === undefined ? {} : { binding: transport.binding }),
});
