import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createKeyRecord, Identity } from '@private.me/xlink';
import { Failure } from './failures.js';
import { Folder, pkcs8In } from './local/folder.js';
import { KEEPING_OPTIONS, type Kept, keep, keepAnew, keepingOf } from './local/keeping.js';
import { isInKeychain } from './local/keychain.js';
import { passphraseOf } from './local/passphrase.js';
import { registerSelf } from './local/register-self.js';
import { localRegistry } from './local/registry.js';
import { isSealedKey } from './local/sealed-key.js';
import { assertSecret } from './local/secret-file.js';
import { contentOf } from './local/whole-file.js';
import { COMMON, COMMON_HELP, FLAG, needed, read, show, TEXT } from './options.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink keys list
       xlink keys generate --out FILE [--encrypt | --keychain]
       xlink keys import FILE --name NAME [--encrypt | --keychain]
       xlink keys export [--agent DID] --out FILE [--encrypt]
       xlink keys export [--agent DID] --record
       xlink keys encrypt [--agent DID] [--keychain]
       xlink keys decrypt [--agent DID]

Files of keys have mode 0600; one that others can read is refused. --encrypt keeps a key
under a passphrase (scrypt, AES-256-GCM); without, a file is PKCS#8, as openssl has it.
import takes PKCS#8, PEM or DER, also with a passphrase of openssl, and what export wrote.
--keychain keeps a key in the keychain of the operating system: macOS, Windows, and the
Secret Service of a Linux desktop; the file only names it. Install @napi-rs/keyring for
that. decrypt takes a key out of there again, and export writes a copy.

  --agent DID              which (default: the identity of the folder)
  --record                 prints the signed public keys, for xlink register --record
${COMMON_HELP}`;

const OPTIONS = { ...COMMON, agent: TEXT, out: TEXT, name: TEXT, ...KEEPING_OPTIONS, record: FLAG } as const;
type Values = ReturnType<typeof read<typeof OPTIONS>>['values'];

/** `xlink keys`. */
export const keysCommand: Command = {
  summary: 'generate, import, export and encrypt keys',
  help: HELP,
  async run([name = '', ...args], output) {
    const { values, words } = read(args, OPTIONS, name === 'import' ? 1 : 0);
    const work = Object.hasOwn(WORKS, name) ? WORKS[name] : undefined;
    if (!work) throw new UsageError(`there are ${Object.keys(WORKS).join(', ')}`);
    show(output, values, await work(new Folder(values), values, words[0], output));
    return 0;
  },
};

type Work = (folder: Folder, values: Values, file: string | undefined, output: Output) => Promise<unknown>;

const WORKS: Readonly<Record<string, Work>> = {
  async list(folder) {
    const config = await folder.configIfAny();
    const own = config ? [{ did: config.did, name: config.name, file: folder.identityFile }] : [];
    const others = (await folder.agents()).map((did) => ({ did, file: folder.agentFile(did) }));
    const all = [...own, ...others];
    return Promise.all(
      all.map(async (one) => {
        const content = (await contentOf(one.file)) ?? Buffer.of();
        return { ...one, encrypted: isSealedKey(content), keychain: isInKeychain(content) };
      }),
    );
  },

  async generate(_, values) {
    const file = needed(values.out, 'out');
    const identity = await Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32)));
    await writeKey(file, identity, values);
    return { status: 'generated', did: identity.did, file };
  },

  async import(folder, values, file) {
    if (file === undefined) throw new UsageError('name the file of the key');
    const name = needed(values.name, 'name');
    const identity = await Identity.fromPKCS8(await foreignKey(file, values), { maxVersion: 3 });
    await folder.make();
    const place = folder.agentFile(identity.did);
    await writeKey(place, identity, values);
    const registry = localRegistry(folder);
    try {
      await registerSelf(registry, identity, name);
    } finally {
      await registry.close();
    }
    return { status: 'imported', did: identity.did, name };
  },

  async export(folder, values) {
    const identity = await folder.identity(values.agent);
    if (values.record) return createKeyRecord(identity);
    if (values.keychain)
      throw new UsageError('export writes the key itself; --encrypt puts a passphrase on it');
    const file = needed(values.out, 'out');
    await writeKey(file, identity, values);
    return { status: 'exported', did: identity.did, file };
  },

  encrypt: (folder, values) => rewrite(folder, values, true),
  decrypt: (folder, values) => rewrite(folder, values, false),
};

async function writeKey(file: string, identity: Kept, values: Values): Promise<void> {
  await keep(file, identity, await keepingOf(values), { isNew: true, mode: 0o600 }).catch(
    (cause: unknown) => {
      throw (cause as { code?: string }).code === 'EEXIST' ? new Failure('EXISTS', file) : cause;
    },
  );
}

/** Puts a key under a passphrase or into the keychain, or makes it plain, in its place. */
async function rewrite(folder: Folder, values: Values, encrypts: boolean): Promise<unknown> {
  const identity = await folder.identity(values.agent);
  const isOwn = values.agent === undefined || values.agent === (await folder.config()).did;
  const file = isOwn ? folder.identityFile : folder.agentFile(identity.did);
  const content = (await contentOf(file))!;
  const way = !encrypts ? 'plain' : values.keychain ? 'in the keychain' : 'encrypted';
  if (way === wayOf(content)) throw new UsageError(`${file} is ${way} already`);
  await keepAnew(
    file,
    identity,
    await keepingOf({ ...values, encrypt: way === 'encrypted', keychain: way === 'in the keychain' }),
  );
  return { status: encrypts ? 'encrypted' : 'decrypted', did: identity.did, file };
}

const wayOf = (content: Uint8Array) =>
  isSealedKey(content) ? 'encrypted' : isInKeychain(content) ? 'in the keychain' : 'plain';

/** Also a file of openssl that has a passphrase. */
async function foreignKey(file: string, values: Values): Promise<Uint8Array> {
  const content = await readFile(file);
  if (!content.includes('ENCRYPTED PRIVATE KEY')) return pkcs8In(file, values);
  await assertSecret(file);
  const passphrase = await passphraseOf(values);
  try {
    return createPrivateKey({ key: content, passphrase }).export({ format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new Failure('PASSPHRASE_WRONG', file, { cause });
  }
}
