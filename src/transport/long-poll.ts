import type { Did } from '../types/protocol.js';
import { type Delivery, deliveriesIn, type Pull, RECEIVE_REQUEST } from './relay-protocol.js';
import type { RelaySession } from './relay-session.js';

/** Where a mailbox is read: long poll or WebSocket. */
export interface MailboxSource {
  /** Deliveries for the DID, or none if there were none within `waitMs`. Rejects where the relay cannot be asked. */
  pull(pull: Pull, did: Did): Promise<readonly Delivery[]>;
  close(): void;
}

/** A signed request for every pull; the relay holds it while there is nothing. */
export class LongPoll implements MailboxSource {
  readonly #session: RelaySession;

  constructor(session: RelaySession) {
    this.#session = session;
  }

  async pull(pull: Pull): Promise<readonly Delivery[]> {
    const proof = await this.#session.proof(RECEIVE_REQUEST, pull);
    return deliveriesIn(
      await this.#session.call('POST', '/relay/receive', JSON.stringify(proof), pull.waitMs),
    );
  }

  close(): void {}
}
