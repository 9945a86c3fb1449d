import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Did, Identity, type IdentityStore } from '@private.me/xlink';
import { fileIdentity } from '@private.me/xlink/file';
import { Failure } from '../failures.js';
import type { CommonValues } from '../options.js';
import { fromKeychain, isInKeychain } from './keychain.js';
import { passphraseOf } from './passphrase.js';
import { isSealedKey, openKey } from './sealed-key.js';
import { assertOwn, assertSecret, makePlace } from './secret-file.js';
import { contentOf, writeWhole } from './whole-file.js';

/** What an identity is called here, and where it takes messages. */
export interface Config {
  readonly name: string;
  readonly did: Did;
  /** Where it takes messages, as others reach it. */
  readonly url: string;
}

/** Where a peer takes messages. */
export interface PeerPlace {
  readonly url: string;
  readonly name?: string;
}

/** The folder in which an identity, its registry and its invites are. */
export class Folder {
  readonly path: string;
  readonly #values: CommonValues;

  constructor(values: CommonValues) {
    this.#values = values;
    this.path = values.dir ?? process.env['XLINK_DIR'] ?? '.xlink';
  }

  file(name: string): string {
    return join(this.path, name);
  }

  get identityFile(): string {
    return this.file('identity.key');
  }

  /** Made for its owner alone, and for no repository. */
  async make(): Promise<void> {
    await makePlace(this.path);
    await chmod(this.path, 0o700);
    await writeWhole(this.file('.gitignore'), '*\n');
  }

  /** Throws `NO_IDENTITY` if there is none, and `WRITABLE_BY_OTHERS`. */
  async config(): Promise<Config> {
    const found = await this.configIfAny();
    if (!found) throw new Failure('NO_IDENTITY', this.path);
    return found;
  }

  async configIfAny(): Promise<Config | undefined> {
    await assertOwn(this.path);
    const content = await contentOf(this.file('config.json'));
    return content && (JSON.parse(content.toString()) as Config);
  }

  saveConfig(config: Config): Promise<void> {
    return writeWhole(this.file('config.json'), `${JSON.stringify(config, null, 2)}\n`);
  }

  async peers(): Promise<Readonly<Record<Did, PeerPlace>>> {
    return JSON.parse((await contentOf(this.file('peers.json')))?.toString() ?? '{}');
  }

  async rememberPeer(did: Did, place: PeerPlace): Promise<void> {
    const peers = { ...(await this.peers()), [did]: place };
    await writeWhole(this.file('peers.json'), `${JSON.stringify(peers, null, 2)}\n`);
  }

  /** The identity of this folder, or the one of an agent that `xlink create` made. Throws `NO_IDENTITY` or `UNKNOWN_AGENT`. */
  async identity(did?: Did): Promise<Identity> {
    const config = await this.configIfAny();
    if (did === undefined || did === config?.did) {
      if (!config) throw new Failure('NO_IDENTITY', this.path);
      return this.identityIn(this.identityFile, 2);
    }
    const file = this.agentFile(did);
    if (!(await contentOf(file))) throw new Failure('UNKNOWN_AGENT', did);
    return this.identityIn(file, 3);
  }

  /** Agents beside the identity of the folder have all keys: version 3. */
  agentFile(did: Did): string {
    return this.file(join('agents', `${did.replace('did:key:', '')}.key`));
  }

  /** DIDs of the agents that `xlink create` made. */
  async agents(): Promise<readonly Did[]> {
    const names = await readdir(this.file('agents')).catch(() => []);
    return names.flatMap((name) => (name.endsWith('.key') ? [`did:key:${name.slice(0, -4)}`] : []));
  }

  /** The identity where `connect` and `curl` take it from, with what they have learned of services. */
  identityStore(): IdentityStore {
    const { services } = fileIdentity(this.identityFile);
    const load = async () => (await this.identity()).exportPKCS8();
    const save = () => {
      throw new Failure('NO_IDENTITY', this.path);
    };
    return { load, save, ...(services ? { services } : {}) };
  }

  /** The identity in a file of this folder. */
  async identityIn(path: string, maxVersion: 2 | 3): Promise<Identity> {
    return Identity.fromPKCS8(await pkcs8In(path, this.#values), { maxVersion });
  }
}

/** A key in a file, or in the keychain, decrypted where that is needed. Throws `KEY_FILE_OPEN` if others can read it, `PASSPHRASE_…` and `KEYCHAIN_…`. */
export async function pkcs8In(path: string, values: CommonValues): Promise<Uint8Array> {
  const content = await contentOf(path);
  if (!content) throw new Failure('NO_IDENTITY', path);
  await assertSecret(path);
  if (isSealedKey(content)) return openKey(content, await passphraseOf(values));
  if (isInKeychain(content)) return keychainKey(content);
  return (await fileIdentity(path).load())!;
}

/** The key that a file names. Throws `KEYCHAIN_…`: also where it is another key than that of the DID. */
export async function keychainKey(content: Uint8Array): Promise<Uint8Array> {
  const { did, pkcs8 } = await fromKeychain(content);
  const identity = await Identity.fromPKCS8(pkcs8).catch(() => undefined);
  if (identity?.did !== did) throw new Failure('KEYCHAIN_OTHER_KEY', did);
  return pkcs8;
}
