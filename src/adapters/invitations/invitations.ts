import { toXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { Clock, Did } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';
import { Documents } from '../operations/documents.js';
import type { OperationsStore } from '../operations/store.js';
import {
  type Invitation,
  type InvitationReport,
  type InviteOptions,
  invitationOf,
  type NewInvitation,
  reportOf,
  stateOf,
} from './invitation.js';
import { newToken, numberOf, readToken } from './token.js';

/** For how long an invitation that is over is still listed, in ms. */
const LISTED_MS = 90 * 86_400_000;

const NOT_OPEN = {
  used: 'INVITATION_REFUSED:USED',
  expired: 'INVITATION_REFUSED:EXPIRED',
  revoked: 'INVITATION_REFUSED:REVOKED',
} as const;

export interface InvitationsParts {
  readonly store: OperationsStore;
  readonly clock: Clock;
  /** The DID of the service, as of now. */
  readonly service: () => Promise<Did>;
}

/** An invitation that is being used. */
export interface Invited extends Pick<Invitation, 'client' | 'scopes'> {
  readonly number: string;
  /** What the caller showed. */
  readonly token: string;
}

/** What is done with an invitation. */
export interface InvitedWork<T> {
  readonly work: () => Promise<T>;
  /** Whether the DID is linked to a client: then something of the work is there. */
  readonly isLinked: () => Awaitable<boolean>;
  /** Ends what was enrolled while the invitation was taken back. */
  readonly undo: () => Promise<unknown>;
}

/**
 * Invitations, each good for one identity: in the place of a key, in every mode. Only a hash of each is kept. Of any number of
 * identities that use one at the same time, on whatever instances, one succeeds: it is claimed by compare-and-set before it enrolls.
 */
export class Invitations {
  readonly #parts: InvitationsParts;
  readonly #documents: Documents<Invitation>;

  constructor(parts: InvitationsParts) {
    this.#parts = parts;
    this.#documents = new Documents(parts.store, 'invitation');
  }

  async invite(options: InviteOptions): Promise<NewInvitation> {
    const now = this.#parts.clock();
    const made = invitationOf(options, now);
    const token = await newToken(await this.#parts.service());
    const number = await numberOf(token);
    await this.#documents.update(number, () => made);
    return { invitation: token, ...reportOf(number, made, now) };
  }

  /** The newest first; those that were over for 90 days are removed. */
  async list(): Promise<readonly InvitationReport[]> {
    const now = this.#parts.clock();
    const isOld = ({ expiresAt }: Invitation) => expiresAt + LISTED_MS < now;
    const all = [...(await this.#documents.all())];
    for (const [number, one] of all) if (isOld(one)) await this.#documents.removeIf(number, isOld);
    return all
      .filter(([, one]) => !isOld(one))
      .sort(([, a], [, b]) => b.createdAt - a.createdAt)
      .map(([number, one]) => reportOf(number, one, now));
  }

  /** Rejects with `INVITATION_UNKNOWN`, or `INVITATION_REFUSED:USED` for one that enrolled somebody: that is ended by `unlink`. */
  async revoke(number: string): Promise<InvitationReport> {
    const now = this.#parts.clock();
    const after = await this.#documents.update(number, (found) => {
      if (!found) throw xlinkError('INVITATION_UNKNOWN');
      if (found.usedAt !== undefined) throw xlinkError('INVITATION_REFUSED:USED');
      return found.revokedAt === undefined ? { ...found, revokedAt: now } : found;
    });
    return reportOf(number, after, now);
  }

  /** What a caller shows is good so far. Rejects with `INVITATION_REFUSED…`. */
  async look(token: string): Promise<Invited> {
    const kind = await readToken(token, await this.#parts.service());
    if (kind === 'not-an-invitation') throw xlinkError('INVITATION_REFUSED:MALFORMED');
    const number = await numberOf(token);
    const found = await this.#documents.get(number); // an older DID of this service may have made it
    if (!found) {
      if (kind === 'of-another-service') throw xlinkError('INVITATION_REFUSED:OTHER_SERVICE');
      throw xlinkError('INVITATION_REFUSED:UNKNOWN');
    }
    this.#assertOpen(found);
    return { number, token, client: found.client, scopes: found.scopes };
  }

  /**
   * Does the `work` of enrolling a DID, such that no other one is enrolled: claims the invitation first. It is free again where the work was
   * refused, nothing of it is there (`isLinked`), and no other call for this DID is under way. Rejects with `INVITATION_REFUSED…`.
   */
  async once<T>(invited: Invited, did: Did, { work, isLinked, undo }: InvitedWork<T>): Promise<T> {
    await this.#claim(invited, did);
    let done: T;
    try {
      done = await work();
    } catch (error) {
      if (toXlinkError(error).status < 500) await this.#release(invited, did, isLinked).catch(() => {}); // then it stays this DID's
      throw error;
    }
    const { revokedAt } = await this.#finish(invited, did);
    if (revokedAt === undefined) return done;
    await undo();
    throw xlinkError('INVITATION_REFUSED:REVOKED');
  }

  /** From here on it is good for nobody but this DID. */
  async #claim({ number }: Invited, did: Did): Promise<void> {
    await this.#documents.update(number, (found) => {
      if (!found) throw xlinkError('INVITATION_REFUSED:UNKNOWN');
      this.#assertOpen(found);
      if (found.did !== undefined && found.did !== did) throw xlinkError('INVITATION_REFUSED:USED');
      return { ...found, did, attempts: (found.attempts ?? 0) + 1 };
    });
  }

  /** The identity is enrolled. */
  async #finish({ number }: Invited, did: Did): Promise<Invitation> {
    const usedAt = this.#parts.clock();
    return this.#documents.update(number, (found) => {
      if (found?.did !== did) throw xlinkError('INVITATION_REFUSED:USED');
      return (found.usedAt ?? found.revokedAt) ? found : { ...found, usedAt };
    });
  }

  async #release({ number }: Invited, did: Did, isLinked: InvitedWork<unknown>['isLinked']): Promise<void> {
    if (await isLinked()) return;
    await this.#documents.update(number, (found) => {
      if (!found) throw xlinkError('INVITATION_REFUSED:UNKNOWN');
      if (found.did !== did || found.usedAt !== undefined) return found;
      const { did: _, attempts = 1, ...open } = found;
      return attempts > 1 ? { ...found, attempts: attempts - 1 } : open;
    });
  }

  #assertOpen(found: Invitation): void {
    const state = stateOf(found, this.#parts.clock());
    if (state !== 'open') throw xlinkError(NOT_OPEN[state]);
  }
}
