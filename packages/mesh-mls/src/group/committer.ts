import { setTimeout as pause } from 'node:timers/promises';
import type { DeliveryClient } from '../delivery/client.js';
import { assertSizes } from '../delivery/sizes.js';
import type { WireCommit } from '../delivery/wire.js';
import { GroupError, isGroupError } from '../errors.js';
import { named } from '../state/group-record.js';
import { nameOf, toBytes, toText } from '../util/bytes.js';
import { type GroupHost, operate } from './host.js';
import type { LogReader } from './reader.js';
import { type GroupState, inputOf } from './state.js';

/** Who comes and who goes. Both empty: new keys for this member. */
export interface Wish {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Commits of others that may come first before it is given up. */
const MAX_REBASES = 100;
/** Key packages that are fetched at a time. */
const AT_ONCE = 16;
/** Attempts to bring one commit to the server. */
const MAX_POSTS = 4;

/** Makes commits. One is written before it is sent, and sent until the server has decided; a later epoch makes another one of it. */
export class Committer {
  readonly #host: GroupHost;
  readonly #state: GroupState;
  readonly #api: DeliveryClient;
  readonly #reader: LogReader;

  constructor(host: GroupHost, state: GroupState, api: DeliveryClient, reader: LogReader) {
    this.#host = host;
    this.#state = state;
    this.#api = api;
    this.#reader = reader;
  }

  /** Makes it so, within a work of the state. `revoked`: those who go with the next commit, whatever it is for. */
  async commit(wish: Wish, revoked: () => readonly string[]): Promise<void> {
    const packages = new Map<string, Uint8Array>();
    for (let attempt = 0; attempt < MAX_REBASES; attempt++) {
      await this.finish();
      const { record, view } = this.#state;
      if (!view.isActive) throw new GroupError('REMOVED');
      const isMember = (did: string) => view.members.some((one) => one.did === did);
      const add = wish.add.filter((did) => !isMember(did));
      const remove = [...new Set([...wish.remove, ...revoked()])].filter(
        (did) => isMember(did) && did !== this.#host.did && !view.leaving.includes(did),
      );
      const isFor = wish.add.length + wish.remove.length > 0;
      if (isFor && add.length + remove.length === 0 && !view.leaving.some((did) => wish.remove.includes(did)))
        return;
      const made = await operate(this.#host, 'commit', {
        state: inputOf(record.state),
        add: await this.#packagesOf(add, packages),
        remove,
        external: record.externalJoin,
      });
      try {
        assertSizes(made);
      } catch (error) {
        this.#host.worker.settle(made.held, undefined);
        throw error;
      }
      const wire: WireCommit = {
        epoch: view.epoch,
        commit: toText(made.commit),
        added: made.added,
        removed: made.removed,
        ...(made.welcome ? { welcome: toText(made.welcome) } : {}),
        ...(made.groupInfo ? { groupInfo: toText(made.groupInfo) } : {}),
      };
      const pending = { wire, next: named(made.bytes) };
      await this.#state.store({ ...record, pending }, made.held, undefined, true);
      if (await this.#post()) return;
      await pause(Math.random() * 40 * Math.min(attempt + 1, 10));
    }
    throw new GroupError('EPOCH_CONFLICT');
  }

  /** Has the server decide about a commit that is on its way. */
  async finish(): Promise<void> {
    if (this.#state.record.pending) await this.#post();
  }

  /** Whether the server took it. */
  async #post(): Promise<boolean> {
    const { wire } = this.#state.record.pending!;
    const name = nameOf(toBytes(wire.commit));
    for (let attempt = 1; this.#state.record.pending?.wire.commit === wire.commit; attempt++) {
      try {
        const { seq } = await this.#api.commit(this.#state.record.group, wire);
        if (seq === this.#state.record.seq + 1) await this.#reader.adopt(seq);
        else await this.#reader.pull(); // which meets it
      } catch (error) {
        if (!isGroupError(error)) throw error; // the record was changed: begin anew
        if (error.id === 'EPOCH_CONFLICT') await this.#reader.pull();
        else if (error.id !== 'DELIVERY_FAILED:UNKNOWN_OUTCOME') {
          if (error.code !== 'DELIVERY_FAILED' && error.id !== 'CLOSED' && this.#state.record.pending)
            await this.#state.store({ ...this.#state.record, pending: undefined });
          throw error;
        }
        if (attempt >= MAX_POSTS) throw error;
        await pause(100 * 2 ** attempt * Math.random());
      }
    }
    return this.#reader.adopted === name;
  }

  async #packagesOf(dids: readonly string[], known: Map<string, Uint8Array>) {
    const { suite } = this.#state.record;
    const missing = dids.filter((did) => !known.has(did));
    for (let at = 0; at < missing.length; at += AT_ONCE)
      await Promise.all(
        missing.slice(at, at + AT_ONCE).map(async (did) => {
          const { keyPackage } = await this.#host.apiAt(this.#host.homeOf(did)).keyPackage(did, suite);
          known.set(did, toBytes(keyPackage));
        }),
      );
    return dids.map((did) => ({ did, keyPackage: known.get(did)! }));
  }
}
