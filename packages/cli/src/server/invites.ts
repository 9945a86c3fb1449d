import { createHash, randomInt } from 'node:crypto';
import {
  Agent,
  type Did,
  err,
  type KeyRecord,
  type RegistryEntry,
  type Scope,
  xlinkError,
} from '@private.me/xlink';
import { Documents } from '@private.me/xlink/server';
import { orThrow } from './agent-vault.js';
import { ServerError } from './errors.js';
import type { Schema } from './schema.js';
import { bytes, DID, NAME, SCOPES, TIME } from './shapes.js';
import type { Storage } from './storage.js';
import { faultIn } from './validate.js';

/** What an inviter signs, as the text of a JSON object, by `agent.sign(text, { context: INVITE_CONTEXT })`. */
export interface InviteStatement {
  readonly type: typeof INVITE_CONTEXT;
  /** DID of the server that the invite is for. */
  readonly server: Did;
  /** SHA-256 of the code, base64url: the server is not told the code before it is used. */
  readonly code: string;
  readonly inviter: Did;
  /** Of the inviter, for people. */
  readonly name: string;
  /** Where the inviter takes messages or requests. */
  readonly url?: string;
  /** What who accepts may send with. */
  readonly grants: readonly Scope[];
  /** What who accepts is asked to take from the inviter. */
  readonly asks: readonly Scope[];
  readonly expiresAt: number;
}

/** What who accepts signs, in the same way with `ACCEPT_CONTEXT`. */
export interface Acceptance {
  readonly type: typeof ACCEPT_CONTEXT;
  readonly server: Did;
  readonly code: string;
  readonly did: Did;
  readonly name?: string;
}

/** A text, and the signature of the one whom it names. */
export interface Signed {
  readonly text: string;
  readonly signature: string;
}

interface KeptInvite extends Signed {
  readonly createdAt: number;
  /** Whether the scopes were judged by a role, and not by those of the inviter. */
  readonly byRole: boolean;
  /** Recorded, and used for nothing. */
  readonly email?: string;
  readonly revokedAt?: number;
  readonly usedBy?: Did;
  readonly usedAt?: number;
}

/** An invite as it stands. */
export interface InviteInfo {
  readonly id: string;
  readonly inviter: Did;
  readonly name: string;
  readonly url?: string;
  readonly grants: readonly Scope[];
  readonly asks: readonly Scope[];
  readonly state: 'open' | 'used' | 'revoked' | 'expired';
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly email?: string;
  readonly usedBy?: Did;
}

/** How an invite is judged that is handed in. */
export interface NewInviteRules {
  /** Whether a role vouches for its scopes. */
  readonly byRole: boolean;
  /** The only inviter that is taken. Default: any. */
  readonly onlyOf?: Did;
  /** Recorded. */
  readonly email?: string;
}

export const INVITE_CONTEXT = 'xlink-invite/1';
export const ACCEPT_CONTEXT = 'xlink-invite-acceptance/1';
/** For how long an invite may be good, in ms. */
export const MAX_INVITE_MS = 90 * 86_400_000;
export const DEFAULT_INVITE_MS = 7 * 86_400_000;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** `XLK-` and 24 letters and digits: 124 bits. */
export const newInviteCode = (): string =>
  `XLK-${Array.from({ length: 24 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')}`;

/** Name of an invite: SHA-256 of its code, base64url. */
export const inviteIdOf = (code: string): string => createHash('sha256').update(code).digest('base64url');

/** Invites of one server: signed by who invites, good for one identity. */
export class InviteBook {
  readonly #documents: Documents<KeptInvite>;
  readonly #storage: Storage;
  readonly #clock: () => number;

  constructor(storage: Storage, clock: () => number = Date.now) {
    this.#documents = new Documents(storage.documents, 'invite');
    this.#storage = storage;
    this.#clock = clock;
  }

