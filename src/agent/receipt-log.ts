import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import { entryOfReceipt } from '../receipts/entry.js';
import type { Receipt } from '../receipts/receipt.js';
import type { AuditSink, DisclosedEntry } from '../types/audit.js';
import type { AgentMessage } from '../types/protocol.js';

/** Writes down, once for each message, that a receipt of it is signed. */
export class ReceiptLog {
  readonly #log: AuditSink;
  readonly #entries = new WeakMap<AgentMessage, Promise<DisclosedEntry | undefined>>();

  constructor(log: AuditSink) {
    this.#log = log;
  }

  /**
   * `undefined`: the log is not that of the signer, proves nothing, or may drop entries and did. Rejects with `AUDIT_UNAVAILABLE…` if it cannot write.
   */
  entryOf(
    message: AgentMessage,
    about: Pick<Receipt, 'signer' | 'recipient' | 'inReplyTo' | 'messageHash'>,
  ): Promise<DisclosedEntry | undefined> {
    const log = this.#log;
    if (!log.appendProven || !log.origin?.startsWith(`${about.signer}/`)) return Promise.resolve(undefined);
    const kept = this.#entries.get(message) ?? log.appendProven(entryOfReceipt(about)).catch(unavailable);
    this.#entries.set(message, kept);
    kept.catch(() => this.#entries.delete(message)); // it may succeed another time
    return kept;
  }
}

function unavailable(thrown: unknown): never {
  const known = toXlinkError(thrown);
  throw known.code === 'AUDIT_UNAVAILABLE' ? known : xlinkError('AUDIT_UNAVAILABLE', { cause: thrown });
}
