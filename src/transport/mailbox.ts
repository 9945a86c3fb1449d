import type { Did, Envelope } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';
import { type Backoff, pause } from '../util/backoff.js';
import { tell } from '../util/tell.js';
import type { MailboxSource } from './long-poll.js';
import { type Delivery, MAX_BATCH } from './relay-protocol.js';

export interface MailboxOptions {
  readonly source: MailboxSource;
  /** Whose mailbox it is. */
  readonly owner: () => Promise<Did>;
  /** Resolves once the envelope is taken. `wantsReceipt`: its sender asks for a receipt. */
  readonly take: (envelope: Envelope, wantsReceipt: boolean) => Awaitable<void>;
  readonly waitMs: number;
  /** Between attempts to reach the relay, and before what was not taken is tried again. */
  readonly backoff: Backoff;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/**
 * Reads a mailbox until the signal says stop. What was taken is acknowledged, with the next pull. What was not holds up
 * what the same sender sent later, so that the order stays, and no other sender's; after a while it is fetched again.
 */
export class Mailbox {
  readonly #options: MailboxOptions;
  #did: Did | undefined;
  /** Taken, and not yet known to the relay. */
  #acks: string[] = [];
  #after = '';
  /** Senders with a message that was not taken. */
  readonly #stuck = new Set<Did>();
  #rewindAt = 0;
  #rewinds = 0;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { signal, backoff, onError, source } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#turn();
        failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        tell(onError, error);
        this.#after = ''; // the relay may have been restarted
        failures += 1;
        await pause(backoff(failures + 1), signal);
      }
    }
    source.close();
  }

  async #turn(): Promise<void> {
    const { source, waitMs, owner } = this.#options;
    const did = await owner();
    if (did !== this.#did) this.#begin(did);
    const ack = this.#acks.slice(0, MAX_BATCH);
    const isBehind = this.#acks.length > ack.length;
    const waits = isBehind ? 0 : this.#patience(waitMs);
    const deliveries = await source.pull({ ack, after: this.#after, waitMs: waits }, did);
    this.#acks = this.#acks.slice(ack.length);
    if (deliveries.length > 0) {
      this.#after = deliveries.at(-1)!.id;
      await this.#takeAll(deliveries);
    }
    this.#rewindIfDue();
  }

  /** Another mailbox: places and acknowledgements were those of the one before. */
  #begin(did: Did): void {
    this.#did = did;
    this.#acks = [];
    this.#after = '';
    this.#stuck.clear();
  }

  /** No longer than until what was not taken is to be tried again. */
  #patience(waitMs: number): number {
    if (this.#stuck.size === 0) return waitMs;
    return Math.max(0, Math.min(waitMs, Math.ceil(this.#rewindAt - performance.now())));
  }

  #rewindIfDue(): void {
    if (this.#stuck.size === 0 || performance.now() < this.#rewindAt) return;
    this.#stuck.clear();
    this.#after = '';
  }

  /** One after the other for each sender, the senders side by side. */
  async #takeAll(deliveries: readonly Delivery[]): Promise<void> {
    const bySender = groupBySender(deliveries);
    let failed = false;
    await Promise.all(
      [...bySender].map(async ([sender, theirs]) => {
        if (!(await this.#takeInOrder(sender, theirs))) failed = true;
      }),
    );
    if (!failed) {
      if (this.#stuck.size === 0) this.#rewinds = 0;
      return;
    }
    this.#rewinds += 1;
    this.#rewindAt = performance.now() + this.#options.backoff(this.#rewinds + 1);
  }

  async #takeInOrder(sender: Did, deliveries: readonly Delivery[]): Promise<boolean> {
    const { take, signal, onError } = this.#options;
    for (const { id, envelope, receipt } of deliveries) {
      if (signal.aborted || this.#stuck.has(sender)) return true;
      try {
        await take(envelope, receipt === true);
        this.#acks.push(id);
      } catch (error) {
        this.#stuck.add(sender);
        tell(onError, error);
        return false;
      }
    }
    return true;
  }
}

/** What is no text is one sender: the envelope will be refused. */
function groupBySender(deliveries: readonly Delivery[]): Map<Did, Delivery[]> {
  const groups = new Map<Did, Delivery[]>();
  for (const delivery of deliveries) {
    const group = groups.get(delivery.envelope.from);
    if (group) group.push(delivery);
    else groups.set(delivery.envelope.from, [delivery]);
  }
  return groups;
}
