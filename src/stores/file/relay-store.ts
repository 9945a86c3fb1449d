import { limitsOf } from '../../relay/limits.js';
import type { AddOutcome, Posted, RelayLimits, RelayStore } from '../../relay/store.js';
import type { Delivery } from '../../transport/relay-protocol.js';
import type { Clock, Did, Envelope } from '../../types/protocol.js';
import { BoundedMap } from '../../util/bounded-map.js';
import { checkOptions, isObject, isPromptFunction, requireOption } from '../../util/options.js';
import { DEFAULT_LOCK_WAIT_MS, FILE_OPTION_CHECKS, type FileStoreOptions } from './file-options.js';
import { JournalQueue } from './journal-queue.js';
import { Mailboxes, type Waiting } from './relay-mailboxes.js';
import { Usage } from './relay-usage.js';
import { Watchers } from './relay-watchers.js';

/** Options of {@link FileRelayStore}. */
export interface FileRelayStoreOptions extends FileStoreOptions {
  /** What a mailbox and a sender may take up. Defaults as in {@link RelayLimits}. */
  readonly limits?: Partial<RelayLimits>;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** What the file holds: a message that came, messages of a recipient that are gone, or the highest id there was. */
type Change =
  | { readonly add: Waiting }
  | { readonly gone: readonly number[]; readonly to: Did }
  | { readonly last: number };

/** Messages that are remembered for a while after they were fetched, so that a late copy is known. */
const RECENT = 100_000;

/**
 * Mailboxes in a file of one process, and in its memory. A message, and an acknowledgement, is on the disk before it is
 * answered; those that come together share one write. What a crash left unfinished at the end of the file is cut off.
 */
export class FileRelayStore implements RelayStore {
  readonly #limits: RelayLimits;
  readonly #clock: Clock;
  readonly #boxes = new Mailboxes();
  readonly #queue: JournalQueue;
  readonly #watchers = new Watchers();
  readonly #senders = new Usage();
  readonly #recipients = new Usage();
  /** Keys of what waits or is about to. */
  readonly #known = new Set<string>();
  readonly #recent = new BoundedMap<string, true>(RECENT);
  /** Messages that are being written, so that a copy is not answered before the first one is durable. */
  readonly #writing = new Map<string, Promise<void>>();
  #lastId = 0;

