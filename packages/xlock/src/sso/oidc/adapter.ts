import type { OperationsStore } from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { given, sha256, toBase64url } from '../../util/bytes.js';
import { asked } from '../../verifier/records.js';

/** What oidc-provider keeps of a model. */
export interface ModelPayload {
  readonly jti?: string;
  readonly uid?: string;
  readonly grantId?: string;
  /** When it was used up, in s since 1970. */
  readonly consumed?: number;
  readonly [name: string]: unknown;
}

interface Kept {
  readonly payload: ModelPayload;
  /** In ms since 1970. */
  readonly until: number;
}

/** Found by nothing but their values, which are secret: the store has only their hashes. */
const SECRET = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'PushedAuthorizationRequest']);
/** Made once: who comes second with the same is refused. */
const UNIQUE = new Set(['ReplayDetection']);
const FOREVER = Number.MAX_SAFE_INTEGER;

const nameOf = (id: string): string => toBase64url(sha256(id));

/** Which errors the store answers with: `oidc-provider` has classes of its own. */
export type RefuseGrant = (description: string) => Error;

/**
 * The store of oidc-provider over an {@link OperationsStore}. Codes and refresh tokens are used up by compare-and-set, among all instances: the
 * second of two at the same time ends the grant, as a replay does. A revoked grant leaves a mark, so that what is issued for it meanwhile is
 * worth nothing.
 */
export class OidcStore {
  readonly #store: OperationsStore;
  readonly #refuse: RefuseGrant;
  readonly #now: () => number;
  readonly #longestMs: number;
  readonly #revoked: Documents<{ readonly until: number }>;
  readonly #models = new Map<string, Documents<Kept>>();
  readonly #uids: Documents<{ readonly name: string; readonly until: number }>;

  /** `longestMs`: how long anything of a grant can be good. */
  constructor(options: {
    readonly store: OperationsStore;
    readonly refuse: RefuseGrant;
    readonly now: () => number;
    readonly longestMs: number;
  }) {
    this.#store = options.store;
    this.#refuse = options.refuse;
    this.#now = options.now;
    this.#longestMs = options.longestMs;
    this.#revoked = new Documents(options.store, 'xlock-oidc-revoked');
    this.#uids = new Documents(options.store, 'xlock-oidc-uid');
  }

  /** The adapter of one model, as oidc-provider wants it. */
  adapter(model: string) {
    const documents = new Documents<Kept>(this.#store, `xlock-oidc-${model.toLowerCase()}`);
    this.#models.set(model, documents);
    const find = async (name: string, jti: string | undefined): Promise<ModelPayload | undefined> => {
      const kept = await asked(() => documents.get(name));
      if (!kept || kept.until < this.#now()) return undefined;
      const { payload } = kept;
      if (payload.grantId !== undefined && (await this.#isRevoked(payload.grantId))) return undefined;
      return SECRET.has(model) ? given({ ...payload, jti }) : payload;
    };
    return {
      upsert: async (id: string, payload: ModelPayload, expiresIn?: number): Promise<void> => {
        const until = expiresIn === undefined ? FOREVER : this.#now() + expiresIn * 1000;
        const { jti, ...rest } = payload;
        const name = nameOf(id);
        let isTaken = false;
        await asked(() =>
          documents.update(name, (before) => {
            isTaken = before !== undefined && UNIQUE.has(model) && before.until >= this.#now();
            if (isTaken) return before!;
            const consumed = payload.consumed ?? before?.payload.consumed;
            const kept = SECRET.has(model) ? rest : { ...rest, jti };
            return { payload: given({ ...kept, consumed }), until };
          }),
        );
        if (isTaken) throw this.#refuse('used already');
        if (model === 'Session' && payload.uid !== undefined)
          await asked(() => this.#uids.update(payload.uid!, () => ({ name, until })));
      },
      find: (id: string) => find(nameOf(id), id),
      findByUid: async (uid: string) => {
        const found = await asked(() => this.#uids.get(uid));
        return found && find(found.name, undefined);
      },
      findByUserCode: async () => undefined, // no device flow
      consume: async (id: string): Promise<void> => {
        const name = nameOf(id);
        const before = await asked(() => documents.get(name));
        if (!before) throw this.#refuse('not found');
        let isReplay = false;
        await asked(() =>
          documents.update(name, (found = before) => {
            isReplay = found.payload.consumed !== undefined;
            if (isReplay) return found;
            return { ...found, payload: { ...found.payload, consumed: Math.floor(this.#now() / 1000) } };
          }),
        );
        if (!isReplay) return;
        const { grantId } = before.payload;
        if (grantId !== undefined) await this.revokeGrant(grantId);
        throw this.#refuse('used already');
      },
      destroy: (id: string) => asked(() => documents.removeIf(nameOf(id), () => true)),
      revokeByGrantId: (grantId: string) => this.revokeGrant(grantId),
    };
  }

  /** Nothing that was or will be issued for a grant is good any more. */
  async revokeGrant(grantId: string): Promise<void> {
    const until = this.#now() + this.#longestMs;
    await asked(() => this.#revoked.update(grantId, (before) => before ?? { until }));
  }

  async #isRevoked(grantId: string): Promise<boolean> {
    return (await asked(() => this.#revoked.get(grantId))) !== undefined;
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    const isOver = ({ until }: { readonly until: number }) => until < this.#now();
    for (const documents of [...this.#models.values(), this.#revoked, this.#uids] as Documents<{
      until: number;
    }>[])
      for (const [name, record] of await documents.all())
        if (isOver(record)) await documents.removeIf(name, isOver);
  }
}
