import { ok, type Result } from '../../errors/result.js';
import { EntryRegistry, type EntryRule } from '../../registry/entry-registry.js';
import type { Grant, ManagedTrustRegistry, RevokeOptions, ScopeChange } from '../../registry/managed.js';
import type { Did, KeyRecord, Registration, RegistryEntry } from '../../types/protocol.js';

/** A change as it is kept until it can be made: plain JSON. */
export type Write =
  | { readonly operation: 'register'; readonly did: Did; readonly entry: Registration }
  | { readonly operation: 'add'; readonly did: Did; readonly grant: Grant }
  | { readonly operation: 'revoke'; readonly did: Did; readonly options?: RevokeOptions }
  | { readonly operation: 'updateScopes'; readonly did: Did; readonly change: ScopeChange }
  | { readonly operation: 'updateKeys'; readonly did: Did; readonly keys: KeyRecord };

/** Makes the change at a registry. */
export async function perform(registry: ManagedTrustRegistry, write: Write): Promise<Result<void>> {
  switch (write.operation) {
    case 'register':
      return registry.register(write.entry);
    case 'add':
      return registry.add(write.did, write.grant);
    case 'revoke':
      return registry.revoke(write.did, write.options);
    case 'updateScopes':
      return registry.updateScopes(write.did, write.change);
    case 'updateKeys':
      return registry.updateKeys(write.keys);
  }
}

/** A registry of one entry, which has the rules of all: what a change would come to. */
class SingleEntry extends EntryRegistry {
  entry: RegistryEntry | undefined;

  constructor(entry: RegistryEntry | undefined) {
    super();
    this.entry = entry;
  }

  lookup(): RegistryEntry | undefined {
    return this.entry;
  }

  list(): RegistryEntry[] {
    return this.entry ? [this.entry] : [];
  }

  protected async change(_: Did, rule: EntryRule): Promise<void> {
    this.entry = rule(this.entry);
  }
}

/** What becomes of an entry; a change that its rules refuse leaves it as it is. */
export async function afterWrites(
  entry: RegistryEntry | undefined,
  writes: readonly Write[],
): Promise<RegistryEntry | undefined> {
  const single = new SingleEntry(entry);
  for (const write of writes) await perform(single, write);
  return single.entry;
}

/**
 * Whether the change could be made to the entry. What is not known here may be known elsewhere: then only what is wrong
 * with the change itself counts.
 */
export async function check(write: Write, entry: RegistryEntry | undefined): Promise<Result<void>> {
  const needsEntry = write.operation !== 'register' && write.operation !== 'add';
  const blank: RegistryEntry | undefined = needsEntry ? { did: write.did, status: 'active' } : undefined;
  const result = await perform(new SingleEntry(entry ?? blank), write);
  return result.ok ? ok(undefined) : result;
}
