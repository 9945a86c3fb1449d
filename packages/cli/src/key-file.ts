import { Identity } from '@private.me/xlink';
import { fileIdentity } from '@private.me/xlink/file';
import { keychainKey } from './local/folder.js';
import { isInKeychain } from './local/keychain.js';
import { assertSecret } from './local/secret-file.js';
import { contentOf } from './local/whole-file.js';
import { UsageError } from './run.js';

/** The versions that an identity may have; its file does not say which one. */
export type Version = 1 | 2 | 3;

/** Throws `KEY_FILE_OPEN` if others can read it. The identity in a PKCS#8 file, PEM or DER, as `openssl genpkey -algorithm ed25519` and `exportPKCS8` write it, or in the keychain, where the file names it. */
export async function identityOf(path: string, maxVersion: Version): Promise<Identity> {
  return Identity.fromPKCS8(await pkcs8In(path), { maxVersion });
}

async function pkcs8In(path: string): Promise<Uint8Array> {
  let pkcs8: Uint8Array | null | undefined;
  const content = await contentOf(path).catch(() => undefined);
  if (content && isInKeychain(content)) {
    await assertSecret(path);
    return keychainKey(content);
  }
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
