import { equalBytes } from '../crypto/bytes.js';
import type { CryptoProvider } from '../crypto/provider.js';
import { xlinkError } from '../errors/service-errors.js';
import type { Clock, Did } from '../types/protocol.js';
import { KeyedMutex } from '../util/keyed-mutex.js';
import type { ShareBundle } from './bundle.js';
import { type ChannelShare, sameGroup } from './share.js';
import type { ShareLimits } from './share-limits.js';
import { ShareSearch, type Verdict } from './share-search.js';
import { TrialBudget } from './trial-budget.js';

/** A message of which shares have come. */
export interface Group {
  readonly sender: Did;
  readonly id: string;
  /** Shares by index. */
  readonly shares: ReadonlyMap<number, ChannelShare>;
  readonly total: number;
  readonly threshold: number;
  /** What every envelope brought behind its shares. */
  readonly rest: Uint8Array;
}

interface HeldGroup extends Group {
  readonly shares: Map<number, ChannelShare>;
  readonly common: Uint8Array;
  readonly expires: number;
  readonly search: ShareSearch;
  bytes: number;
}

/** Told of a message that will not be put together from what had come of it. */
export type OnDropped = (group: Group, reason: 'expired' | 'pushed-out') => void;

/** What an entry takes beside the bytes of its shares, roughly. */
const ENTRY_BYTES = 1024;

/**
 * Keeps shares until there are enough of a message. Whatever a sender sends, it takes no more than its part of the memory
 * and pushes out nothing but its own oldest messages. Shares must come from verified envelopes.
 */
export class ShareCollector {
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #limits: Required<ShareLimits>;
  readonly #onDropped: OnDropped;
  readonly #budget: TrialBudget;
  /** One search of a message at a time: shares may come while it goes on. */
  readonly #searches = new KeyedMutex<Group>();
  /** By sender, then by group, each in the order in which they began. */
  readonly #senders = new Map<Did, Map<string, HeldGroup>>();
  /** In the order in which they began, which is that in which they end. */
  readonly #all = new Set<HeldGroup>();
  #bytes = 0;

  constructor(crypto: CryptoProvider, clock: Clock, limits: Required<ShareLimits>, onDropped: OnDropped) {
    this.#crypto = crypto;
    this.#clock = clock;
    this.#limits = limits;
    this.#onDropped = onDropped;
    this.#budget = new TrialBudget(limits, clock);
  }

