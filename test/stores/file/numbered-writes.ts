import type { Did, ManagedTrustRegistry, RegistryEntry } from '@private.me/xlink';

// Writes 1, 2, 3… go to some DIDs in turn, so that the entries tell after which write they are.

/** What entry `number % dids.length` holds after that write: its length differs from write to write. */
const nameOf = (number: number): string => `${number}`.padEnd((number * 37) % 5000, 'x');

export const writeNumber = (registry: ManagedTrustRegistry, dids: readonly Did[], number: number) =>
  registry.add(dids[number % dids.length]!, { scopes: [`${number}`], name: nameOf(number) });

/** The entries after write `last`. */
export function entriesAfter(dids: readonly Did[], last: number): RegistryEntry[] {
  return dids.flatMap((did, at) => {
    const number = last - ((((last - at) % dids.length) + dids.length) % dids.length);
    const revision = Math.ceil(number / dids.length);
    return number < 1
      ? []
      : [{ did, name: nameOf(number), sendScopes: [`${number}`], status: 'active' as const, revision }];
  });
}

/** The write that the entries are the state after: no more, no less, nothing in between. Throws if there is none. */
export function lastWriteOf(dids: readonly Did[], entries: readonly RegistryEntry[]): number {
  const last = Math.max(0, ...entries.map(({ sendScopes }) => Number(sendScopes?.[0])));
  const sorted = (list: readonly RegistryEntry[]) =>
    JSON.stringify(
      [...list].sort((a, b) => (a.did < b.did ? -1 : 1)).map((entry) => Object.entries(entry).sort()),
    );
  if (sorted(entries) !== sorted(entriesAfter(dids, last)))
    throw new Error(`the entries are not the state after write ${last}`);
  return last;
}
