import { readFile } from 'node:fs/promises';
import { HttpTrustRegistry } from '@private.me/xlink';
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
  const authToken = file === undefined ? process.env[TOKEN] : (await readFile(file, 'utf8')).trim();
  return new HttpTrustRegistry({ baseUrl, ...(authToken ? { authToken } : {}) });
}
