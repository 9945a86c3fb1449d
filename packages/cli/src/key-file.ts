import { Identity } from '@private.me/xlink';
import { fileIdentity } from '@private.me/xlink/file';
import { assertSecret } from './local/secret-file.js';
import { UsageError } from './run.js';

/** The versions that an identity may have; its file does not say which one. */
export type Version = 1 | 2 | 3;

/** Throws `KEY_FILE_OPEN` if others can read it. The identity in a PKCS#8 file, PEM or DER, as `openssl genpkey -algorithm ed25519` and `exportPKCS8` write it. */
export async function identityOf(path: string, maxVersion: Version): Promise<Identity> {
  return Identity.fromPKCS8(await pkcs8In(path), { maxVersion });
}

async function pkcs8In(path: string): Promise<Uint8Array> {
  let pkcs8: Uint8Array | null | undefined;
  try {
    pkcs8 = await fileIdentity(path).load();
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    throw new UsageError(code === undefined ? message : `${path}: ${message}`);
  }
  if (!pkcs8) throw new UsageError(`there is no file ${path}`);
  await assertSecret(path);
  return pkcs8;
}
