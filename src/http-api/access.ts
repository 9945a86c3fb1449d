import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Documents } from '../adapters/operations/documents.js';
import type { OperationsStore } from '../adapters/operations/store.js';
import type { Did } from '../types/protocol.js';
import { apiError } from './errors.js';
import type { Role } from './roles.js';

/** What is kept of a token: never the token. */
interface KeptToken {
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of it, base64url: it is 32 random bytes, so a slow hash would add nothing. */
  readonly hash: string;
  readonly createdAt: number;
  /** Absent: it does not end. */
  readonly expiresAt?: number;
}

/** All tokens and roles, in one document: so that the last admin cannot be removed by two at once. */
interface Holders {
  readonly tokens: Readonly<Record<string, KeptToken>>;
  readonly dids: Readonly<Record<Did, { readonly role: Role; readonly since: number }>>;
}

/** A token as its list shows it. */
export type TokenInfo = Omit<KeptToken, 'hash'> & { readonly id: string };

/** A token that was made: `token` is not kept, and shown once. */
export type NewToken = TokenInfo & { readonly token: string };

/** What a token is made of. */
export interface TokenWish {
  /** What it is called, for people and the audit log. */
  readonly name: string;
  /** What it may do. */
  readonly role: Role;
  /** In ms since 1970. Default: it does not expire. */
  readonly expiresAt?: number;
}

/** A store no longer has what it had. */
export class StoreLost extends Error {
  override readonly name = 'StoreLost';

  constructor() {
    super('the store has lost what it held: it was emptied or removed; restore it from a backup');
  }
}

const NONE: Holders = { tokens: {}, dids: {} };
const DOCUMENT = 'holders';
/** `xlk_`, the id, a dot, the secret. */
const TOKEN = /^xlk_([A-Za-z0-9_-]{12})\.([A-Za-z0-9_-]{43})$/;
/** Far more than people make; the document is read for each request. */
const MAX_HOLDERS = 1000;

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Who can act now, beside what is written here. */
export interface Acting {
  /** Whether a DID is active in the registry, and stands for itself. */
  readonly isActive: (did: Did) => Promise<boolean>;
  /** Whether tokens are taken in the mode that counts now. */
  readonly takesTokens: () => boolean;
}

const ALL_ACT: Acting = { isActive: async () => true, takesTokens: () => true };

/** Tokens and roles. */
export class AccessStore {
  readonly #documents: Documents<Holders>;
  readonly #clock: () => number;

  /** Whether there was a document: there is an admin from the first start on. */
  #hadSome = false;

  readonly #acting: Acting;

  constructor(store: OperationsStore, clock: () => number = Date.now, acting: Acting = ALL_ACT) {
    this.#acting = acting;
    this.#documents = new Documents(store, 'access');
    this.#clock = clock;
  }

