import { isXlinkError, xlinkError } from '../errors/errors.js';
import type { ManagedTrustRegistry } from '../registry/managed.js';
import type { TrustRegistry } from '../types/ports.js';
import type { Did, RegistryEntry } from '../types/protocol.js';
import type { Awaitable } from '../util/awaitable.js';

/**
 * The DID that a message is for: `to` itself if it is a DID, else the DID of the one active entry of the registry with
 * this name, whose place no other DID has taken. Nothing that looks like a DID is taken for a name: entries are named by those who register them.
 *
 * Throws `LOOKUP_FAILED:NAME_NOT_FOUND`, `LOOKUP_FAILED:NAME_AMBIGUOUS`, or `LOOKUP_FAILED` if the registry is down.
 */
export async function didOfRecipient(registry: TrustRegistry, to: string): Promise<Did> {
  if (to.startsWith('did:')) return to;
  const { list } = registry as Partial<ManagedTrustRegistry>;
  if (!list)
    throw xlinkError('LOOKUP_FAILED:NAME_NOT_FOUND', {
      field: 'to',
      hint: 'This registry cannot list its entries, so it finds no names; send to a DID.',
    });
  const entries = await entriesOf(() => list.call(registry));
  const [found, ...more] = entries.filter(
    ({ name, status, succeededBy }) => name === to && status === 'active' && !succeededBy,
  );
  if (!found) throw xlinkError('LOOKUP_FAILED:NAME_NOT_FOUND', { field: 'to' });
  if (more.length > 0) throw xlinkError('LOOKUP_FAILED:NAME_AMBIGUOUS', { field: 'to' });
  return found.did;
}

async function entriesOf(list: () => Awaitable<readonly RegistryEntry[]>): Promise<readonly RegistryEntry[]> {
  try {
    return await list();
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('LOOKUP_FAILED', { cause });
  }
}