  private constructor(options: FileRelayStoreOptions) {
    this.#limits = limitsOf('FileRelayStore', options.limits);
    this.#clock = options.clock ?? Date.now;
    this.#queue = new JournalQueue({
      path: options.path,
      format: 'xlink-relay',
      onRepair: options.onRepair,
      lockWaitMs: options.lockWaitMs ?? DEFAULT_LOCK_WAIT_MS,
      replay: (change) => this.#replay(change as Change),
      snapshot: () => this.#snapshot(),
      liveBytes: () => this.#recipients.total,
    });
  }

  /**
   * Rejects with `INVALID_OPTION`, or with a `FileStoreError` where the file is locked by another process, damaged, of
   * another kind, or holds less than was acknowledged.
   */
  static async open(options: FileRelayStoreOptions): Promise<FileRelayStore> {
    checkOptions('FileRelayStore', options, {
      ...FILE_OPTION_CHECKS,
      limits: isObject,
      clock: isPromptFunction,
    });
    requireOption('FileRelayStore', options, 'path');
    const store = new FileRelayStore(options);
    await store.#queue.ready();
    return store;
  }

  async add({ envelope, bytes, receipt }: Posted): Promise<AddOutcome> {
    const { from, to } = envelope;
    const key = keyOf(envelope);
    if (this.#has(key)) return this.#alreadyThere(key);
    const { messagesPerSender, bytesPerSender, messagesPerMailbox, bytesPerMailbox } = this.#limits;
    if (!this.#senders.hasRoom(from, bytes, messagesPerSender, bytesPerSender)) return 'sender-full';
    if (!this.#recipients.hasRoom(to, bytes, messagesPerMailbox, bytesPerMailbox)) return 'mailbox-full';
    if (this.#recipients.total + bytes > this.#limits.bytesInAll) throw new Error('the relay is full');
    this.#count(envelope, bytes);
    const id = ++this.#lastId;
    const expiresAt = this.#clock() + this.#limits.lifetimeMs;
    const message: Waiting = { id, envelope, bytes, expiresAt, ...(receipt && { receipt }) };
    const written = this.#queue.write({ add: message } satisfies Change, () => this.#boxes.put(message));
    this.#writing.set(key, written);
    try {
      await written;
    } catch (error) {
      this.#uncount(envelope, bytes);
      throw error;
    } finally {
      this.#writing.delete(key);
    }
    this.#watchers.wake(to);
    return 'stored';
  }

  /** Of what was fetched, the last 100 000 messages. */
  async knows(envelope: Envelope): Promise<boolean> {
    const key = keyOf(envelope);
    return this.#has(key) && (await this.#alreadyThere(key)) === 'known';
  }

  list(to: Did, after: string, max: number): Delivery[] {
    return this.#boxes.list(to, after === '' ? 0 : Number(after), max, this.#clock());
  }

  async ack(to: Did, ids: readonly string[]): Promise<void> {
    const there = ids.map(Number).filter((id) => this.#boxes.has(to, id));
    if (there.length > 0) await this.#remove(to, there);
  }

  watch(to: Did, wake: () => void): () => void {
    return this.#watchers.watch(to, wake);
  }

  async sweep(): Promise<void> {
    const now = this.#clock();
    const expired = new Map<Did, number[]>();
    for (const { id, envelope, expiresAt } of this.#boxes.all()) {
      if (expiresAt > now) continue;
      const ids = expired.get(envelope.to);
      if (ids) ids.push(id);
      else expired.set(envelope.to, [id]);
    }
    await Promise.all([...expired].map(([to, ids]) => this.#remove(to, ids)));
  }

  /** Writes what is still to be written, and lets another process have the file. */
  close(): Promise<void> {
    return this.#queue.close();
  }

  #has(key: string): boolean {
    return this.#known.has(key) || this.#recent.get(key) === true;
  }

  async #alreadyThere(key: string): Promise<AddOutcome> {
    await this.#writing.get(key);
    return 'known';
  }

  async #remove(to: Did, gone: readonly number[]): Promise<void> {
    await this.#queue.write({ gone, to } satisfies Change, () => this.#forget(to, gone));
  }

  #forget(to: Did, gone: readonly number[]): void {
    for (const id of gone) {
      const message = this.#boxes.take(to, id);
      if (!message) continue; // acknowledged twice at a time
      this.#uncount(message.envelope, message.bytes);
      this.#recent.set(keyOf(message.envelope), true);
    }
  }

  #replay(change: Change): void {
    if ('add' in change) {
      this.#boxes.put(change.add);
      this.#count(change.add.envelope, change.add.bytes);
    } else if ('gone' in change) this.#forget(change.to, change.gone);
    const id = 'add' in change ? change.add.id : 'last' in change ? change.last : 0;
    this.#lastId = Math.max(this.#lastId, id);
  }

  #count(envelope: Posted['envelope'], bytes: number): void {
    this.#known.add(keyOf(envelope));
    this.#senders.add(envelope.from, bytes);
    this.#recipients.add(envelope.to, bytes);
  }

  #uncount(envelope: Posted['envelope'], bytes: number): void {
    this.#known.delete(keyOf(envelope));
    this.#senders.remove(envelope.from, bytes);
    this.#recipients.remove(envelope.to, bytes);
  }

  *#snapshot(): Iterable<Change> {
    yield { last: this.#lastId };
    for (const add of this.#boxes.all()) yield { add };
  }
}

const keyOf = ({ to, from, nonce }: Posted['envelope']): string => `${to} ${from} ${nonce}`;
