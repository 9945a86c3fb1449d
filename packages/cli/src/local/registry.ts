import type { ManagedTrustRegistry } from '@private.me/xlink';
import { FileTrustRegistry } from '@private.me/xlink/file';
import { REGISTRY_OPTIONS, type RegistryValues, tellingOf, withRegistry } from '../registry-option.js';
import type { Folder } from './folder.js';

export const PLACE_OPTIONS = REGISTRY_OPTIONS;

export const PLACE_HELP = `  --registry PLACE         file:PATH, postgres://…, redis://… or https://… (default: the
                           registry of the folder)
  --token-file FILE        admin token of a registry server`;

/** How long another command is waited for that has the file, in ms. */
const LOCK_WAIT_MS = 3000;

/** The registry of a folder. Another process that has it is waited for, and then named. */
export const localRegistry = (folder: Folder): FileTrustRegistry =>
  new FileTrustRegistry({ path: folder.file('registry.jsonl'), lockWaitMs: LOCK_WAIT_MS });

/** Works with the registry of the options, else with that of the folder. */
export async function useRegistry<T>(
  folder: Folder,
  values: RegistryValues,
  work: (registry: ManagedTrustRegistry) => Promise<T>,
): Promise<T> {
  if (values.registry !== undefined) return tellingOf(values.registry, () => withRegistry(values, work));
  const registry = localRegistry(folder);
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}
