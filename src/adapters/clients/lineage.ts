import { callRegistry } from '../../agent/call-registry.js';
import { MAX_SUCCESSIONS } from '../../identity/succession.js';
import { isSuccessorOf } from '../../registry/succession.js';
import type { TrustRegistry } from '../../types/ports.js';
import type { Did, RegistryEntry } from '../../types/protocol.js';
import { type Awaitable, isPromiseLike } from '../../util/awaitable.js';
import { given } from '../../util/given.js';
import type { ClientStore, Standing } from './store.js';

/** The first of the DIDs one of which took the place of the other. */
export const firstOf = ({ did, predecessors }: RegistryEntry): Did => predecessors?.[0] ?? did;

/**
 * What a DID is linked to. One that is not linked yet, and took the place of one that is, is linked to the same client from now
 * on, and until the same time. At once, without a promise, where the store answers so. `undefined`: none of them was enrolled.
 */
export function standingOf(store: ClientStore, entry: RegistryEntry): Awaitable<Standing | undefined> {
  const own = store.standingOf(entry.did);
  if (!entry.predecessors) return own;
  const inherited = (standing: Standing | undefined) => standing ?? inherit(store, entry);
  return isPromiseLike(own) ? Promise.resolve(own).then(inherited) : inherited(own);
}

/** A DID of a line, and its entry, if it has one yet. */
export interface Member {
  readonly did: Did;
  readonly entry: RegistryEntry | undefined;
}

/** A DID and those that took its place, one after the other. Throws `LOOKUP_FAILED`. */
export async function lineOf(registry: TrustRegistry, did: Did): Promise<Member[]> {
  const line: Member[] = [];
  for (let next: Did | undefined = did; next !== undefined && line.length <= MAX_SUCCESSIONS; ) {
    const current: Did = next;
    const entry = await callRegistry(() => registry.lookup(current), 'LOOKUP_FAILED');
    const before = line.at(-1);
    // The place of a successor may turn out to be taken.
    if (before && entry && !isSuccessorOf(entry, before.did)) break;
    line.push({ did: current, entry: entry ?? undefined });
    next = entry?.succeededBy?.to;
  }
  return line;
}

async function inherit(
  store: ClientStore,
  { did, predecessors = [] }: RegistryEntry,
): Promise<Standing | undefined> {
  for (const before of [...predecessors].reverse()) {
    const former = await store.standingOf(before);
    if (!former) continue;
    const { client, validUntil } = former;
    await store.link(did, client, { ifNew: true, ...given({ validUntil }) }); // what it says of itself counts
    return store.standingOf(did); // it may be linked elsewhere since
  }
  return undefined;
}
