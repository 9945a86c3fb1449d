import {
  type Did,
  type KeyRecord,
  type ManagedTrustRegistry,
  MemoryTrustRegistry,
  type Registration,
  type RegistryEntry,
} from '@private.me/xlink';
import type { X0xId } from '../identity/ids.js';

/** Guests held at most, of all hosts. */
const MOST = 2048;

/** Through whom a stranger became known, and how many strangers that one may bring: then the first that it brought goes. */
export interface Introduction {
  /** The contact. */
  readonly via: X0xId;
  /** DIDs that become known through it at most. */
  readonly most: number;
}

interface Guest {
  readonly via: X0xId;
  readonly registry: MemoryTrustRegistry;
}

type Kept = ManagedTrustRegistry & Pick<Required<ManagedTrustRegistry>, 'onChange'>;

/**
 * The registry of an instance: the DIDs of contacts, which are kept in a file, and those of strangers that others brought, in memory and in
 * bounds. A stranger never takes the place of a contact, and none is kept for good.
 */
export class Acquaintances {
  readonly #kept: Kept;
  readonly #guests = new Map<Did, Guest>();
  readonly #gone = new Set<(did: Did) => void>();

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  async lookup(did: Did): Promise<RegistryEntry | undefined> {
    return (await this.#kept.lookup(did)) ?? this.#guests.get(did)?.registry.lookup(did);
  }

  async list(): Promise<readonly RegistryEntry[]> {
    const guests = [...this.#guests.values()].flatMap(({ registry }) => registry.list());
    return [...(await this.#kept.list()), ...guests];
  }

  /** Whether a DID is in the file. */
  async isKept(did: Did): Promise<boolean> {
    return (await this.#kept.lookup(did)) !== undefined;
  }

  /** Into the file, and out of the memory if it was there. */
  async register(entry: Registration) {
    const done = await this.#kept.register(entry);
    if (done.ok) this.#guests.delete(entry.did);
    return done;
  }

  async updateKeys(record: KeyRecord) {
    return (this.#guests.get(record.did)?.registry ?? this.#kept).updateKeys(record);
  }

  /** Into the memory. */
  async meet(entry: Registration, { via, most }: Introduction) {
    const registry = new MemoryTrustRegistry();
    const done = await registry.register(entry);
    if (!done.ok) return done;
    const brought = [...this.#guests].filter(([, guest]) => guest.via === via).map(([did]) => did);
    if (brought.length >= most) this.forget(brought[0]!);
    else if (this.#guests.size >= MOST) this.forget(this.#guests.keys().next().value!);
    this.#guests.set(entry.did, { via, registry });
    return done;
  }

  /** Forgets a guest. */
  forget(did: Did): void {
    if (!this.#guests.delete(did)) return;
    for (const listener of this.#gone) listener(did);
  }

  /** Calls the listener with each guest that is forgotten. */
  onForget(listener: (did: Did) => void): void {
    this.#gone.add(listener);
  }

  onChange(listener: (did: Did | undefined) => void): () => void {
    return this.#kept.onChange(listener);
  }
}
