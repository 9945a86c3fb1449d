import type { Did } from '../../types/protocol.js';

/** How much of the store one sender or mailbox takes up. */
interface Amount {
  messages: number;
  bytes: number;
}

const NOTHING: Amount = { messages: 0, bytes: 0 };

/** Counts messages and bytes by DID; who has none is not remembered. */
export class Usage {
  readonly #amounts = new Map<Did, Amount>();
  total = 0;

  /** Whether one more message of this size stays within both limits. */
  hasRoom(did: Did, bytes: number, maxMessages: number, maxBytes: number): boolean {
    const amount = this.#amounts.get(did) ?? NOTHING;
    return amount.messages < maxMessages && amount.bytes + bytes <= maxBytes;
  }

  add(did: Did, bytes: number): void {
    const amount = this.#amounts.get(did) ?? { ...NOTHING };
    amount.messages += 1;
    amount.bytes += bytes;
    this.total += bytes;
    this.#amounts.set(did, amount);
  }

  remove(did: Did, bytes: number): void {
    const amount = this.#amounts.get(did);
    if (!amount) return;
    amount.messages -= 1;
    amount.bytes -= bytes;
    this.total -= bytes;
    if (amount.messages === 0) this.#amounts.delete(did);
  }
}
