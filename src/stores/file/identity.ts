import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IdentityStore } from '../../client/options.js';
import { Identity } from '../../identity/identity.js';
import { bytesOf, createFile, realPathOf } from './durable-file.js';
import { updateFile } from './update-file.js';

/**
 * The identity in a PKCS#8 file with mode 0600, made if it is not there. Version 2. A crash leaves a whole file or none, and
 * of several processes that start at once all take the same identity. Rejects with `INVALID_PKCS8` for a file of another kind.
 */
export async function identityFromFile(path: string): Promise<Identity> {
  const kept = await bytesOf(path);
  if (kept) return Identity.fromPKCS8(new Uint8Array(kept));
  const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)));
  if (await createFile(await realPathOf(path), identity.exportPKCS8())) return identity;
  return Identity.fromPKCS8(new Uint8Array(await readFile(path)));
}

/**
 * Where `xlinkFetch`, `connect` and `DualModeClient` keep their identity between runs: as PKCS#8 in the file, and beside it, in
 * `<path>.services.json`, what was learned about services, without secrets, and its lock. The files have mode 0600 and are there as a
 * whole or not at all. Of several processes on one machine that share them, all go on with what any of them has learned:
 * changes wait for each other, up to 10 s, and lose nothing of each other, also if a process is killed meanwhile.
 *
 * ```ts
 * const fetch = xlinkFetch({ baseUrl, apiKey, identity: fileIdentity('state/caller-identity.der') });
 * ```
 */
export function fileIdentity(path: string): IdentityStore {
  const services = `${path}.services.json`;
  return {
    load: async () => {
      const kept = await bytesOf(path);
      return kept && new Uint8Array(kept);
    },
    async save(pkcs8) {
      if (!(await createFile(await realPathOf(path), pkcs8)))
        throw new Error('another process made one meanwhile');
    },
    services: {
      load: async () => (await bytesOf(services))?.toString(),
      save: (json) => updateFile(services, async () => json),
      update: (change) => updateFile(services, change),
    },
  };
}
