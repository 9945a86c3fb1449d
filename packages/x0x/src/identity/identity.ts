import { join } from 'node:path';
import { Identity, mlDsa65SeedOf } from '@private.me/xlink';
import { createPrivateFile, identityFromFile, isSharedFile, makeFolder } from '@private.me/xlink/file';
import { X0xError } from '../errors.js';
import { encodeKeyFile } from '../layouts/key-file.js';
import { assertUnshared } from '../util/private-file.js';
import type { X0xId } from './ids.js';
import { keyPath, keysFromFile, readKeyFile } from './key-files.js';
import { type RandomBytes, X0xKeyPair } from './key-pair.js';
import { type Places, type PlacesOptions, placesOf } from './places.js';

/** Who an instance is: its machine, its agent, the human behind it if there is one, and its DID in xLink. */
export interface X0xIdentity extends Places {
  /** Bound to this machine. */
  readonly machine: X0xKeyPair;
  /** The one that moves: most others care about its id. */
  readonly agent: X0xKeyPair;
  /** A human. Never made by itself. */
  readonly user: X0xKeyPair | undefined;
  /** The same agent in xLink. */
  readonly xlink: Identity;
  /**
   * Whether the ML-DSA-65 key of the DID is the key of the agent: then its key record, which both keys sign, joins them. Otherwise
   * `agent.key` came from elsewhere, and a statement that both sign does (`bindAgent`).
   */
  readonly isCoSigned: boolean;
}

/** Options of {@link openIdentity}. */
export interface IdentityOptions extends PlacesOptions {
  /** Source of new keys. Default: that of the platform. */
  readonly random?: RandomBytes;
}

/**
 * The identity in an identity directory. `machine.key` and `agent.key` are made at first use, and `xlink.pkcs8`, the seed from which the
 * key of the agent and its DID come; `user.key` never. Throws `KEY_FILE_…`, `INVALID_OPTION` or `INVALID_PKCS8`.
 */
export async function openIdentity({ random, ...where }: IdentityOptions = {}): Promise<X0xIdentity> {
  const places = placesOf(where);
  const { identityDir } = places;
  await madeFolder(identityDir);
  await assertUnshared(identityDir);
  const path = join(identityDir, 'xlink.pkcs8');
  const seed = await identityFromFile(path);
  if (await isSharedFile(path)) throw new X0xError('KEY_FILE_EXPOSED', { field: 'xlink.pkcs8' });
  const xlink = await Identity.fromPKCS8(seed.exportPKCS8(), { maxVersion: 3 });
  const derived = async () => X0xKeyPair.fromSeed(await mlDsa65SeedOf(xlink));
  const machine = await keysFromFile(keyPath(identityDir, 'machine'), () => X0xKeyPair.generate(random));
  const agent = await keysFromFile(keyPath(identityDir, 'agent'), derived);
  const user = (await readKeyFile(keyPath(identityDir, 'user')))?.keys;
  return { ...places, machine, agent, user, xlink, isCoSigned: isKeyOf(xlink, agent) };
}

/**
 * Makes `user.key`: a human says who she is, once. Nothing else of this package does it. Throws `USER_KEY_EXISTS`.
 * `seed`: 32 bytes of which the same user comes back elsewhere; default random.
 */
export async function makeUserKey(where: PlacesOptions = {}, seed?: Uint8Array): Promise<X0xId> {
  const { identityDir } = placesOf(where);
  const keys = seed ? X0xKeyPair.fromSeed(seed) : X0xKeyPair.generate();
  await madeFolder(identityDir);
  if (!(await createPrivateFile(keyPath(identityDir, 'user'), encodeKeyFile(keys))))
    throw new X0xError('USER_KEY_EXISTS');
  return keys.id;
}

async function madeFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (cause) {
    throw new X0xError('KEY_FILE_UNREADABLE', { field: path, cause });
  }
}

function isKeyOf({ mlDsa65 }: Identity, agent: X0xKeyPair): boolean {
  const key = mlDsa65?.publicKey;
  return key !== undefined && Buffer.compare(key, agent.publicKey) === 0;
}
