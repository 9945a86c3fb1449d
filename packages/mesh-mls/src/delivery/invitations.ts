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

  /** Adds one; the oldest one makes room. The same once more changes nothing. */
  async add(did: string, invitation: Omit<WireInvitation, 'id'>): Promise<void> {
    const { group, seq, server } = invitation;
    await this.#boxes.update(did, (before) => {
      const { next, items } = before ?? { next: 1, items: [] };
      if (items.some((one) => one.group === group && one.seq === seq && one.server === server))
        return before!;
      return { next: next + 1, items: [...items, { id: next, ...invitation }].slice(-LIMITS.invitations) };
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
