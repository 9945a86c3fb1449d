import { xlinkError } from '../../errors/errors.js';
import type { ClientId, Did } from '../../types/protocol.js';
import type { ClientActivity, ClientRecord, ClientStore } from './store.js';

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
    failures,
    ...later('lastKeyUse', before, activity),
    ...later('lastXlinkUse', before, activity),
    ...later('lastFailure', before, activity),
  };
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

  link(did: Did, client: ClientId): ClientId {
    const owner = this.#clients.get(did);
    if (owner !== undefined) return owner;
    this.#clients.set(did, client);
    const record = this.#records.get(client) ?? emptyRecord(client);
    this.#records.set(client, { ...record, dids: [...record.dids, did] });
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
}
