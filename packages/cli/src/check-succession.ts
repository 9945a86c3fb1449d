import { assertSuccession, type RegistryEntry, type TrustRegistry } from '@private.me/xlink';
import { isDidKey } from './did-option.js';
import { type RegistryValues, withRegistry } from './registry-option.js';
import { type Output, UsageError } from './run.js';

export interface CheckValues extends RegistryValues {
  readonly did?: string | undefined;
}

/** More than a registry lets a chain have. */
const MAX_STEPS = 17;

/** `xlink identity check`: who stands for a DID now, each step verified. 1 if nobody does. */
export async function check(values: CheckValues, output: Output): Promise<number> {
  const { did } = values;
  if (did === undefined) throw new UsageError('--did is required');
  if (!isDidKey(did)) throw new UsageError('--did must be a did:key');
  return withRegistry(values, (registry) => follow(registry, did, output));
}

async function follow(registry: TrustRegistry, did: string, { out, err }: Output): Promise<number> {
  let entry = await registry.lookup(did);
  if (!entry) throw new Error(`${did} is not in the registry`);
  out(lineOf(entry));
  for (let step = 0; entry.succeededBy && step < MAX_STEPS; step++) {
    const { succeededBy }: RegistryEntry = entry;
    await assertSuccession(succeededBy);
    const next: RegistryEntry | undefined = await registry.lookup(succeededBy.to);
    if (next?.predecessors?.at(-1) !== entry.did) {
      err(`${succeededBy.to} has no entry yet: run xlink identity succeed again`);
      return 1;
    }
    entry = next;
    out(lineOf(entry));
  }
  if (entry.status === 'active') return 0;
  err('the last of them is revoked: nobody stands for this DID');
  return 1;
}

function lineOf({ did, status, succeededBy, keys }: RegistryEntry): string {
  if (status === 'revoked') return `${did}  revoked`;
  if (!succeededBy)
    return `${did}  active${keys?.next ? ', only the DID that it committed to may succeed it' : ''}`;
  const end = succeededBy.issuedAt + succeededBy.overlapMs;
  return `${did}  ${Date.now() > end ? 'succeeded, over since' : 'succeeded, good until'} ${new Date(end).toISOString()}`;
}
