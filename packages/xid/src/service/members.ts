import type { ClientId, Did, KeyRecord, Scope } from '@private.me/xlink';
import { XidError } from '../errors.js';
import type { XidStore } from '../stores/store.js';
import { isMembers } from '../util/bytes.js';

/** An identity of an epoch that was let in. */
export interface XidMember {
  readonly did: Did;
  /** The client that all of its class are. */
  readonly client: ClientId;
  readonly scopes: readonly Scope[];
  readonly epoch: number;
  /** From when on it is forgotten, in ms since 1970. */
  readonly until: number;
  /** The DID of the registrar that vouched for it. */
  readonly registrar: Did;
  /** By what it was let in. */
  readonly by: 'certificate' | 'token';
  /** Absent of one that only signs. */
  readonly keys?: KeyRecord;
}

/** A member, and whether it was taken back. */
export interface FoundMember {
  readonly member: XidMember | undefined;
  readonly isRevoked: boolean;
}

/** The client of a class. */
export const clientOfClass = (name: string): ClientId => `xid:${name}`;

/** Who was let in, and who was taken back: the names of entries in the store. */
export class Members {
  readonly #store: XidStore;
  /** DIDs of registrars whose revocations count. */
  readonly #registrars: readonly Did[];

  constructor(store: XidStore, registrars: readonly Did[]) {
    this.#store = store;
    this.#registrars = registrars;
  }

  /** One question to the store. Rejects with `STORE_UNAVAILABLE`. */
  async find(did: Did, now: number): Promise<FoundMember> {
    const revoked = this.#registrars.map((registrar) => revokedBy(registrar, did));
    const [here, out, ended, ...taken] = await this.#store.get(
      [inForce(did), takenOut(did), endedHere(did), ...revoked],
      now,
    );
    const text = here ?? out;
    const member = text === undefined ? undefined : read(text);
    const isRevokedBy = (registrar: Did) => taken[this.#registrars.indexOf(registrar)] !== undefined;
    return {
      member,
      // Of one that is forgotten, or never came, it is not known who vouched for it: the word of any registrar counts.
      isRevoked:
        ended !== undefined ||
        (member ? isRevokedBy(member.registrar) : taken.some((text) => text !== undefined)),
    };
  }

  /** Whether a registrar, or the service, has taken back what it is about to be let in with. */
  async isRevokedBy(registrar: Did, did: Did, now: number): Promise<boolean> {
    const [ended, taken] = await this.#store.get([endedHere(did), revokedBy(registrar, did)], now);
    return ended !== undefined || taken !== undefined;
  }

  add(member: XidMember, max: number, now: number): Promise<'added' | 'taken' | 'full'> {
    const entry = { value: JSON.stringify(member), until: member.until };
    return this.#store.add(inForce(member.did), entry, now, { name: member.client, max });
  }

  renew(member: XidMember, now: number): Promise<void> {
    const entry = { value: JSON.stringify(member), until: member.until };
    return this.#store.set(inForce(member.did), entry, now, member.client);
  }

  async remove({ did, client }: Pick<XidMember, 'did' | 'client'>): Promise<void> {
    await this.#store.remove(inForce(did), client);
    await this.#store.remove(takenOut(did));
  }

  /** By its registrar. An earlier one that lasts longer stays. */
  async revoke(registrar: Did, did: Did, until: number, now: number): Promise<void> {
    await this.#store.extend(revokedBy(registrar, did), { value: '1', until }, now);
    await this.retire(did, now);
  }

  /** By the service, or by itself. It counts in its class until its epoch is over: otherwise one holder could come and end without a bound. */
  async end(did: Did, until: number, now: number): Promise<void> {
    await this.#store.extend(endedHere(did), { value: '1', until }, now);
  }

  /** Takes one that was revoked out of its class, so that it does not count there; that it was there is known until it would have ended. */
  async retire(did: Did, now: number): Promise<void> {
    const { member, isRevoked } = await this.find(did, now);
    if (!member || !isRevoked) return;
    const entry = { value: JSON.stringify(member), until: member.until };
    await this.#store.extend(takenOut(did), entry, now); // first, so that it is found at any time
    await this.#store.remove(inForce(did), member.client);
  }

  /** Whether this call spends it. */
  async spend(token: string, until: number, now: number): Promise<boolean> {
    return (await this.#store.add(`spent:${token}`, { value: '1', until }, now)) === 'added';
  }

  unspend(token: string): Promise<void> {
    return this.#store.remove(`spent:${token}`);
  }

  count(client: ClientId, now: number): Promise<number> {
    return this.#store.count(client, now);
  }
}

const inForce = (did: Did): string => `did:${did}`;
const takenOut = (did: Did): string => `out:${did}`;
const revokedBy = (registrar: Did, did: Did): string => `revoked:${registrar}:${did}`;
const endedHere = (did: Did): string => `ended:${did}`;

function read(text: string): XidMember {
  try {
    const value: unknown = JSON.parse(text);
    if (isMembers(value) && Array.isArray(value['scopes']) && typeof value['client'] === 'string')
      return Object.freeze(value) as unknown as XidMember;
  } catch {
    // as anything else that is not understood
  }
  throw new XidError('STORE_UNAVAILABLE', { cause: new Error('An entry of the store is not understood.') });
}
