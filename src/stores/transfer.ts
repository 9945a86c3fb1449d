import { defaultProvider } from '#provider';
import type { ClientActivity, ClientRecord, ClientStore } from '../adapters/clients/store.js';
import type { ModeStore } from '../adapters/modes/store.js';
import type { OperationsStore } from '../adapters/operations/store.js';
import { xlinkError } from '../errors/service-errors.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import { encodeBase64url } from '../util/base64url.js';
import { canonicalJson } from '../util/canonical-json.js';
import { given } from '../util/given.js';
import { encodeUtf8 } from '../util/utf8.js';

/** The store that is read, and the one that is written to. Nothing else should write to either meanwhile. */
export interface Transfer<Store> {
  /** Is read, and left as it is. */
  readonly from: Store;
  /** Is written to. What it holds already under the same names must be the same, or what an interrupted run left: nothing is overwritten, and anything else is refused. */
  readonly to: Store;
}

/** What was transferred, and checked by reading it again. */
export interface TransferReport {
  /** Entries, records or documents in the store that was read, each of which is now in the other one. */
  readonly count: number;
  /** Those of them that were written now; the others were there. */
  readonly written: number;
  /** SHA-256 over all of them, 43 characters of base64url: the same for both stores. */
  readonly digest: string;
}

/** By name: what a store holds. */
type Contents = ReadonlyMap<string, unknown>;

interface Way {
  /** Which part of a store this is, for errors. */
  readonly part: string;
  readonly read: () => Promise<Contents>;
  readonly readBack: () => Promise<Contents>;
  readonly write: (name: string, there: unknown) => Promise<void>;
  /** Whether what is there is what an interrupted run leaves, and may be completed. Absent: each is written as one. */
  readonly isPart?: (there: unknown, name: string) => boolean;
}

/**
 * Copies a trust registry, revocations and successions with it: from memory or file to Redis or PostgreSQL, or back. Rejects with
 * `TRANSFER_REFUSED` if the other one has another entry of a DID, and with `TRANSFER_INCOMPLETE` if what is there afterwards differs.
 */
export async function transferRegistry({
  from,
  to,
}: Transfer<ManagedTrustRegistry>): Promise<TransferReport> {
  const read = async (registry: ManagedTrustRegistry) =>
    new Map((await registry.list()).map((entry) => [entry.did, entry]));
  const entries = await read(from);
  return transfer({
    part: 'registry',
    read: async () => entries,
    readBack: () => read(to),
    async write(did) {
      if (!to.restore)
        throw xlinkError('INVALID_OPTION', {
          field: 'to',
          hint: 'transferRegistry: to takes no entries as they are.',
        });
      const done = await to.restore(entries.get(did)!);
      if (!done.ok) throw done.error;
    },
  });
}

/** Copies what is known about clients: identities, counts, keys that are off, revocations. Rejects as {@link transferRegistry} does. */
export async function transferClients({ from, to }: Transfer<ClientStore>): Promise<TransferReport> {
  const read = async (store: ClientStore) =>
    new Map((await store.list()).map((record) => [record.client, record]));
  const records = await read(from);
  return transfer({
    part: 'clients',
    read: async () => records,
    readBack: () => read(to),
    write: (client, there) => putClient(to, records.get(client)!, there as ClientRecord | undefined),
    isPart: (there, client) => isPartOf(there as ClientRecord, records.get(client)!),
  });
}

/** Copies the shared mode, and how far its plan is. Rejects as {@link transferRegistry} does. */
export async function transferMode({ from, to }: Transfer<ModeStore>): Promise<TransferReport> {
  const read = async (store: ModeStore): Promise<Contents> => {
    const { version: _, ...state } = (await store.load()) ?? { version: 0 };
    return new Map(Object.keys(state).length === 0 ? [] : [['mode', state]]);
  };
  const state = await from.load();
  return transfer({
    part: 'mode',
    read: () => read(from),
    readBack: () => read(to),
    async write() {
      const { version: _, ...rest } = state!;
      if (!(await to.save(rest, 0))) throw xlinkError('TRANSFER_REFUSED', { field: 'mode' });
    },
  });
}

/** Copies invitations, and what is known of how keys are used. Rejects as {@link transferRegistry} does. */
export async function transferOperations({ from, to }: Transfer<OperationsStore>): Promise<TransferReport> {
  const read = async (store: OperationsStore) => {
    const all = [...(await store.list('invitation')), ...(await store.list('key-use'))];
    return new Map(all.map(({ id, json }) => [id, json]));
  };
  const documents = await read(from);
  return transfer({
    part: 'operations',
    read: async () => documents,
    readBack: () => read(to),
    async write(id) {
      if (!(await to.save(id, documents.get(id)!, 0)))
        throw xlinkError('TRANSFER_REFUSED', { field: 'operations' });
    },
  });
}

async function transfer({ part, read, readBack, write, isPart = () => false }: Way): Promise<TransferReport> {
  const [mine, theirs] = [await read(), await readBack()];
  const missing: string[] = [];
  for (const [name, value] of mine) {
    const there = theirs.get(name);
    if (there !== undefined && same(there, value)) continue;
    if (there === undefined || isPart(there, name)) missing.push(name);
    else throw xlinkError('TRANSFER_REFUSED', { field: part });
  }
  for (const name of missing) await write(name, theirs.get(name));
  const written = await readBack();
  const copies = new Map([...mine.keys()].map((name) => [name, written.get(name)]));
  const [digest, copied] = [await digestOf(mine), await digestOf(copies)];
  if (digest !== copied) throw xlinkError('TRANSFER_INCOMPLETE', { field: part });
  return { count: mine.size, written: missing.length, digest };
}

const same = (one: unknown, other: unknown): boolean => canonicalJson(one) === canonicalJson(other);

/** What takes rights away comes first: a run that is interrupted leaves nobody more than they had. */
async function putClient(to: ClientStore, record: ClientRecord, there?: ClientRecord): Promise<void> {
  const { client, dids, keyOffSince, revokedSince, validUntil = {} } = record;
  if (revokedSince !== undefined) await to.setRevoked(client, revokedSince);
  if (keyOffSince !== undefined) await to.setKeyOff(client, keyOffSince);
  if (!there || !same(activityOf(there), activityOf(record)))
    await to.add([activityOf(record)], `transfer ${await digestOf(new Map([[client, record]]))}`);
  for (const did of dids) {
    if ((await to.link(did, client, given({ validUntil: validUntil[did] }))) !== client)
      throw xlinkError('TRANSFER_REFUSED', { field: 'clients' });
  }
}

function activityOf({
  dids,
  keyOffSince,
  revokedSince,
  validUntil,
  ...activity
}: ClientRecord): ClientActivity {
  return activity;
}

/** Nothing that is not in the record, and its counts whole or not at all. */
function isPartOf(there: ClientRecord, record: ClientRecord): boolean {
  const { client, dids, keyOffSince, revokedSince, validUntil } = there;
  const none: ClientActivity = { client, keyRequests: 0, xlinkRequests: 0, failures: {} };
  return (
    dids.every((did) => record.dids.includes(did) && validUntil?.[did] === record.validUntil?.[did]) &&
    [undefined, record.keyOffSince].includes(keyOffSince) &&
    [undefined, record.revokedSince].includes(revokedSince) &&
    (same(activityOf(there), none) || same(activityOf(there), activityOf(record)))
  );
}

async function digestOf(contents: Contents): Promise<string> {
  const lines = [...contents].sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => canonicalJson(pair));
  return encodeBase64url(await defaultProvider().sha256(encodeUtf8(lines.join('\n'))));
}
