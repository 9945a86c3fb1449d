import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Identity } from '@private.me/xlink';
import { UsageError } from './run.js';

/** The versions that an identity may have; its file does not say which one. */
export type Version = 1 | 2 | 3;

/** The identity in a PKCS#8 file, PEM or DER, as `openssl genpkey -algorithm ed25519` and `exportPKCS8` write it. */
export async function identityOf(path: string, maxVersion: Version): Promise<Identity> {
  const file = await readFile(path);
  const isPem = file.subarray(0, 5).toString('latin1') === '-----';
  return Identity.fromPKCS8(new Uint8Array(isPem ? derOf(file, path) : file), { maxVersion });
}

function derOf(pem: Buffer, path: string): Buffer {
  try {
    return createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  } catch {
    throw new UsageError(`${path} is not a PKCS#8 private key without a passphrase`); // the cause may quote it
  }
}
