import { assertSuccession, type RegistryEntry } from '@private.me/xlink';
import { isDidKey } from './did-option.js';
import { registryOf } from './registry-option.js';
import { type Output, UsageError } from './run.js';

export interface CheckValues {
  readonly did?: string | undefined;
  readonly registry?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** More than a registry lets a chain have. */
const MAX_STEPS = 17;

/** `xlink identity check`: who stands for a DID now, each step verified. 1 if nobody does. */
export async function check(values: CheckValues, { out, err }: Output): Promise<number> {
  if (values.did === undefined) throw new UsageError('--did is required');
  if (!isDidKey(values.did)) throw new UsageError('--did must be a did:key');
  const registry = await registryOf(values);
  let entry = await registry.lookup(values.did);
  if (!entry) throw new Error(`${values.did} is not in the registry`);
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
