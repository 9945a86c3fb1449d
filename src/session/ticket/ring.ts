import { concat, equalBytes, lengthPrefixed } from '../../crypto/bytes.js';
import type { CryptoProvider } from '../../crypto/provider.js';
import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { Identity } from '../../identity/identity.js';
import type { Clock } from '../../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../../util/base64url.js';
import { encodeUtf8 } from '../../util/utf8.js';
import type { TicketKeyStore } from '../ports.js';
import { keyIdOf, type TicketKey, ticketKey } from './ticket.js';

/** For how long a key seals tickets, in ms. */
export const KEY_ACTIVE_MS = 600_000;
/** How far the clocks of instances may be apart, in ms. */
const SKEW_MS = 30_000;
/** How often a key that is not known here is asked for, in ms. */
const ASK_AGAIN_MS = 1000;

export interface TicketRingParts {
  readonly identity: Identity;
  readonly clock: Clock;
  /** How long a ticket is good at most, in ms: so long after its time a key is kept. */
  readonly lifetimeMs: number;
  /** Absent: the keys are random, and in the memory of this process alone. */
  readonly store: TicketKeyStore | undefined;
}

interface Slot {
  readonly number: number;
  readonly key: TicketKey;
}

/**
 * The keys that tickets are sealed under: a fresh one every ten minutes, kept until the last ticket under it is over, then forgotten.
 * So what was recorded stays closed once that time is over, whoever gets what the service keeps.
 */
export class TicketRing {
  readonly #parts: TicketRingParts;
  readonly #crypto: CryptoProvider;
  #slots: Slot[] = [];
  #loading = new Map<number, Promise<Slot | undefined>>();
  #askedAt = -Infinity;
  /** The last look through the store. Those that come meanwhile wait for all of it, and fail with it. */
  #asking: Promise<void> = Promise.resolve();

  constructor(parts: TicketRingParts) {
    this.#parts = parts;
    this.#crypto = parts.identity.crypto;
  }

  /** The key of now. Rejects with `SESSION_STORE_UNAVAILABLE`. */
  async current(): Promise<TicketKey> {
    const number = this.#numberOf(this.#parts.clock());
    const known = this.#slots.find((slot) => slot.number === number);
    return (known ?? (await this.#load(number, true))!).key;
  }

  /** The key that a ticket is sealed under, from memory; `undefined` if it is not known here. */
  held(ticket: Uint8Array): TicketKey | undefined {
    const id = keyIdOf(ticket);
    const oldest = this.#oldest();
    for (const { number, key } of this.#slots) if (number >= oldest && equalBytes(key.id, id)) return key;
    return undefined;
  }

  /**
   * The same, also of another instance. Throws `SESSION_UNKNOWN` for a key that is not there: dropped, or of another service. Anybody can
   * name one, so the store is asked once a second.
   */
  async find(ticket: Uint8Array): Promise<TicketKey> {
    const held = this.held(ticket);
    if (held) return held;
    const now = this.#parts.clock();
    if (this.#parts.store && Math.abs(now - this.#askedAt) >= ASK_AGAIN_MS) {
      this.#askedAt = now;
      this.#asking = this.#askForAll(now);
    }
    await Promise.all([this.#asking, ...this.#loading.values()]);
    const found = this.held(ticket);
    if (!found) throw xlinkError('SESSION_UNKNOWN', { field: 'ticket' });
    return found;
  }

  /** Drops the keys under which no ticket is good any more. Whether any are left. */
  forgetOver(): boolean {
    const oldest = this.#oldest();
    this.#slots = this.#slots.filter(({ number }) => number >= oldest);
    return this.#slots.length > 0;
  }

  async #askForAll(now: number): Promise<void> {
    for (let number = this.#oldest(); number <= this.#numberOf(now + SKEW_MS); number++)
      if (!this.#slots.some((slot) => slot.number === number)) await this.#load(number, false);
  }

  /** One question at a time for each slot. `makes`: a key is made where there is none. */
  #load(number: number, makes: boolean): Promise<Slot | undefined> {
    const loading = (this.#loading.get(number) ?? Promise.resolve(undefined))
      .then(
        async (slot) => slot ?? this.#slots.find((one) => one.number === number) ?? this.#ask(number, makes),
      )
      .finally(() => this.#loading.delete(number));
    this.#loading.set(number, loading);
    return loading;
  }

  async #ask(number: number, makes: boolean): Promise<Slot | undefined> {
    const secret = await this.#secretOf(number, makes);
    if (!secret) return undefined;
    const slot = { number, key: await ticketKey(this.#crypto, secret) };
    secret.fill(0);
    const oldest = this.#oldest();
    this.#slots = [slot, ...this.#slots.filter((one) => one.number >= oldest && one.number !== number)];
    return slot;
  }

  async #secretOf(number: number, makes: boolean): Promise<Uint8Array | undefined> {
    const { store, identity, lifetimeMs } = this.#parts;
    const fresh = makes ? this.#crypto.randomBytes(32) : undefined;
    if (!store) return fresh;
    const name = `${identity.did}:${number}`;
    try {
      const kept = fresh
        ? await store.keep(name, await this.#seal(name, fresh), KEY_ACTIVE_MS + lifetimeMs + 2 * SKEW_MS)
        : await store.read(name);
      return kept === undefined ? undefined : await this.#open(name, kept);
    } catch (cause) {
      throw isXlinkError(cause) ? cause : xlinkError('SESSION_STORE_UNAVAILABLE', { cause });
    }
  }

  async #seal(name: string, secret: Uint8Array): Promise<string> {
    const salt = this.#crypto.randomBytes(16);
    const key = await this.#sealingKey(salt);
    const sealed = await this.#crypto.aes256gcm.seal(key, ZERO_IV, lengthPrefixed([LABEL, name]), secret);
    return encodeBase64url(concat([salt, sealed]));
  }

  async #open(name: string, text: string): Promise<Uint8Array> {
    const bytes = decodeBase64url(text) ?? new Uint8Array(0);
    const key = await this.#sealingKey(bytes.subarray(0, 16));
    const aad = lengthPrefixed([LABEL, name]);
    const secret = await this.#crypto.aes256gcm.open(key, ZERO_IV, aad, bytes.subarray(16));
    if (secret?.length !== 32)
      throw xlinkError('SESSION_STORE_UNAVAILABLE', { cause: new Error('a ticket key does not open') });
    return secret;
  }

  async #sealingKey(salt: Uint8Array): Promise<Uint8Array> {
    const seed = this.#parts.identity.privateKey;
    try {
      return await this.#crypto.hkdf(seed, lengthPrefixed([LABEL, salt]), 32);
    } finally {
      seed.fill(0);
    }
  }

  #numberOf(time: number): number {
    return Math.floor(time / KEY_ACTIVE_MS);
  }

  /** The oldest slot whose tickets may still be good. */
  #oldest(): number {
    return this.#numberOf(this.#parts.clock() - this.#parts.lifetimeMs - SKEW_MS);
  }
}

const LABEL = encodeUtf8('xlink/1 session ticket kek');
/** Each key that is sealed has a sealing key of its own, for the salt is random. */
const ZERO_IV = new Uint8Array(12);
