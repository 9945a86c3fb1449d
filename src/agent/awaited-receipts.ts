import { err, ok, type Result } from '../errors/result.js';
import { toXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { type Receipt, readReceipt } from '../receipts/receipt.js';
import type { Envelope } from '../types/protocol.js';
import { unref } from '../util/backoff.js';

/** A message whose receipt is still to come. */
interface Awaited {
  readonly of: Envelope;
  readonly settle: (result: Result<Receipt>) => void;
  /** Why one that came was not good: another may follow. */
  refused?: XlinkError;
}

/** Verifies a receipt, and that it is of this message if there is one. Throws what is wrong. */
type Verify = (receipt: Receipt, of: Envelope | undefined) => Promise<Receipt>;

/** Receipts that come as messages, and those who wait for them. */
export class AwaitedReceipts {
  readonly #awaited = new Map<string, Awaited>();

  /** Messages whose receipt is waited for. */
  get size(): number {
    return this.#awaited.size;
  }

  /** The receipt of a message that is about to be sent, or why there is none: `RECEIPT_MISSING…`. */
  expect(of: Envelope, timeoutMs: number): Promise<Result<Receipt>> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const { refused: cause } = awaited;
        settle(err(xlinkError('RECEIPT_MISSING', { retryAfterMs: timeoutMs, cause })));
      }, timeoutMs);
      unref(timer);
      const settle = (result: Result<Receipt>) => {
        clearTimeout(timer);
        this.#awaited.delete(of.nonce);
        resolve(result);
      };
      const awaited: Awaited = { of, settle };
      this.#awaited.set(of.nonce, awaited);
    });
  }

  /** The message was not sent. */
  forget(nonce: string): void {
    this.#awaited.get(nonce)?.settle(err(xlinkError('RECEIPT_MISSING')));
  }

  /**
   * Takes a receipt as it came, and gives it to the one who waits for it. One that is not good leaves them waiting: who saw a message can send bad
   * receipts of it. Throws what is wrong with it.
   */
  async take(envelope: Envelope, verify: Verify): Promise<Receipt> {
    const { receipt } = readReceipt(envelope);
    const awaited = this.#awaited.get(receipt.inReplyTo);
    try {
      const verified = await verify(receipt, awaited?.of);
      awaited?.settle(ok(verified));
      return verified;
    } catch (thrown) {
      const error = toXlinkError(thrown);
      if (awaited) awaited.refused = error;
      throw error;
    }
  }

  close(): void {
    for (const { settle } of [...this.#awaited.values()]) settle(err(xlinkError('RECEIPT_MISSING:CLOSED')));
  }
}
