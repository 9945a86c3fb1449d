import type { Did } from '@private.me/xlink';
import type { CommonValues } from '../options.js';
import { FLAG } from '../options.js';
import { UsageError } from '../run.js';
import { assertKeychain, dropFromKeychain, isInKeychain, putInKeychain } from './keychain.js';
import { newPassphrase } from './passphrase.js';
import { isSealedKey, pemOf, sealKey } from './sealed-key.js';
import { contentOf, type WriteOptions, writeWhole } from './whole-file.js';

/** Options of commands that keep a new key. */
export const KEEPING_OPTIONS = { encrypt: FLAG, keychain: FLAG } as const;

export const KEEPING_HELP = `  --encrypt                keeps the key under a passphrase
  --keychain               keeps the key in the keychain of the operating system`;

export interface KeepingValues extends CommonValues {
  readonly encrypt?: boolean | undefined;
  readonly keychain?: boolean | undefined;
}

/** Keeps a private key (PKCS#8) in its way, and makes what its file is to hold. */
export type Keeping = (pkcs8: Uint8Array, did: Did) => Promise<string>;

/** As the options say; asks for a new passphrase, and tries the keychain, before there is a key. Throws a `UsageError`, `PASSPHRASE_…` or `KEYCHAIN_…`. */
export async function keepingOf(values: KeepingValues): Promise<Keeping> {
  if (values.encrypt && values.keychain) throw new UsageError('choose one of --encrypt and --keychain');
  if (values.keychain) {
    await assertKeychain();
    return putInKeychain;
  }
  if (!values.encrypt) return async (pkcs8) => pemOf(pkcs8);
  const passphrase = await newPassphrase(values);
  return (pkcs8) => sealKey(pkcs8, passphrase);
}

/** As a file has its key. */
export const keepingLike = (content: Uint8Array, values: CommonValues): Promise<Keeping> =>
  keepingOf({ ...values, encrypt: isSealedKey(content), keychain: isInKeychain(content) });

/** A key and its DID. */
export interface Kept {
  readonly did: Did;
  exportPKCS8(): Uint8Array;
}

/** Writes the file of a key. Where that fails, nothing of it stays in the keychain either. */
export async function keep(
  file: string,
  identity: Kept,
  keeping: Keeping,
  options?: WriteOptions,
): Promise<void> {
  const content = await keeping(identity.exportPKCS8(), identity.did);
  try {
    await writeWhole(file, content, options);
  } catch (error) {
    await drop(content);
    throw error;
  }
}

/** Keeps the key of a file in another way, in its place. */
export async function keepAnew(file: string, identity: Kept, keeping: Keeping): Promise<void> {
  const before = (await contentOf(file)) ?? Buffer.of();
  await keep(file, identity, keeping);
  if (isInKeychain(before)) await dropFromKeychain(before);
}

async function drop(content: string): Promise<void> {
  if (isInKeychain(Buffer.from(content))) await dropFromKeychain(content).catch(() => {});
}
