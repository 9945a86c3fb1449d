import type { Delivery } from '../../transport/relay-protocol.js';
import type { Did, Envelope } from '../../types/protocol.js';

/** A message that waits. */
export interface Waiting {
  readonly id: number;
  readonly envelope: Envelope;
  readonly bytes: number;
  /** In ms since 1970. */
  readonly expiresAt: number;
  readonly receipt?: true;
}

/** The messages that wait, by recipient, in the order of their ids. */
export class Mailboxes {
  readonly #boxes = new Map<Did, Map<number, Waiting>>();

  put(message: Waiting): void {
    const { to } = message.envelope;
    const box = this.#boxes.get(to);
    if (box) box.set(message.id, message);
    else this.#boxes.set(to, new Map([[message.id, message]]));
  }

  has(to: Did, id: number): boolean {
    return this.#boxes.get(to)?.has(id) ?? false;
  }

  /** The message that was removed; `undefined` if it is not in that mailbox. */
  take(to: Did, id: number): Waiting | undefined {
    const box = this.#boxes.get(to);
    const message = box?.get(id);
    if (!box || !message) return undefined;
    box.delete(id);
    if (box.size === 0) this.#boxes.delete(to);
    return message;
  }

  list(to: Did, after: number, max: number, now: number): Delivery[] {
    const found: Delivery[] = [];
    for (const { id, envelope, expiresAt, receipt } of this.#boxes.get(to)?.values() ?? []) {
      if (id <= after || expiresAt <= now) continue;
      found.push({ id: String(id), envelope, ...(receipt && { receipt }) });
      if (found.length === max) break;
    }
    return found;
  }

  *all(): Iterable<Waiting> {
    for (const box of this.#boxes.values()) yield* box.values();
  }
}
