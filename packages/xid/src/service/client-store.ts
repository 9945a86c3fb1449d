import type {
  ClientActivity,
  ClientId,
  ClientRecord,
  ClientStore,
  Clock,
  Did,
  LinkConditions,
  Standing,
} from '@private.me/xlink';
import type { Members, XidMember } from './members.js';

const noMember = { member: undefined, isRevoked: false };

/** A client store in which all identities of a class are one client, and none of them is written down. */
export class XidClientStore implements ClientStore {
  readonly #inner: ClientStore;
  readonly #members: Members;
  readonly #clock: Clock;

  constructor(inner: ClientStore, members: Members, clock: Clock) {
    this.#inner = inner;
    this.#members = members;
    this.#clock = clock;
  }

  async get(client: ClientId): Promise<ClientRecord | undefined> {
    return this.#inner.get(client);
  }

  async list(): Promise<readonly ClientRecord[]> {
    return this.#inner.list();
  }

  async clientOf(did: Did): Promise<ClientId | undefined> {
    return (await this.#inner.clientOf(did)) ?? (await this.#memberOf(did))?.client;
  }

  async standingOf(did: Did): Promise<Standing | undefined> {
    const own = await this.#inner.standingOf(did);
    if (own) return own;
    const member = await this.#memberOf(did);
    if (!member) return undefined;
    const { client, until } = member;
    const { revokedSince } = (await this.#inner.get(client)) ?? {};
    return { client, validUntil: until, ...(revokedSince === undefined ? {} : { revokedSince }) };
  }

  /** The bound of a class was kept when it was let in. */
  async link(did: Did, client: ClientId, options?: LinkConditions): Promise<ClientId | undefined> {
    const isInside = (await this.#inner.clientOf(did)) !== undefined;
    const member = isInside ? undefined : await this.#memberOf(did);
    return member ? member.client : this.#inner.link(did, client, options);
  }

  async unlink(did: Did): Promise<ClientId | undefined> {
    const isInside = (await this.#inner.clientOf(did)) !== undefined;
    const { member, isRevoked } = isInside ? noMember : await this.#members.find(did, this.#clock());
    if (!member) return this.#inner.unlink(did);
    // One that was ended keeps its place until its epoch is over: whoever ends itself makes no room.
    if (!isRevoked) await this.#members.remove(member);
    return member.client;
  }

  async add(activity: readonly ClientActivity[], batch?: string): Promise<void> {
    await this.#inner.add(activity, batch);
  }

  async setKeyOff(client: ClientId, since: number | undefined): Promise<void> {
    await this.#inner.setKeyOff(client, since);
  }

  async setRevoked(client: ClientId, since: number | undefined): Promise<void> {
    await this.#inner.setRevoked(client, since);
  }

  async #memberOf(did: Did): Promise<XidMember | undefined> {
    return (await this.#members.find(did, this.#clock())).member;
  }
}