  /** The id and role of a token that is good; `undefined` for any other text. */
  async byToken(token: string): Promise<{ readonly id: string; readonly role: Role } | undefined> {
    const [, id = ''] = TOKEN.exec(token) ?? [];
    const { tokens } = await this.#read();
    const kept = Object.hasOwn(tokens, id) ? tokens[id] : undefined;
    const wanted = kept ? Buffer.from(kept.hash, 'base64url') : hashOf('');
    const isGood = timingSafeEqual(hashOf(token), wanted);
    if (!kept || !isGood || (kept.expiresAt ?? Number.POSITIVE_INFINITY) <= this.#clock()) return undefined;
    return { id, role: kept.role };
  }

  /** The role of a DID. */
  async roleOf(did: Did): Promise<Role | undefined> {
    const { dids } = await this.#read();
    return Object.hasOwn(dids, did) ? dids[did]!.role : undefined;
  }

  /** The role of a DID, or of a token by its id. */
  async roleOfHolder(id: string): Promise<Role | undefined> {
    const { tokens, dids } = await this.#read();
    if (Object.hasOwn(dids, id)) return dids[id]!.role;
    return Object.hasOwn(tokens, id) ? tokens[id]!.role : undefined;
  }

  /** Throws `LAST_ADMIN` if nobody could administrate any more without this DID. */
  async assertAdminBeside(did: Did): Promise<void> {
    const holders = await this.#read();
    if (!Object.hasOwn(holders.dids, did) || holders.dids[did]!.role !== 'admin') return;
    const { [did]: _, ...dids } = holders.dids;
    this.#withAdmin({ ...holders, dids }, await this.#active(holders));
  }

  /** Admin DIDs that can act now. */
  async #active({ dids }: Holders): Promise<ReadonlySet<Did>> {
    const admins = Object.keys(dids).filter((did) => dids[did]!.role === 'admin');
    const found = await Promise.all(admins.map((did) => this.#acting.isActive(did)));
    return new Set(admins.filter((_, at) => found[at]));
  }

  #withAdmin(after: Holders, active: ReadonlySet<Did>): Holders {
    const hasToken = this.#acting.takesTokens() && hasAdminToken(after);
    const hasDid = Object.entries(after.dids).some(([did, { role }]) => role === 'admin' && active.has(did));
    if (!hasToken && !hasDid) throw apiError('LAST_ADMIN');
    return after;
  }

  /** All tokens, without what they are. */
  async tokens(): Promise<readonly TokenInfo[]> {
    const { tokens } = await this.#read();
    return Object.entries(tokens).map(([id, { hash: _, ...info }]) => ({ id, ...info }));
  }

  /** DIDs that hold a role. */
  async roles(): Promise<readonly { readonly did: Did; readonly role: Role; readonly since: number }[]> {
    return Object.entries((await this.#read()).dids).map(([did, held]) => ({ did, ...held }));
  }

  /** Makes the first admin token, unless there is an admin already. Of several servers that start at once, one makes it. */
  async makeFirst(): Promise<NewToken | undefined> {
    const made = newToken({ name: 'first admin', role: 'admin' }, this.#clock());
    const after = await this.#documents.update(DOCUMENT, (before = NONE) =>
      hasAdmin(before) ? before : withToken(before, made),
    );
    this.#hadSome = true;
    return Object.hasOwn(after.tokens, made.id) ? shown(made) : undefined;
  }

  /** Throws `REQUEST_INVALID` for one that would have ended already. */
  async makeToken(wish: TokenWish): Promise<NewToken> {
    const now = this.#clock();
    if (wish.expiresAt !== undefined && wish.expiresAt <= now)
      throw apiError('REQUEST_INVALID', { field: 'expiresAt', expected: 'a time to come' });
    const made = newToken(wish, now);
    await this.#documents.update(DOCUMENT, (before = NONE) => withToken(before, made));
    return shown(made);
  }

  /** Throws `TOKEN_UNKNOWN` or `LAST_ADMIN`. */
  async removeToken(id: string): Promise<void> {
    const active = await this.#active(await this.#read());
    await this.#documents.update(DOCUMENT, (before = NONE) => {
      if (!Object.hasOwn(before.tokens, id)) throw apiError('TOKEN_UNKNOWN');
      const { [id]: _, ...tokens } = before.tokens;
      return before.tokens[id]!.role === 'admin'
        ? this.#withAdmin({ ...before, tokens }, active)
        : { ...before, tokens };
    });
  }

  /** Throws `LAST_ADMIN`. */
  async setRole(did: Did, role: Role): Promise<void> {
    const since = this.#clock();
    const active = await this.#active(await this.#read());
    await this.#documents.update(DOCUMENT, (before = NONE) => {
      const after = withRoom({ ...before, dids: { ...before.dids, [did]: { role, since } } });
      const wasAdmin = Object.hasOwn(before.dids, did) && before.dids[did]!.role === 'admin';
      return wasAdmin && role !== 'admin' ? this.#withAdmin(after, active) : after;
    });
  }

  /** Throws `ROLE_UNKNOWN` or `LAST_ADMIN`. */
  async removeRole(did: Did): Promise<void> {
    const active = await this.#active(await this.#read());
    await this.#documents.update(DOCUMENT, (before = NONE) => {
      if (!Object.hasOwn(before.dids, did)) throw apiError('ROLE_UNKNOWN');
      const { [did]: _, ...dids } = before.dids;
      return before.dids[did]!.role === 'admin'
        ? this.#withAdmin({ ...before, dids }, active)
        : { ...before, dids };
    });
  }

  /** Throws a {@link StoreLost} for a store that was emptied: what else it held is gone as well. */
  async #read(): Promise<Holders> {
    const found = await this.#documents.get(DOCUMENT);
    if (!found && this.#hadSome) throw new StoreLost();
    return found ?? NONE;
  }
}

interface MadeToken {
  readonly id: string;
  readonly token: string;
  readonly kept: KeptToken;
}

function newToken({ name, role, expiresAt }: TokenWish, createdAt: number): MadeToken {
  const id = randomBytes(9).toString('base64url');
  const token = `xlk_${id}.${randomBytes(32).toString('base64url')}`;
  const hash = hashOf(token).toString('base64url');
  return {
    id,
    token,
    kept: { name, role, hash, createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) },
  };
}

const shown = ({ id, token, kept: { hash: _, ...info } }: MadeToken): NewToken => ({ id, ...info, token });

const withToken = (before: Holders, { id, kept }: MadeToken): Holders =>
  withRoom({ ...before, tokens: { ...before.tokens, [id]: kept } });

/** Tokens that end are no admins to count on. */
const hasAdminToken = ({ tokens }: Holders): boolean =>
  Object.values(tokens).some(({ role, expiresAt }) => role === 'admin' && expiresAt === undefined);

const hasAdmin = (holders: Holders): boolean =>
  hasAdminToken(holders) || Object.values(holders.dids).some(({ role }) => role === 'admin');

function withRoom(after: Holders): Holders {
  if (Object.keys(after.tokens).length + Object.keys(after.dids).length > MAX_HOLDERS)
    throw apiError('REQUEST_INVALID', { expected: `at most ${MAX_HOLDERS} tokens and roles` });
  return after;
}
