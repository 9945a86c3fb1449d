import { Agent, type AgentOptions, type Did, type ManagedTrustRegistry } from '@private.me/xlink';
import { FileNonceStore } from '@private.me/xlink/file';
import type { RegistryValues } from '../registry-option.js';
import type { Folder } from './folder.js';
import { useRegistry } from './registry.js';
import { contentOf } from './whole-file.js';

/** How old a message may be that is received by hand, in ms. */
export const MAX_AGE_MS = 7 * 86_400_000;

export interface Wanted extends RegistryValues {
  /** Which agent. Default: the identity of the folder. */
  readonly did?: Did | undefined;
  /** What has been received is kept, so that nothing is taken twice. Default `false`: it only sends. */
  readonly receives?: boolean;
}

/** Works as an agent of the folder, with its registry. */
export async function asAgent<T>(
  folder: Folder,
  wanted: Wanted,
  options: Omit<AgentOptions, 'registry' | 'nonceStore'>,
  work: (agent: Agent, registry: ManagedTrustRegistry) => Promise<T>,
): Promise<T> {
  const identity = await folder.identity(wanted.did);
  const name = (await folder.configIfAny())?.name;
  return useRegistry(folder, wanted, async (registry) => {
    const nonces = wanted.receives ? await openNonces(folder) : undefined;
    const agent = new Agent({
      ...(name === undefined ? {} : { name }),
      ...options,
      ...(nonces ? { nonceStore: nonces, maxAgeMs: MAX_AGE_MS } : {}),
      identity,
      registry,
    });
    try {
      return await work(agent, registry);
    } finally {
      agent.dispose();
      await nonces?.close();
    }
  });
}

/** Nothing was received before the file was first made, so what is older may come. */
async function openNonces(folder: Folder): Promise<FileNonceStore> {
  const path = folder.file('nonces.jsonl');
  const isNew = (await contentOf(path)) === undefined;
  return FileNonceStore.open({ path, lockWaitMs: 3000, coldStart: isNew ? 'accept' : 'refuse' });
}
