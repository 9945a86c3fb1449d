import { HttpTrustRegistry, isXlinkError, type ManagedTrustRegistry } from '@private.me/xlink';
import { secretIn } from './local/secret-file.js';
import { isPlace, openStore } from './open-store.js';
import { UsageError } from './run.js';

export const REGISTRY_OPTIONS = {
  registry: { type: 'string' },
  'token-file': { type: 'string' },
} as const;

/** Where processes of other users do not see it. */
const TOKEN = 'XLINK_REGISTRY_TOKEN';

export const REGISTRY_HELP = `  --registry PLACE         file:PATH, postgres://… or redis://…, as in xlink transfer; or
                           https://…, a registry server, to which /registry/… is added
  --token-file FILE        its admin token (default: the variable ${TOKEN})`;

export interface RegistryValues {
  readonly registry?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** Works with the registry that the options name, and lets go of it. */
export async function withRegistry<T>(
  values: RegistryValues,
  work: (registry: ManagedTrustRegistry) => Promise<T>,
): Promise<T> {
  const { registry: place } = values;
  if (place === undefined) throw new UsageError('--registry is required');
  if (!isPlace(place)) return work(await registryServer(place, values));
  const { store, close } = await openStore('registry', place, { isRead: true });
  try {
    return await work(store as ManagedTrustRegistry);
  } finally {
    await close();
  }
}

async function registryServer(
  baseUrl: string,
  { 'token-file': file }: RegistryValues,
): Promise<HttpTrustRegistry> {
  const authToken = file === undefined ? process.env[TOKEN] : (await secretIn('token-file', file)).trim();
  try {
    return new HttpTrustRegistry({ baseUrl, ...(authToken ? { authToken } : {}) });
  } catch (error) {
    if (!isXlinkError(error) || error.field !== 'baseUrl') throw error;
    throw new UsageError(`--registry: ${error.message}; or file:PATH, postgres://…, redis://…`);
  }
}

/** What a command failed with, where it was the registry: which one, and what its options are called here. */
export async function tellingOf<T>(place: string | undefined, work: () => Promise<T>): Promise<T> {
  const registry = place?.replace(/(\/\/[^/@:]*):[^/@]*@/, '$1@'); // a password is for nobody's log
  try {
    return await work();
  } catch (error) {
    if (!isXlinkError(error) || error.category !== 'registry') throw error;
    if (error.id === 'REGISTRATION_FAILED:UNAUTHORIZED') {
      const how = `give the right one in --token-file FILE or the variable ${TOKEN}`;
      throw new Error(`${registry} requires its admin token: ${how}`);
    }
    if (error.cause === undefined) throw error;
    throw new Error(`the trust registry at ${registry} could not be asked`, { cause: error.cause });
  }
}