  /**
   * Takes an invite that its inviter signed. Without a role (`byRole`) it may grant only what the inviter may send with itself: rights
   * never grow. Throws `INVITE_REFUSED…` or `PERMISSION_DENIED`.
   */
  async add(
    signed: Signed,
    { byRole, onlyOf, email }: NewInviteRules,
  ): Promise<InviteInfo> {
    const statement = statementIn(signed.text);
    const now = this.#clock();
    this.#assertHere(statement);
    if (onlyOf !== undefined && statement.inviter !== onlyOf)
      throw new ServerError('PERMISSION_DENIED', { field: 'inviter', expected: 'the DID of the caller' });
    if (statement.expiresAt <= now || statement.expiresAt > now + MAX_INVITE_MS)
      throw new ServerError('REQUEST_INVALID', {
        field: 'expiresAt',
        expected: 'a time in the future, at most 90 days from now',
      });
    await this.#assertSignedBy(statement.inviter, signed, INVITE_CONTEXT);
    await this.#assertMayGrant(statement, byRole);
    const kept: KeptInvite = { ...signed, createdAt: now, byRole, ...(email === undefined ? {} : { email }) };
    await this.#documents.update(statement.code, (before) => {
      if (before && before.text !== signed.text) throw new ServerError('INVITE_REFUSED:USED');
      return before ?? kept;
    });
    return infoOf(kept, now);
  }

  /** What the invite of a code says; also of one that is over. Throws `INVITE_UNKNOWN`. */
  async look(code: string): Promise<InviteInfo & Signed> {
    const kept = await this.#kept(inviteIdOf(code));
    return { ...infoOf(kept, this.#clock()), text: kept.text, signature: kept.signature };
  }

  async get(id: string): Promise<InviteInfo> {
    return infoOf(await this.#kept(id), this.#clock());
  }

  /** The newest first. */
  async list(inviter?: Did): Promise<readonly InviteInfo[]> {
    const now = this.#clock();
    const all = [...(await this.#documents.all()).values()].map((kept) => infoOf(kept, now));
    return all
      .filter((info) => inviter === undefined || info.inviter === inviter)
      .sort((a, b) => b.createdAt - a.createdAt);
  }

  /** Throws `INVITE_UNKNOWN` or `INVITE_REFUSED:USED`: who accepted is ended by a revocation in the registry. */
  async revoke(id: string): Promise<InviteInfo> {
    const now = this.#clock();
    const after = await this.#documents.update(id, (before) => {
      if (!before) throw new ServerError('INVITE_UNKNOWN');
      if (before.usedBy !== undefined) throw new ServerError('INVITE_REFUSED:USED');
      return before.revokedAt === undefined ? { ...before, revokedAt: now } : before;
    });
    return infoOf(after, now);
  }

  /**
   * Lets who accepts into the registry, with what the invite grants, and tells it about the inviter. The invite is claimed first, so it is
   * good for one identity; the same identity may ask again, if the answer got lost. Throws `INVITE_…`, or what the registry refuses.
   */
  async accept(
    code: string,
    signed: Signed,
    keys: KeyRecord | undefined,
  ): Promise<{ readonly invite: InviteInfo; readonly inviter: RegistryEntry }> {
    const id = inviteIdOf(code);
    const kept = await this.#kept(id);
    const statement = statementIn(kept.text);
    const acceptance = acceptanceIn(signed.text);
    this.#assertHere(acceptance);
    if (acceptance.code !== id) throw new ServerError('INVITE_REFUSED:OTHER_SERVER', { field: 'text' });
    if (acceptance.did === statement.inviter) throw new ServerError('INVITE_REFUSED:SELF');
    await this.#assertSignedBy(acceptance.did, signed, ACCEPT_CONTEXT);
    if (keys && keys.did !== acceptance.did)
      throw new ServerError('REQUEST_INVALID', { field: 'keys', expected: 'the key record of the DID' });
    assertOpen(kept, acceptance.did, this.#clock());
    const inviter = await this.#assertMayGrant(statement, kept.byRole);
    const { registry } = this.#storage;
    if ((await registry.lookup(acceptance.did))?.status === 'revoked')
      throw new ServerError('PERMISSION_DENIED', { field: 'did', expected: 'a DID that is not revoked' });
    const used = await this.#documents.update(id, (before) => {
      if (!before) throw new ServerError('INVITE_UNKNOWN');
      assertOpen(before, acceptance.did, this.#clock());
      return before.usedBy === undefined
        ? { ...before, usedBy: acceptance.did, usedAt: this.#clock() }
        : before;
    });
    await this.#admit(acceptance, statement, keys);
    return { invite: infoOf(used, this.#clock()), inviter };
  }

  async #admit(
    { did, name }: Acceptance,
    { grants, asks }: InviteStatement,
    keys: KeyRecord | undefined,
  ): Promise<void> {
    const { registry } = this.#storage;
    const there = await registry.lookup(did);
    if (!there) {
      const entry = { did, sendScopes: grants, receiveScopes: asks };
      const more = { ...(name === undefined ? {} : { name }), ...(keys ? { keys } : {}) };
      orThrow(await registry.register({ ...entry, ...more }));
      return;
    }
    const union = (a: readonly Scope[] = [], b: readonly Scope[]) => [...new Set([...a, ...b])];
    const scopes = union(there.sendScopes, grants);
    const receiveScopes = union(there.receiveScopes, asks);
    orThrow(await registry.updateScopes(did, { scopes, receiveScopes }));
    if (keys && !there.keys) orThrow(await registry.updateKeys(keys));
  }

  async #assertMayGrant({ inviter, grants }: InviteStatement, byRole: boolean): Promise<RegistryEntry> {
    const entry = await this.#storage.registry.lookup(inviter);
    if (entry?.status !== 'active') throw new ServerError('INVITE_REFUSED:INVITER_REVOKED');
    const own = entry.sendScopes ?? [];
    const isWithin = own.includes('*') || grants.every((scope) => own.includes(scope));
    if (!byRole && !isWithin)
      throw new ServerError('PERMISSION_DENIED', {
        field: 'grants',
        expected: 'scopes that the inviter may send with itself',
      });
    return entry;
  }

  #assertHere({ server }: { readonly server: Did }): void {
    if (server !== this.#storage.identity.did)
      throw new ServerError('INVITE_REFUSED:OTHER_SERVER', { field: 'server' });
  }

  /** By the key that the DID is; whether anybody knows the DID is another matter. */
  async #assertSignedBy(did: Did, { text, signature }: Signed, context: string): Promise<void> {
    const verifier = new Agent({ identity: this.#storage.identity, registry: anyDid });
    const verified = await verifier.verify({ did, content: text, signature, context });
    if (!verified.ok) throw new ServerError('INVITE_REFUSED:SIGNATURE', { field: 'signature' });
  }

  async #kept(id: string): Promise<KeptInvite> {
    const kept = await this.#documents.get(id);
    if (!kept) throw new ServerError('INVITE_UNKNOWN');
    return kept;
  }
}

/** The registry of a verifier: it knows of a DID what its name says, which is its key. */
const anyDid = {
  lookup: (did: Did): RegistryEntry => ({ did, status: 'active' }),
  register: () => err(xlinkError('REGISTRATION_FAILED')),
  updateKeys: () => err(xlinkError('REGISTRATION_FAILED')),
};

function assertOpen(kept: KeptInvite, did: Did, now: number): void {
  if (kept.usedBy !== undefined && kept.usedBy !== did) throw new ServerError('INVITE_REFUSED:USED');
  if (kept.usedBy !== undefined) return; // the same once more
  if (kept.revokedAt !== undefined) throw new ServerError('INVITE_REFUSED:REVOKED');
  if (statementIn(kept.text).expiresAt <= now) throw new ServerError('INVITE_REFUSED:EXPIRED');
}

function stateOf({ usedBy, revokedAt }: KeptInvite, expiresAt: number, now: number): InviteInfo['state'] {
  if (usedBy !== undefined) return 'used';
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt <= now ? 'expired' : 'open';
}

function infoOf(kept: KeptInvite, now: number): InviteInfo {
  const { code, inviter, name, url, grants, asks, expiresAt } = statementIn(kept.text);
  const { createdAt, email, usedBy } = kept;
  return {
    id: code,
    inviter,
    name,
    ...(url === undefined ? {} : { url }),
    grants,
    asks,
    state: stateOf(kept, expiresAt, now),
    createdAt,
    expiresAt,
    ...(email === undefined ? {} : { email }),
    ...(usedBy === undefined ? {} : { usedBy }),
  };
}

const ID = bytes(32);
const STATEMENT = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: [INVITE_CONTEXT] },
    server: DID,
    code: ID,
    inviter: DID,
    name: NAME,
    url: { type: 'string', pattern: '^https?://[^\\s@]{1,2000}$', description: 'an http or https URL' },
    grants: SCOPES,
    asks: SCOPES,
    expiresAt: TIME,
  },
  required: ['type', 'server', 'code', 'inviter', 'name', 'grants', 'asks', 'expiresAt'],
} as const satisfies Schema;
const ACCEPTANCE = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: [ACCEPT_CONTEXT] },
    server: DID,
    code: ID,
    did: DID,
    name: NAME,
  },
  required: ['type', 'server', 'code', 'did'],
} as const satisfies Schema;

const statementIn = (text: string): InviteStatement => membersIn(text, STATEMENT) as InviteStatement;
const acceptanceIn = (text: string): Acceptance => membersIn(text, ACCEPTANCE) as Acceptance;

/** Throws `REQUEST_INVALID` for any other text. */
function membersIn(text: string, schema: Schema): unknown {
  const fail = (expected: string, at = '') => {
    throw new ServerError('REQUEST_INVALID', { field: at === '' ? 'text' : `text.${at}`, expected });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail('the text of a JSON object'); // the parser's error would quote it
  }
  const fault = faultIn(schema, value);
  return fault ? fail(fault.expected, fault.at) : value;
}
