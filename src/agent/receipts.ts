import type { Result } from '../errors/result.js';
import { err, ok } from '../errors/result.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { type Receipt, type ReceiptStatus, readReceipt, signReceipt } from '../receipts/receipt.js';
import { verifyReceipt } from '../receipts/verify.js';
import type { Transport } from '../types/ports.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { type SendOptions, type SendOutcome, send } from './send.js';

/** Options of `agent.send()`. */
export type MessageOptions = SendOptions & {
  /**
   * Asks the recipient for a signed receipt. Loopback and HTTP bring one back; other transports, and messages in shares, do not. Default
   * `false`.
   */
  readonly requestReceipt?: boolean;
  /** `false`: in an envelope, also where the transport may use a session. Default: as the transport was made. */
  readonly session?: boolean;
};

/** What `send` delivered, and what the recipient signed about it. */
export interface MessageOutcome extends SendOutcome {
  /** Verified, and of this very message. Absent: none was asked for, none came, or it was not good (`receiptError`). */
  readonly receipt?: Receipt;
  /** Why the receipt that came is not good. The message was delivered all the same. */
  readonly receiptError?: XlinkError;
}

/** Sends, and checks the receipt that comes back. */
export async function sendForReceipt(context: AgentContext, options: SendOptions): Promise<MessageOutcome> {
  let came: Envelope | undefined;
  const [first, ...others] = context.transports as [Transport, ...Transport[]];
  const asking = askingFor(first, (receipt) => (came = receipt));
  const sent = await send({ ...context, transports: [asking, ...others] }, options);
  if (!came) return sent;
  const checked = await checkReceipt(context, came, sent.envelope);
  return checked.ok ? { ...sent, receipt: checked.value } : { ...sent, receiptError: checked.error };
}

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

/** Signs what became of a message that this agent received. */
export async function createReceipt(
  agent: AgentContext,
  message: AgentMessage,
  transcript: Uint8Array | undefined,
  status: ReceiptStatus,
): Promise<Envelope> {
  if (!transcript || message.shares)
    throw xlinkError('RECEIPT_INVALID', {
      field: 'message',
      hint: 'There are receipts of whole messages only.',
    });
  const context = (message.recipient && agent.succession?.contextOf(message.recipient)) || agent;
  const { identity, clock, random } = context;
  const now = clock();
  return signReceipt(identity, { message, transcript, receivedAt: now }, status, { now, random });
}

/** The transport as it is, but that it asks for receipts. */
const askingFor = (transport: Transport, onReceipt: (receipt: Envelope) => void): Transport => ({
  send: (envelope, to, again) => transport.send(envelope, to, again, onReceipt),
  onReceive: (handler) => transport.onReceive(handler),
  dispose: () => transport.dispose(),
  ...(transport.binding === undefined ? {} : { binding: transport.binding }),
});
