import { callRegistry } from '../../agent/call-registry.js';
import type { Result } from '../../errors/result.js';
import { toXlinkError, xlinkError } from '../../errors/service-errors.js';
import { looksLikeDidKey } from '../../identity/did.js';
import type { ManagedTrustRegistry, RevokeOptions } from '../../registry/managed.js';
import type { TrustRegistry } from '../../types/ports.js';
import type { ClientId, Clock, Did } from '../../types/protocol.js';
import { given } from '../../util/given.js';
import { knownAs, ofAnother, unknownClient } from './known-client.js';
import { lineOf, standingOf } from './lineage.js';
import type { ClientStore } from './store.js';

/** What `adapter.revokeClient()` has done. */
export interface ClientRevocation {
  /** The client. */
  readonly client: ClientId;
  /** Whether anything was known by this id; false only with `allowUnknown`. */
  readonly known: boolean;
  /** Since when it is revoked, ISO 8601 in UTC; the first time counts. */
  readonly since: string;
  /**
   * Its DIDs that this call ended in the trust registry, those included that took the place of one; those that were revoked before
   * are not among them.
   */
  readonly dids: readonly Did[];
}

/** What `adapter.restoreClient()` has done. */
export interface ClientRestoration {
  /** The client. */
  readonly client: ClientId;
  /** Whether it was revoked. If not, nothing was done but to bring back the DIDs that were named. */
  readonly wasRevoked: boolean;
  /** DIDs that count again. */
  readonly reactivated: readonly Did[];
  /**
   * DIDs that stay revoked, and are no longer linked to the client. Whoever has nothing but one of these is locked out until a
   * new identity is enrolled with a key, or the operator registers one.
   */
  readonly unlinked: readonly Did[];
}

/** What a client is ended with. */
export interface ClientParts {
  readonly store: ClientStore;
  readonly registry: TrustRegistry;
  readonly clock: Clock;
}

/**
 * Marks the client first, which ends its keys and DIDs wherever the store is shared, and ends each DID in the registry
 * then, and those that took its place, for everybody else who asks that. A DID that is being enrolled meanwhile finds the mark. Rejects with
 * `REVOCATION_INCOMPLETE` if the registry did not take all of it: the mark stays, and the call can be made again. `CLIENT_UNKNOWN`
 * for a client of whom nothing is known, unless that is allowed.
 */
