import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IdentityStore } from '../../client/options.js';
import { xlinkError } from '../../errors/errors.js';
import { Identity } from '../../identity/identity.js';
import { decodePkcs8, encodePkcs8 } from '../../identity/pkcs8.js';
import { realPathOf } from './durable-file.js';
import { bytesOfFile, createPrivateFile } from './private-file.js';
import { updateFile } from './update-file.js';

/**
 * The identity in a PKCS#8 file, DER or PEM; made with mode 0600 if it is not there. Version 2. A crash leaves a whole file or none, and
 * of several processes that start at once all take the same identity. Rejects with `INVALID_PKCS8`, which names the file, for one of
 * another kind or with a passphrase.
 */
export async function identityFromFile(path: string): Promise<Identity> {
  const kept = await bytesOfFile(path);
  if (kept) return Identity.fromPKCS8(pkcs8In(kept, path));
  const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)));
  if (await createPrivateFile(await realPathOf(path), identity.exportPKCS8())) return identity;
  return Identity.fromPKCS8(pkcs8In(await readFile(path), path));
}

/**
 * Where `xlinkFetch`, `connect` and `DualModeClient` keep their identity between runs: as PKCS#8 in the file, which may be PEM, and beside it, in
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
      const kept = await bytesOfFile(path);
      return kept && pkcs8In(kept, path);
    },
    async save(pkcs8) {
      if (!(await createPrivateFile(await realPathOf(path), pkcs8)))
        throw new Error('another process made one meanwhile');
    },
    services: {
      load: async () => (await bytesOfFile(services))?.toString(),
      save: (json) => updateFile(services, async () => json),
      update: (change) => updateFile(services, change),
    },
  };
}

/** What is in a file, as DER. */
function pkcs8In(file: Buffer, path: string): Uint8Array {
  try {
    return encodePkcs8(decodePkcs8(file));
  } catch {
    const hint = `Expected DER or unencrypted PEM ("BEGIN PRIVATE KEY") in ${path}.`;
    throw xlinkError('INVALID_PKCS8', { hint });
  }
}
