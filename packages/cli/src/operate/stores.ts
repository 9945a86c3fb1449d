import { join } from 'node:path';
import type { ClientStore, ManagedTrustRegistry, Mode, ModeStore, OperationsStore } from '@private.me/xlink';
import { Agent, DualModeAdapter, Identity, SharedMode } from '@private.me/xlink';
import { type Opened, openStore } from '../open-store.js';
import { TEXT } from '../options.js';
import { UsageError } from '../run.js';

export const STORE_OPTIONS = {
  state: TEXT,
  clients: TEXT,
  mode: TEXT,
  registry: TEXT,
  operations: TEXT,
} as const;

export const STORE_HELP = `  --state FOLDER           the folder of openFileState: all stores of an API of one process,
                           which must be stopped, as files are open in one process at a time
  --clients PLACE, --mode PLACE, --registry PLACE, --operations PLACE
                           the stores one by one: file:PATH, postgres://… or redis://…, as
                           in xlink transfer; the instances go on`;

export interface StoreValues {
  readonly state?: string | undefined;
  readonly clients?: string | undefined;
  readonly mode?: string | undefined;
  readonly registry?: string | undefined;
  readonly operations?: string | undefined;
}

const PARTS = ['clients', 'mode', 'registry', 'operations'] as const;
type Part = (typeof PARTS)[number];

/** What an operator works with: the stores of an API, behind an adapter that serves nobody. */
export interface Operated {
  readonly adapter: DualModeAdapter;
  readonly modes: ModeStore | undefined;
  /** Follows the stored mode. Throws where none is stored yet. */
  shared(): Promise<SharedMode>;
}

/** Where each store is. */
export function placesOf(values: StoreValues): Partial<Record<Part, string>> {
  const { state } = values;
  const given = PARTS.flatMap((part) => (values[part] === undefined ? [] : [[part, values[part]] as const]));
  if (state === undefined) return Object.fromEntries(given);
  if (given.length > 0) throw new UsageError('--state stands for all stores');
  return Object.fromEntries(PARTS.map((part) => [part, `file:${join(state, `${part}.jsonl`)}`]));
}

/** Works with the stores of an API as its operator, and lets go of them. `required`: those that have to be named. */
export async function operate<T>(
  values: StoreValues,
  required: readonly Part[],
  work: (operated: Operated) => Promise<T>,
): Promise<T> {
  const places = placesOf(values);
  const missing = required.find((part) => places[part] === undefined);
  if (missing) throw new UsageError(`--state, or --${missing}, is required`);
  const opened: Opened[] = [];
  const open = async <S>(part: Part): Promise<S | undefined> => {
    const place = places[part];
    if (place === undefined) return undefined;
    const one = await openStore(part, place, { isRead: true });
    opened.push(one);
    return one.store as S;
  };
  try {
    const clients = await open<ClientStore>('clients');
    const modes = await open<ModeStore>('mode');
    const registry = await open<ManagedTrustRegistry>('registry');
    const operations = await open<OperationsStore>('operations');
    const stored = await modes?.load();
    const adapter = await adapterOf({ clients, registry, operations }, stored?.mode);
    try {
      return await work({ adapter, modes, shared: () => sharedOf(adapter, modes, stored?.mode) });
    } finally {
      await adapter.close();
    }
  } finally {
    for (const { close } of opened) await close();
  }
}

interface Stores {
  readonly clients: ClientStore | undefined;
  readonly registry: ManagedTrustRegistry | undefined;
  readonly operations: OperationsStore | undefined;
}

/** An adapter without callers. Its identity signs nothing, so it is a new one, in memory. */
async function adapterOf(
  { clients, registry, operations }: Stores,
  mode: Mode = 'hybrid',
): Promise<DualModeAdapter> {
  const identity = await Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32)));
  return new DualModeAdapter({
    agent: new Agent({ identity, ...(registry ? { registry } : {}) }),
    legacyKeyValidator: () => null,
    mode,
    ...(clients ? { clients } : {}),
    ...(operations ? { operations } : {}),
  });
}

async function sharedOf(
  adapter: DualModeAdapter,
  store: ModeStore | undefined,
  mode: Mode | undefined,
): Promise<SharedMode> {
  if (!store) throw new UsageError('--mode is required');
  if (mode === undefined)
    throw new Error(
      'no mode is stored there yet: start an instance with a SharedMode first, or set one: xlink migrate mode MODE',
    );
  const shared = new SharedMode({ adapter, store });
  await shared.refresh();
  return shared;
}
