import { ok, type Result } from '../../errors/result.js';
import type {
  ChangeCondition,
  Grant,
  ManagedTrustRegistry,
  RevokeOptions,
  ScopeChange,
} from '../../registry/managed.js';
import { MemoryTrustRegistry } from '../../registry/memory.js';
import type { Did, KeyRecord, Registration, RegistryEntry } from '../../types/protocol.js';

/** A change as it is kept until it can be made: plain JSON. */
export type Write =
  | { readonly operation: 'register'; readonly did: Did; readonly entry: Registration }
  | { readonly operation: 'add'; readonly did: Did; readonly grant: Grant }
  | { readonly operation: 'revoke'; readonly did: Did; readonly options?: RevokeOptions }
  | { readonly operation: 'updateScopes'; readonly did: Did; readonly change: ScopeChange }
  | {
      readonly operation: 'updateKeys';
      readonly did: Did;
      readonly keys: KeyRecord;
      readonly condition?: ChangeCondition;
    };

/** The change without its condition. */
export const unconditional = (write: Write): Write =>
  JSON.parse(JSON.stringify(write, (name, value) => (name === 'ifRevision' ? undefined : value)));

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
      return registry.updateKeys(write.keys, write.condition);
  }
}

/** A registry of one entry, which has the rules of all: what a change would come to. */
class Trial extends MemoryTrustRegistry {
  constructor(entry: RegistryEntry | undefined) {
    super();
    if (entry) void this.change(entry.did, () => entry); // at once
  }
}

/**
 * What becomes of an entry; a change that its rules refuse leaves it as it is. What was changed here has no revision: that
 * is the registry's to count, which may have seen other changes.
 */
export async function afterWrites(
  entry: RegistryEntry | undefined,
  writes: readonly Write[],
): Promise<RegistryEntry | undefined> {
  const did = writes[0]?.did ?? entry?.did;
  if (did === undefined) return undefined;
  const trial = new Trial(entry);
  for (const write of writes) await perform(trial, write);
  const after = trial.lookup(did);
  if (after === entry || !after) return after;
  const { revision: _, ...changed } = after;
  return Object.freeze(changed);
}

/**
 * Whether the change could be made to the entry. What is not known here may be known elsewhere: then only what is wrong
 * with the change itself counts.
 */
export async function check(write: Write, entry: RegistryEntry | undefined): Promise<Result<void>> {
  const needsEntry = write.operation !== 'register' && write.operation !== 'add';
  const blank: RegistryEntry | undefined = needsEntry ? { did: write.did, status: 'active' } : undefined;
  const result = await perform(new Trial(entry ?? blank), entry ? write : unconditional(write));
  return result.ok ? ok(undefined) : result;
}
