import { toXlinkError } from '../errors/errors.js';
import { err, ok, type Result } from '../errors/result.js';
import type { Transport } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';

/** Keeps what is sent in `outbox` and hands it to every handler in this process. For tests, examples and demos. */
export class LoopbackTransport implements Transport {
  /** Everything sent, oldest first. */
  readonly outbox: Envelope[] = [];
  readonly #handlers = new Set<Parameters<Transport['onReceive']>[0]>();

  async send(
    envelope: Envelope,
    _to: Did,
    _again?: unknown,
    onReceipt?: (receipt: Envelope) => void,
  ): Promise<Result<void>> {
    const arrival = onReceipt && { reply: onReceipt };
    this.outbox.push(envelope);
    try {
      for (const handler of this.#handlers) await handler(envelope, arrival);
      return ok(undefined);
    } catch (error) {
      return err(toXlinkError(error)); // the handler has not taken it
    }
  }

  onReceive(handler: Parameters<Transport['onReceive']>[0]): void {
    this.#handlers.add(handler);
  }

  /** What is in the outbox for this DID, whether it was received or not. */
  backlog(to: Did): readonly Envelope[] {
    return this.outbox.filter((envelope) => envelope.to === to);
  }

  /** Forgets handlers and outbox. */
  dispose(): void {
    this.#handlers.clear();
    this.outbox.length = 0;
  }
}
