import { assertSuccession, type Clock, type Did, isXlinkError, type Succession } from '@private.me/xlink';
import { XidError } from '../errors.js';
import type { XidStore } from '../stores/store.js';
import { isMembers, lengthPrefixed, sha256, toBase64url } from '../util/bytes.js';
import type { Members, XidMember } from './members.js';
import type { Awaitable } from './types.js';

/** How old a statement may be, in ms: one hour. */
const MAX_AGE_MS = 3_600_000;

/** Options of `takeSuccession`. */
export interface TakeOptions {
  /** Who sent it: `req.auth.did`. It must be the newer identity. */
  readonly by: Did;
  /**
   * Whether the service has an account of the older identity, where it keeps accounts for longer than identities count. Default: the older one must be in force, so
   * an account is carried on from one epoch to the next or not at all. Not asked of an identity that was revoked in the last `revocationMemoryMs`. Say no of an account
   * that was not used for longer: a revocation of its identity would be forgotten.
   */
  readonly hasAccount?: (did: Did) => Awaitable<boolean>;
  /** Moves the account. If it rejects, the statement may be sent again. Default: nothing is called. */
  readonly carry?: (from: Did, to: Did) => Awaitable<unknown>;
}

/** Which identity follows which. */
export interface TakenSuccession {
  readonly from: Did;
  readonly to: Did;
  /** Of the older one; absent if only its account is left. */
  readonly fromEpoch?: number;
  readonly toEpoch: number;
}

interface Parts {
  readonly store: XidStore;
  readonly members: Members;
  readonly clock: Clock;
  readonly maxSkewMs: number;
}

/** Checks a statement and uses it up. Rejects with `SUCCESSION_…`. */
export async function takeSuccession(
  value: unknown,
  { by, hasAccount, carry }: TakeOptions,
  { store, members, clock, maxSkewMs }: Parts,
): Promise<TakenSuccession> {
  const statement = structuredClone(value) as Succession; // what is checked is what is used
  await assertSigned(statement);
  const { from, to, issuedAt } = statement;
  const now = clock();
  if (to !== by) throw new XidError('SUCCESSION_INVALID:FOREIGN', { field: 'to' });
  if (issuedAt < now - MAX_AGE_MS || issuedAt > now + maxSkewMs)
    throw new XidError('SUCCESSION_INVALID:EXPIRED', { field: 'issuedAt' });
  const { member: newer, isRevoked } = await members.find(to, now);
  if (!newer || isRevoked) throw new XidError('SUCCESSION_INVALID:FOREIGN', { field: 'to' });
  const { member: older, isRevoked: isEnded } = await members.find(from, now);
  if (isEnded || (!older && !(await hasAccount?.(from))))
    throw new XidError('SUCCESSION_INVALID:FOREIGN', { field: 'from' });
  if (older && older.epoch >= newer.epoch) throw new XidError('SUCCESSION_INVALID:ORDER', { field: 'from' });
  assertKeys(statement, older, newer);

  const name = `succeeded:${from}`;
  const used = JSON.stringify({ to, id: toBase64url(sha256(lengthPrefixed([to, issuedAt]))) });
  const until = Math.max(older?.until ?? 0, issuedAt + MAX_AGE_MS + maxSkewMs + 1);
  if ((await store.add(name, { value: used, until }, now)) !== 'added') {
    const [before = '{}'] = await store.get([name], now);
    const isSame = (JSON.parse(before) as { to?: string }).to === to;
    throw new XidError(isSame ? 'SUCCESSION_INVALID:REPLAYED' : 'SUCCESSION_CONFLICT');
  }
  try {
    await carry?.(from, to);
  } catch (error) {
    await store.remove(name);
    throw error;
  }
  return { from, to, ...(older ? { fromEpoch: older.epoch } : {}), toEpoch: newer.epoch };
}

async function assertSigned(statement: unknown): Promise<void> {
  if (!isMembers(statement)) throw new XidError('SUCCESSION_INVALID');
  try {
    await assertSuccession(statement);
  } catch (cause) {
    const { field } = isXlinkError(cause) ? cause : { field: undefined };
    const isSignature = /ignature$/.test(field ?? '') && typeof statement[field!] === 'string';
    throw new XidError(isSignature ? 'SUCCESSION_INVALID:SIGNATURE' : 'SUCCESSION_INVALID', {
      ...(field === undefined ? {} : { field }),
      cause,
    });
  }
}

/** Who is known to have an ML-DSA key signs with it, too. */
function assertKeys(statement: Succession, older: XidMember | undefined, newer: XidMember): void {
  const expected = { fromMlDsa65: older?.keys?.mlDsa65, toMlDsa65: newer.keys?.mlDsa65 } as const;
  for (const field of ['fromMlDsa65', 'toMlDsa65'] as const)
    if (expected[field] !== undefined && expected[field] !== statement[field])
      throw new XidError('SUCCESSION_INVALID:SIGNATURE', { field });
}
