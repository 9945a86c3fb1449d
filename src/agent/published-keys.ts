import { toXlinkError, xlinkError } from '../errors/errors.js';
import { type KeyEpochStatus, REREAD_MS } from '../identity/encryption-keys.js';
import type { KeyRecord } from '../types/protocol.js';
import { unref } from '../util/backoff.js';
import { callRegistry } from './call-registry.js';
import type { AgentContext } from './context.js';
import { recordOf } from './own-record.js';
import { publishKeys } from './register.js';

/** How often the store and the entry are looked at, in ms, where nothing is due before: another instance may have rotated on demand. */
const LOOK_AFTER_MS = 10_000;

/**
 * The key record of an agent, signed once for each epoch of its encryption keys; and the registry entry, which follows a key
 * store, a commitment to a successor, and an identity that took the place of another. With a key store this is what rotates and
 * erases without traffic.
 */
export class PublishedKeys {
  readonly #context: AgentContext;
  #record: KeyRecord | undefined;
  /** The epoch that the registry has, as far as is known here. */
  #inRegistry: number | undefined;
  #publishing: Promise<void> | undefined;
  #retryAt = -Infinity;
  #timer: unknown;
  #stopped = false;

  constructor(context: AgentContext) {
    this.#context = context;
    this.#watch(REREAD_MS);
  }

  /** `undefined` before the first use, and for keys that are derived from the seed. */
  get status(): KeyEpochStatus | undefined {
    return this.#context.keyRing.rotation?.status;
  }

  /** The record of the published epoch, which is rotated first if it is due. A registry that is away does not keep it back. */
  async record(): Promise<KeyRecord> {
    const record = await this.#newest();
    await this.#publishIfDue(record);
    return record;
  }

  /** A new epoch, in the registry when it resolves. Throws `INVALID_OPTION` for keys that are derived from the seed. */
  async rotate(): Promise<KeyRecord> {
    const { rotation } = this.#context.keyRing;
    if (!rotation)
      throw xlinkError('INVALID_OPTION', {
        field: 'keyStore',
        hint: 'rotateKeys() needs the option keyStore.',
      });
    await rotation.rotate();
    const record = await this.#newest();
    await this.#publish(record);
    return record;
  }

  /** Calls the listener with the published epoch of a key store and its successors, until the returned function is called. */
  onChange(listener: (status: KeyEpochStatus) => void): () => void {
    return this.#context.keyRing.rotation?.onChange(listener) ?? (() => {});
  }

  /** Nothing is rotated or erased any more but by traffic. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer as number);
  }

  async #newest(): Promise<KeyRecord> {
    const { identity, clock, keyRing, commitment } = this.#context;
    const encryption = await keyRing.current();
    if (!this.#record || this.#record.keyEpoch < encryption.keyEpoch) {
      const record = await recordOf(identity, encryption, await commitment(), clock);
      // Another call may have been faster, with newer keys.
      if (!this.#record || this.#record.keyEpoch < record.keyEpoch) this.#record = record;
    }
    return this.#record;
  }

  async #publishIfDue(record: KeyRecord): Promise<void> {
    const now = this.#context.clock();
    const isDone = !this.#context.entryFollows || this.#inRegistry === record.keyEpoch;
    if (isDone || Math.abs(now - this.#retryAt) < REREAD_MS) return;
    try {
      await this.#publish(record);
    } catch (error) {
      this.#retryAt = now;
      this.#context.warn({ type: 'keys-not-published', error: toXlinkError(error) });
    }
  }

  /** Brings the keys to the registry, where this identity is in it. */
  async #publish(record: KeyRecord): Promise<void> {
    while (this.#publishing) await this.#publishing.catch(() => {});
    if (this.#inRegistry === record.keyEpoch) return;
    this.#publishing = this.#bringToRegistry(record.keyEpoch);
    try {
      await this.#publishing;
    } finally {
      this.#publishing = undefined;
    }
  }

  async #bringToRegistry(keyEpoch: number): Promise<void> {
    const { registry, identity, keyRing, clock, commitment } = this.#context;
    const entry = await callRegistry(() => registry.lookup(identity.did), 'LOOKUP_FAILED');
    // Another instance may be ahead: then it has brought keys that the store has, too.
    const isAhead = keyRing.rotation !== undefined && (entry?.keys?.keyEpoch ?? 0) > keyEpoch;
    const next = await commitment();
    if (entry?.status === 'active' && !isAhead)
      await publishKeys(registry, identity, entry, (await keyRing.find(keyEpoch))!, next, clock);
    // An entry that is made later may be made without the commitment.
    if (entry || !next.next) this.#inRegistry = keyEpoch;
  }

  /** Looks again when something is due, and every few seconds as long as that may be. Does not keep a process alive. */
  #watch(withinMs = LOOK_AFTER_MS): void {
    const { clock, entryFollows, keyRing } = this.#context;
    const { rotation } = keyRing;
    const isDone = !rotation && (!entryFollows || this.#inRegistry !== undefined);
    if (isDone || this.#timer !== undefined || this.#stopped) return;
    const inMs = (rotation?.dueAt ?? Number.POSITIVE_INFINITY) - clock();
    const look = async () => {
      try {
        await rotation?.maintain();
        await this.record();
      } catch {
        // the ring warns of its store, and whoever needs the keys hears of the rest
      } finally {
        this.#timer = undefined;
        this.#watch();
      }
    };
    this.#timer = setTimeout(look, Math.min(Math.max(inMs, REREAD_MS), withinMs));
    unref(this.#timer);
  }
}
