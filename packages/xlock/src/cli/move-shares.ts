import { join } from 'node:path';
import { replacePrivateFile } from '@private.me/xlink/file';
import { passkeyName } from '../passkey/meta.js';
import { PasskeyVault } from '../passkey/vault.js';
import type { XStoreBackend } from '../stores/backend.js';
import { problemLine } from './failure.js';
import { configOf, openHome } from './home.js';
import { textOf } from './init.js';
import { type Terminal, UsageError } from './output.js';
import { checkDistinct, storeOf } from './places.js';

/** `xlock rotate --without`: splits all passkeys anew into the other stores, and those that are `added`; then removes what the old one has. */
export async function moveShares(
  home: string,
  { without, added }: { readonly without: string; readonly added: readonly string[] },
  { out, err }: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const config = await configOf(home);
  if (!config.stores.includes(without))
    throw new UsageError(`--without is one of ${config.stores.join(', ')}`);
  const texts = [...config.stores.filter((text) => text !== without), ...added];
  if (texts.length < config.threshold)
    throw new UsageError(
      `that leaves ${texts.length} stores, and it takes ${config.threshold}: add one with --store`,
    );
  if (texts.length > 8) throw new UsageError('with the one that is left there are 9 stores at most');
  const stores = texts.map((text, at) => storeOf(text, at, home, env));
  const left = storeOf(without, texts.length, home, env);
  checkDistinct([without, ...texts], home);
  const vault = new PasskeyVault({ stores, threshold: config.threshold, spareThreads: 0 });
  const opened = await openHome(home, env, () => {});
  try {
    const passkeys = await opened.device.passkeys();
    for (const { service, userId, did } of passkeys) {
      const { stored, problems } = await vault.recover({ service, userId, did, from: [...stores, left] });
      out(`${service}  ${userId === '' ? '-' : userId}  new shares in ${stored.join(', ')}`);
      if (problems.length > 0) err('xlock: not in all stores: run xlock rotate once these are back');
      for (const { id, reason } of problems) err(problemLine(id, reason));
    }
    await replacePrivateFile(join(home, 'config.json'), textOf({ ...config, stores: texts }));
    for (const owner of passkeys) await removed(left, passkeyName(owner), err);
    return 0;
  } finally {
    vault.close();
    opened.close();
  }
}

async function removed(store: XStoreBackend, name: string, err: Terminal['err']): Promise<void> {
  try {
    await store.delete(name);
  } catch {
    err(`xlock: ${store.id} could not be asked to remove its old share: it is of no use with the new ones`);
  }
}