  /** Messages and bytes held now. */
  get size(): { readonly groups: number; readonly bytes: number } {
    return { groups: this.#all.size, bytes: this.#bytes };
  }

  /**
   * Adds the shares of one envelope. `common` is what all envelopes of the group must agree on. A share that is there already
   * changes nothing. Throws `INCONSISTENT_SHARES`, `ENVELOPE_TOO_LARGE` or `INSUFFICIENT_SHARES:NO_ROOM`.
   */
  add(sender: Did, common: Uint8Array, bundle: ShareBundle): Group {
    this.#dropExpired();
    const first = bundle.shares[0]!;
    const known = this.#senders.get(sender)?.get(first.groupId);
    const fresh = bundle.shares.filter((share) => !(known && isThere(known, share)));
    if (known && !(sameGroup(first, oneOf(known)) && equalBytes(known.common, common)))
      throw xlinkError('INCONSISTENT_SHARES', { field: 'groupId' });
    if (known && !equalBytes(known.rest, bundle.rest))
      throw xlinkError('INCONSISTENT_SHARES', { field: 'payload' });
    if (known && fresh.length === 0) return known;
    const bytes = ENTRY_BYTES + bytesOf(fresh) + (known ? 0 : bundle.rest.length);
    this.#makeRoom(sender, known, bytes);
    const group = known ?? this.#begin(sender, common, bundle);
    for (const share of fresh) group.shares.set(share.index, share);
    group.bytes += bytes;
    this.#bytes += bytes;
    return group;
  }

  /**
   * What was shared, and which shares do not fit it, as soon as enough good ones have come. As long as more shares may come,
   * too few good ones mean `INSUFFICIENT_SHARES:PENDING`; then `HMAC_VERIFICATION_FAILED`, and the group is over. So it is
   * if the sender has used up what may be tried for it.
   */
  async open(group: Group): Promise<Verdict> {
    const { search, shares } = group as HeldGroup;
    const mayTry = () => this.#budget.take(group.sender);
    const found = await this.#searches.run(group, () => search.run(shares.values(), mayTry));
    if (found) return found;
    const failure = xlinkError('HMAC_VERIFICATION_FAILED');
    if (shares.size < group.total) throw xlinkError('INSUFFICIENT_SHARES:PENDING', { cause: failure });
    this.forget(group);
    throw failure;
  }

  /** The message is done with. */
  forget({ sender, id }: Group): void {
    const group = this.#senders.get(sender)?.get(id);
    if (group) this.#remove(group);
  }

  #begin(sender: Did, common: Uint8Array, { shares, rest }: ShareBundle): HeldGroup {
    const { groupId: id, totalShares: total, threshold } = shares[0]!;
    const expires = this.#clock() + this.#limits.expiryMs;
    const group = {
      ...{ sender, id, total, threshold, common, expires },
      shares: new Map(),
      search: new ShareSearch(this.#crypto, threshold),
      rest: new Uint8Array(rest),
      bytes: 0,
    };
    const groups = this.#senders.get(sender) ?? new Map<string, HeldGroup>();
    this.#senders.set(sender, groups.set(id, group));
    this.#all.add(group);
    return group;
  }

  /** Drops the oldest other messages of this sender only, as far as that is needed. */
  #makeRoom(sender: Did, known: HeldGroup | undefined, bytes: number): void {
    const { maxGroupsPerSender, maxBytesPerSender, maxBytes } = this.#limits;
    if ((known?.bytes ?? 0) + bytes > maxBytesPerSender) {
      if (known) this.#drop(known, 'pushed-out');
      throw xlinkError('ENVELOPE_TOO_LARGE', {
        hint: 'Send less, or raise shareLimits.maxBytesPerSender at the receiver.',
      });
    }
    const groups = this.#senders.get(sender) ?? new Map<string, HeldGroup>();
    let held = 0;
    for (const group of groups.values()) held += group.bytes;
    const others = [...groups.values()].filter((group) => group !== known);
    const isTight = () =>
      groups.size + (known ? 0 : 1) > maxGroupsPerSender ||
      held + bytes > maxBytesPerSender ||
      this.#bytes + bytes > maxBytes;
    while (isTight()) {
      const oldest = others.shift();
      if (!oldest) throw xlinkError('INSUFFICIENT_SHARES:NO_ROOM');
      held -= oldest.bytes;
      this.#drop(oldest, 'pushed-out');
    }
  }

  #dropExpired(): void {
    const now = this.#clock();
    for (const group of this.#all) {
      if (group.expires > now) break;
      this.#drop(group, 'expired');
    }
  }

  #drop(group: HeldGroup, reason: 'expired' | 'pushed-out'): void {
    this.#remove(group);
    this.#onDropped(group, reason);
  }

  #remove(group: HeldGroup): void {
    const groups = this.#senders.get(group.sender);
    groups?.delete(group.id);
    if (groups?.size === 0) this.#senders.delete(group.sender);
    this.#all.delete(group);
    this.#bytes -= group.bytes;
  }
}

const oneOf = ({ shares }: HeldGroup): ChannelShare => shares.values().next().value!;

/** Whether a share is there already; another one of the same index is refused. */
function isThere({ shares }: HeldGroup, share: ChannelShare): boolean {
  const known = shares.get(share.index);
  if (!known) return false;
  const isSame =
    equalBytes(known.tag, share.tag) &&
    known.pieces.length === share.pieces.length &&
    known.pieces.every((piece, at) => equalBytes(piece, share.pieces[at]!));
  if (!isSame) throw xlinkError('INCONSISTENT_SHARES', { field: 'index' });
  return true;
}

/** Pieces that several shares hold are one in memory. */
const bytesOf = (shares: readonly ChannelShare[]): number =>
  [...new Set(shares.flatMap(({ pieces }) => pieces))].reduce((sum, { length }) => sum + length, 0);
