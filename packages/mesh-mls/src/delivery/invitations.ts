import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { LIMITS, type WireInvitation } from './wire.js';

interface Box {
  readonly next: number;
  readonly items: readonly WireInvitation[];
}

/** Invitations that wait for a DID, until it says that it has seen them. */
export class Invitations {
  readonly #boxes: Documents<Box>;

  constructor(store: OperationsStore) {
    this.#boxes = new Documents(store, 'mls-invitations');
  }

  /** Adds one; where there are too many, the oldest of the member who sent most makes room. The same once more changes nothing. */
  async add(did: string, invitation: Omit<WireInvitation, 'id'>): Promise<void> {
    const { group, seq, server } = invitation;
    await this.#boxes.update(did, (before) => {
      const { next, items } = before ?? { next: 1, items: [] };
      if (items.some((one) => one.group === group && one.seq === seq && one.server === server))
        return before!;
      return { next: next + 1, items: withRoom([...items, { id: next, ...invitation }]) };
    });
  }

  /** All that wait. */
  async list(did: string): Promise<readonly WireInvitation[]> {
    return (await this.#boxes.get(did))?.items ?? [];
  }

  /** Removes those. */
  async seen(did: string, ids: readonly number[]): Promise<void> {
    if (!(await this.#boxes.get(did))) return;
    await this.#boxes.update(did, (before) => ({
      next: before?.next ?? 1,
      items: (before?.items ?? []).filter(({ id }) => !ids.includes(id)),
    }));
  }
}

/** Nobody can push out the invitations of others: whoever floods loses its own. */
function withRoom(items: readonly WireInvitation[]): readonly WireInvitation[] {
  if (items.length <= LIMITS.invitations) return items;
  const counts = new Map<string, number>();
  for (const { by } of items) counts.set(by, (counts.get(by) ?? 0) + 1);
  const [busiest] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most));
  const oldest = items.findIndex(({ by }) => by === busiest);
  return items.filter((_, at) => at !== oldest);
}