export async function revokeClient(
  { store, registry, clock }: ClientParts,
  client: ClientId,
  { reason, allowUnknown }: { readonly reason: string | undefined; readonly allowUnknown: boolean },
): Promise<ClientRevocation> {
  const known = await isKnown({ store, registry }, client, allowUnknown);
  const before = (await store.get(client))?.revokedSince;
  const since = before ?? clock();
  if (before === undefined) await store.setRevoked(client, since);
  const { dids } = (await store.get(client))!;
  const ended: Did[] = [];
  const errors: unknown[] = [];
  for (const did of dids) {
    try {
      ended.push(...(await endLine({ store, registry }, did, reason)));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0)
    throw xlinkError('REVOCATION_INCOMPLETE', { cause: new AggregateError(errors, `${errors.length} DIDs`) });
  return { client, known, since: new Date(since).toISOString(), dids: ended };
}

/** A DID that is a client of its own is linked to itself, so that the mark on the client ends it, too. */
async function isKnown(
  parts: Omit<ClientParts, 'clock'>,
  client: ClientId,
  allowUnknown: boolean,
): Promise<boolean> {
  const known = await knownAs(parts, 'revokeClient', client);
  if (known === 'did') {
    const owner = await parts.store.link(client, client, { ifNew: true });
    if (owner !== undefined && owner !== client) throw ofAnother('revokeClient', client, owner); // it was enrolled meanwhile
  } else if (!known && !allowUnknown)
    throw await unknownClient(
      parts,
      'revokeClient',
      client,
      ' allowUnknown: true ends one before its first request.',
    );
  return known !== undefined;
}

/**
 * Takes the mark off the client, so that its keys count again. DIDs stay revoked and make room for new ones, but for those
 * that are to be brought back. The mark goes last: what fails can be done again. Nothing is done to a client that has revoked DIDs
 * unless it is said which of them come back (`INVALID_OPTION`): it would be locked out unseen, or let in.
 */
export async function restoreClient(
  { store, registry }: Omit<ClientParts, 'clock'>,
  client: ClientId,
  reactivate: readonly Did[] | undefined,
): Promise<ClientRestoration> {
  const record = await store.get(client);
  if (!record) {
    await knownAs({ store, registry }, 'restoreClient', client);
    throw await unknownClient({ store }, 'restoreClient', client);
  }
  const { dids, revokedSince } = record;
  const wasRevoked = revokedSince !== undefined;
  const [reactivated, unlinked]: Did[][] = [[], []];
  const ended = wasRevoked || reactivate ? await endedOf(registry, dids) : [];
  checkReactivate(dids, ended.length, reactivate);
  for (const { did, isRegistered } of ended) {
    if (isRegistered && reactivate?.includes(did)) {
      await change(registry, 'add', (managed) => managed.add(did));
      reactivated!.push(did);
    } else if (wasRevoked) {
      await store.unlink(did);
      unlinked!.push(did);
    }
  }
  if (dids.includes(client)) for (const did of dids) await store.unlink(did); // it was never enrolled
  if (wasRevoked) await store.setRevoked(client, undefined);
  return { client, wasRevoked, reactivated: reactivated!, unlinked: unlinked! };
}

/** Those of the DIDs that are not good for anything. Throws `LOOKUP_FAILED`. */
async function endedOf(registry: TrustRegistry, dids: readonly Did[]) {
  const ended: { readonly did: Did; readonly isRegistered: boolean }[] = [];
  for (const did of dids) {
    const entry = await callRegistry(() => registry.lookup(did), 'LOOKUP_FAILED');
    if (entry?.status !== 'active') ended.push({ did, isRegistered: !!entry });
  }
  return ended;
}

function checkReactivate(dids: readonly Did[], ended: number, reactivate: readonly Did[] | undefined): void {
  const foreign = reactivate?.find((did) => !dids.includes(did));
  if (reactivate ? foreign === undefined : ended === 0) return;
  const hint = reactivate
    ? `${looksLikeDidKey(foreign) ? foreign : 'what was given'} is no DID of the client. adapter.clientRecords() lists those that it has.`
    : `the client has ${ended} DIDs that are revoked (adapter.clientRecords() lists them). Name those that are to count again, or give [] for none: the client then enrolls new ones with a key.`;
  throw xlinkError('INVALID_OPTION', { field: 'reactivate', hint: `restoreClient: reactivate: ${hint}` });
}

/**
 * Revokes the DID, unless it is to go on by itself, and undoes its link then: it is never left active by accident. Who took its
 * place stays with the client. One that goes on by itself does so with the DIDs whose place it took: its link would come back.
 */
export async function unlinkDid(
  { store, registry }: Omit<ClientParts, 'clock'>,
  did: Did,
  { keep, reason }: { readonly keep: boolean; readonly reason: string | undefined },
): Promise<ClientId> {
  if ((await store.clientOf(did)) === undefined) throw notEnrolled(did);
  const line = await lineOf(registry, did);
  for (const { entry } of line) if (entry) await standingOf(store, entry);
  if (keep) for (const before of line[0]?.entry?.predecessors ?? []) await store.unlink(before);
  else if (line[0]?.entry?.status === 'active') await revoke(registry, did, given({ reason }));
  const client = await store.unlink(did);
  if (client === undefined) throw notEnrolled(did);
  return client;
}

const notEnrolled = (did: Did) =>
  xlinkError('ENROLLMENT_REFUSED:NOT_ENROLLED', {
    field: 'did',
    hint: `unlink was given ${did}. adapter.clientRecords() lists the DIDs of clients. One that calls without having enrolled is a client of its own: revokeClient(did) ends it.`,
  });

/**
 * Revokes a DID and those that took its place, which are linked to the same client from now on. Resolves to those that were
 * active until now. A DID that is not in the registry is not good for anything.
 */
export async function endLine(
  { store, registry }: Omit<ClientParts, 'clock'>,
  did: Did,
  reason: string | undefined,
): Promise<readonly Did[]> {
  const line = await lineOf(registry, did);
  const known = line.filter(({ entry }) => entry !== undefined);
  const active = known.filter(({ entry }) => entry!.status === 'active');
  // The last one may have a successor whose entry is yet to come.
  const first = active[0] ?? (known.length < line.length ? known.at(-1) : undefined);
  if (first) await revoke(registry, first.did, { ...given({ reason }), successors: true });
  for (const { entry } of known) await standingOf(store, entry!);
  return active.map((member) => member.did);
}

const revoke = (registry: TrustRegistry, did: Did, options: RevokeOptions): Promise<void> =>
  change(registry, 'revoke', (managed) => managed.revoke(did, options));

async function change(
  registry: TrustRegistry,
  method: 'add' | 'revoke',
  make: (managed: ManagedTrustRegistry) => Result<void> | PromiseLike<Result<void>>,
): Promise<void> {
  const managed = registry as ManagedTrustRegistry;
  if (typeof managed[method] !== 'function')
    throw xlinkError('REGISTRATION_FAILED', {
      hint: `The registry of the agent has no method ${method}; do it at the registry itself.`,
    });
  const result = await callRegistry(async () => make(managed));
  if (!result.ok) throw toXlinkError(result.error);
}
