import {
  type Clock,
  type Did,
  err,
  type Grant,
  type KeyRecord,
  type ManagedTrustRegistry,
  ok,
  type Registration,
  type RegistryEntry,
  type Result,
  type RevokeOptions,
  type ScopeChange,
  type Succession,
  toXlinkError,
} from '@private.me/xlink';
import type { ChangeListener, FeedState } from '@private.me/xlink/server';
import type { Members, XidMember } from './members.js';

/** A registry with identities of epochs beside what it holds. They are looked up with every message, so that what ends, ends at once. */
export class XidRegistry implements ManagedTrustRegistry {
  readonly #inner: ManagedTrustRegistry;
  readonly #members: Members;
  readonly #clock: Clock;
  /** Until when a revocation is remembered that comes at a time. */
  readonly #remembered: (now: number) => number;
  readonly #listeners = new Set<ChangeListener>();

  constructor(
    inner: ManagedTrustRegistry,
    members: Members,
    clock: Clock,
    remembered: (now: number) => number,
  ) {
    this.#remembered = remembered;
    this.#inner = inner;
    this.#members = members;
    this.#clock = clock;
  }

  async lookup(did: Did): Promise<RegistryEntry | undefined> {
    const entry = await this.#inner.lookup(did);
    if (entry) return entry;
    const { member, isRevoked } = await this.#members.find(did, this.#clock());
    return member && entryOf(member, isRevoked);
  }

  /** Whoever is let in as a member of a class has its entry already. */
  async register(entry: Registration): Promise<Result<void>> {
    const member = await this.#memberOf(entry.did);
    return member ? err(toXlinkError('REGISTRATION_FAILED:ALREADY_REGISTERED')) : this.#inner.register(entry);
  }

  /** The keys of an identity of an epoch follow from its seed: there are no others. */
  async updateKeys(
    keys: KeyRecord,
    condition?: Parameters<ManagedTrustRegistry['updateKeys']>[1],
  ): Promise<Result<void>> {
    const member = await this.#memberOf(keys.did);
    return member ? err(toXlinkError('KEY_RECORD_INVALID')) : this.#inner.updateKeys(keys, condition);
  }

  async revoke(did: Did, options?: RevokeOptions): Promise<Result<void>> {
    const member = await this.#memberOf(did);
    if (!member) return this.#inner.revoke(did, options);
    const now = this.#clock();
    await this.#members.end(did, this.#remembered(now), now);
    for (const listener of this.#listeners) listener(did);
    return ok(undefined);
  }

  async add(did: Did, grant?: Grant): Promise<Result<void>> {
    return this.#inner.add(did, grant);
  }

  async updateScopes(did: Did, change: ScopeChange): Promise<Result<void>> {
    return this.#inner.updateScopes(did, change);
  }

  async succeed(
    succession: Succession,
    keys: KeyRecord,
    condition?: Parameters<NonNullable<ManagedTrustRegistry['succeed']>>[2],
  ): Promise<Result<void>> {
    if (!this.#inner.succeed) return err(toXlinkError('SUCCESSION_INVALID'));
    return this.#inner.succeed(succession, keys, condition);
  }

  /** Without those of epochs: they come and go. */
  async list(): Promise<readonly RegistryEntry[]> {
    return this.#inner.list();
  }

  onChange(listener: ChangeListener): () => void {
    const stop = this.#inner.onChange?.(listener);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      stop?.();
    };
  }

  get changeFeed(): FeedState | undefined {
    return this.#inner.changeFeed;
  }

  async close(): Promise<void> {
    await this.#inner.close?.();
  }

  async #memberOf(did: Did): Promise<XidMember | undefined> {
    if (await this.#inner.lookup(did)) return undefined;
    return (await this.#members.find(did, this.#clock())).member;
  }
}

const entryOf = ({ did, client, scopes, keys }: XidMember, isRevoked: boolean): RegistryEntry =>
  Object.freeze({
    did,
    name: client,
    status: isRevoked ? 'revoked' : 'active',
    sendScopes: scopes,
    ...(keys ? { keys } : {}),
  });
