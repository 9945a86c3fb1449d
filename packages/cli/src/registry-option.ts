import { HttpTrustRegistry, isXlinkError } from '@private.me/xlink';
import { textOf } from './read-file.js';
import { UsageError } from './run.js';

export const REGISTRY_OPTIONS = {
  registry: { type: 'string' },
  'token-file': { type: 'string' },
} as const;

/** Where processes of other users do not see it. */
const TOKEN = 'XLINK_REGISTRY_TOKEN';

export const REGISTRY_HELP = `  --registry URL           the registry server; /registry/… is added to it
  --token-file FILE        its admin token (default: the variable ${TOKEN})`;

/** The registry that the options name. */
export async function registryOf(values: {
  readonly registry?: string | undefined;
  readonly 'token-file'?: string | undefined;
}): Promise<HttpTrustRegistry> {
  const { registry: baseUrl, 'token-file': file } = values;
  if (baseUrl === undefined) throw new UsageError('--registry is required');
  const authToken = file === undefined ? process.env[TOKEN] : (await textOf('token-file', file)).trim();
  try {
    return new HttpTrustRegistry({ baseUrl, ...(authToken ? { authToken } : {}) });
  } catch (error) {
    if (!isXlinkError(error) || error.field !== 'baseUrl') throw error;
    throw new UsageError(`--registry: ${error.message}`);
  }
}

/** What a command failed with, where it was the registry: which one, and what its options are called here. */
export async function tellingOf<T>(registry: string | undefined, work: () => Promise<T>): Promise<T> {
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
