import { xlinkError } from '../../errors/errors.js';
import type { ClientId, Did } from '../../types/protocol.js';
import type { ClientActivity, ClientRecord, ClientStore, LinkConditions, Standing } from './store.js';

const emptyRecord = (client: ClientId): ClientRecord => ({
  client,
  dids: [],
  keyRequests: 0,
  xlinkRequests: 0,
  failures: {},
});

/** Adds activity to a record: the one rule for every store that keeps whole records. */
export function mergeActivity(record: ClientRecord | undefined, activity: ClientActivity): ClientRecord {
  const before = record ?? emptyRecord(activity.client);
  return { ...before, ...addActivity(before, activity) };
}

type Counts = Omit<ClientActivity, 'client'>;

/** Sums of the counts, and the later of two times. */
export function addActivity(before: Counts, activity: Counts) {
  const failures: Record<string, number> = { ...before.failures };
  for (const [id, count] of Object.entries(activity.failures)) failures[id] = (failures[id] ?? 0) + count;
  return {
    keyRequests: before.keyRequests + activity.keyRequests,
    xlinkRequests: before.xlinkRequests + activity.xlinkRequests,
    ...signatureRequests(before, activity),
    failures,
    ...later('lastKeyUse', before, activity),
    ...later('lastXlinkUse', before, activity),
    ...later('lastFailure', before, activity),
  };
}

function signatureRequests(...counts: Counts[]) {
  const sum = counts.reduce((total, { signatureRequests: some = 0 }) => total + some, 0);
  return sum === 0 ? {} : { signatureRequests: sum };
}

function later(name: 'lastKeyUse' | 'lastXlinkUse' | 'lastFailure', a: Counts, b: Counts) {
  const times = [a[name], b[name]].filter((time) => time !== undefined);
  return times.length === 0 ? {} : { [name]: Math.max(...times) };
}

/** Clients in the memory of this process. To survive a restart, save `list()` and hand it to the constructor, or use a store that writes. */
export class MemoryClientStore implements ClientStore {
  readonly #records = new Map<ClientId, ClientRecord>();
  readonly #clients = new Map<Did, ClientId>();

  /** `records`: what an earlier process knew, from {@link MemoryClientStore.list}. Throws `INVALID_OPTION`. */
  constructor(records: readonly ClientRecord[] = []) {
    if (!Array.isArray(records))
      throw xlinkError('INVALID_OPTION', {
        field: 'records',
        hint: 'MemoryClientStore: records must be an array, as list() gives it.',
      });
    for (const record of records) {
      this.#records.set(record.client, record);
      for (const did of record.dids) this.#clients.set(did, record.client);
    }
  }

  get(client: ClientId): ClientRecord | undefined {
    return this.#records.get(client);
  }

  list(): readonly ClientRecord[] {
    return [...this.#records.values()];
  }

  clientOf(did: Did): ClientId | undefined {
    return this.#clients.get(did);
  }

  standingOf(did: Did): Standing | undefined {
    const client = this.#clients.get(did);
    if (client === undefined) return undefined;
    const { validUntil = {}, revokedSince } = this.#records.get(client)!;
    return {
      client,
      ...(validUntil[did] === undefined ? {} : { validUntil: validUntil[did] }),
      ...(revokedSince === undefined ? {} : { revokedSince }),
    };
  }

  link(
    did: Did,
    client: ClientId,
    { maxDids = Infinity, validUntil, ifNew = false }: LinkConditions = {},
  ): ClientId | undefined {
    const owner = this.#clients.get(did);
    if (owner !== undefined && owner !== client) return owner;
    if (owner !== undefined && ifNew) return undefined;
    const record = this.#records.get(client) ?? emptyRecord(client);
    if (owner === undefined && record.dids.length >= maxDids) return undefined;
    this.#clients.set(did, client);
    const dids = owner === undefined ? [...record.dids, did] : record.dids;
    this.#records.set(client, { ...withEnd(record, did, validUntil), dids });
    return client;
  }

  unlink(did: Did): ClientId | undefined {
    const client = this.#clients.get(did);
    if (client === undefined) return undefined;
    this.#clients.delete(did);
    const record = this.#records.get(client)!;
    const dids = record.dids.filter((other) => other !== did);
    this.#records.set(client, { ...withEnd(record, did, undefined), dids });
    return client;
  }

  add(activity: readonly ClientActivity[]): void {
    for (const one of activity)
      this.#records.set(one.client, mergeActivity(this.#records.get(one.client), one));
  }

  setKeyOff(client: ClientId, since: number | undefined): void {
    const { keyOffSince: _, ...record } = this.#records.get(client) ?? emptyRecord(client);
    this.#records.set(client, since === undefined ? record : { ...record, keyOffSince: since });
  }

  setRevoked(client: ClientId, since: number | undefined): void {
    const { revokedSince: _, ...record } = this.#records.get(client) ?? emptyRecord(client);
    this.#records.set(client, since === undefined ? record : { ...record, revokedSince: since });
  }
}

/** The record with another end, or none, of the enrollment of one DID. */
function withEnd(
  { validUntil = {}, ...record }: ClientRecord,
  did: Did,
  end: number | undefined,
): ClientRecord {
  const ends = new Map(Object.entries(validUntil));
  if (end === undefined) ends.delete(did);
  else ends.set(did, end);
  return ends.size === 0 ? record : { ...record, validUntil: Object.fromEntries(ends) };
}
