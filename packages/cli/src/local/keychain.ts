import { randomBytes } from 'node:crypto';
import type { Did } from '@private.me/xlink';
import { Failure } from '../failures.js';

const PACKAGE = '@napi-rs/keyring';
const KIND = 'xlink-keychain/1';
/** Under this name the keychain shows the entries. */
const SERVICE = 'xlink';
/** Never the keyring of the Linux kernel, which the package takes by itself where there is no Secret Service: it forgets all at a restart. */
const STORE = { linux: { store: 'secret-service' } } as const;

/** What a key file holds whose key is in the keychain: the name of the entry, which is no secret. */
const pointerTo = (account: string): string =>
  `${JSON.stringify({ kind: KIND, service: SERVICE, account })}\n`;

/** Whether a file names an entry of the keychain. */
export const isInKeychain = (content: Uint8Array): boolean =>
  content[0] === 0x7b && Buffer.from(content).includes(`"${KIND}"`);

/** Keeps a private key in the keychain of the operating system, in an entry of its own; what the key file is to hold. Throws `KEYCHAIN_…`. */
export async function putInKeychain(pkcs8: Uint8Array, did: Did): Promise<string> {
  const account = `${did}#${randomBytes(6).toString('base64url')}`;
  await withEntry(account, (entry) => entry.setPassword(Buffer.from(pkcs8).toString('base64')));
  return pointerTo(account);
}

/** The DID and the private key (PKCS#8) that a key file names. Throws `KEYCHAIN_…`. */
export async function fromKeychain(
  content: Uint8Array,
): Promise<{ readonly did: string; readonly pkcs8: Uint8Array }> {
  const account = accountIn(content);
  const text = await withEntry(account, (entry) => entry.getPassword());
  if (typeof text !== 'string') throw new Failure('KEYCHAIN_NO_ENTRY', account);
  return { did: account.replace(/#.*$/, ''), pkcs8: Buffer.from(text, 'base64') };
}

/** Takes the entry out that a key file names. Throws `KEYCHAIN_…`; one that is gone is fine. */
export async function dropFromKeychain(content: string | Uint8Array): Promise<void> {
  await withEntry(accountIn(Buffer.from(content)), (entry) => entry.deleteCredential());
}

/** Throws `KEYCHAIN_…` where nothing can be kept, before anything is made. Only an entry that is made and dropped tells: a locked one may be read where there is none. */
export async function assertKeychain(): Promise<void> {
  await withEntry(`trial#${randomBytes(6).toString('base64url')}`, async (entry) => {
    await entry.setPassword('trial');
    await entry.deleteCredential();
  });
}

function accountIn(content: Uint8Array): string {
  try {
    const { kind, service, account } = JSON.parse(Buffer.from(content).toString());
    if (kind === KIND && service === SERVICE && /^did:key:z\w+#[\w-]+$/.test(account)) return account;
  } catch {
    // no JSON: the same as JSON that says something else
  }
  throw new Failure('KEYCHAIN_NO_ENTRY');
}

/** What is used of an entry. */
interface Entry {
  setPassword(password: string): Promise<void>;
  getPassword(): Promise<string | null | undefined>;
  deleteCredential(): Promise<boolean>;
}

async function withEntry<T>(account: string, work: (entry: Entry) => Promise<T>): Promise<T> {
  const { AsyncEntry } = await loaded();
  try {
    return await work(new AsyncEntry(SERVICE, account, STORE));
  } catch (cause) {
    // So the package tells of a keychain that is there, and does not open.
    const isLocked = /platform storage|locked|prompt|denied|cancel/i.test((cause as Error).message);
    throw new Failure(isLocked ? 'KEYCHAIN_LOCKED' : 'KEYCHAIN_UNREACHABLE', '', { cause });
  }
}

async function loaded(): Promise<typeof import('@napi-rs/keyring')> {
  try {
    return await import(PACKAGE);
  } catch (cause) {
    throw new Failure('KEYCHAIN_PACKAGE', '', { cause });
  }
}
