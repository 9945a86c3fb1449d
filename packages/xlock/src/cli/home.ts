import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Identity } from '@private.me/xlink';
import { bytesOfFile, createPrivateFile, identityFromFile } from '@private.me/xlink/file';
import { XlockDevice } from '../device/device.js';
import { FileKnownPasskeys } from '../device/known-file.js';
import { PasskeyVault } from '../passkey/vault.js';
import { RelayChannel } from '../push/channel.js';
import type { XStoreBackend } from '../stores/backend.js';
import { isMembers, parseJson } from '../util/bytes.js';
import { UsageError } from './output.js';
import { storeOf } from './places.js';

/** What `xlock init` writes: no secret is in it. */
export interface HomeConfig {
  readonly name: string;
  readonly stores: readonly string[];
  readonly threshold: number;
  readonly relay?: string;
}

/** The folder of the command. */
export const homeOf = (option: string | undefined, env: NodeJS.ProcessEnv): string =>
  resolve(option ?? env['XLOCK_HOME'] ?? join(homedir(), '.xlock'));

/** Writes the configuration; `false` if there is one. */
export const initialized = (home: string, config: HomeConfig): Promise<boolean> =>
  createPrivateFile(join(home, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);

/** Throws {@link UsageError} before `xlock init`. */
export async function configOf(home: string): Promise<HomeConfig> {
  const bytes = await bytesOfFile(join(home, 'config.json'));
  if (!bytes)
    throw Object.assign(
      new UsageError('there is no configuration: run xlock init with two or more --store first'),
      { isMissing: true },
    );
  const value = parseJson(Buffer.from(bytes).toString('utf8'));
  if (!isMembers(value) || !Array.isArray(value['stores']))
    throw new UsageError('config.json cannot be read');
  return value as unknown as HomeConfig;
}

/** The device of a folder, at work. */
export interface Home {
  readonly config: HomeConfig;
  readonly identity: Identity;
  readonly device: XlockDevice;
  readonly vault: PasskeyVault;
  /** Those of the vault. */
  readonly stores: readonly XStoreBackend[];
  /** `undefined` without a relay. */
  readonly channel: RelayChannel | undefined;
  readonly close: () => void;
}

/** Opens it; its key is made at the first time. */
export async function openHome(
  home: string,
  env: NodeJS.ProcessEnv,
  onError: (error: unknown) => void,
): Promise<Home> {
  const config = await configOf(home);
  const whole = await identityFromFile(join(home, 'device.der'));
  const identity = await Identity.fromSeed(whole.privateKey, { maxVersion: 1 });
  const stores = config.stores.map((text, at) => storeOf(text, at, home, env));
  const vault = new PasskeyVault({
    stores,
    threshold: config.threshold,
    spareThreads: 0,
  });
  const webSocket = config.relay === undefined ? undefined : await webSocketClass();
  const channel =
    config.relay === undefined
      ? undefined
      : new RelayChannel({
          identity,
          relayUrl: config.relay,
          onError,
          ...(webSocket ? { webSocket } : {}),
        });
  const device = new XlockDevice({
    identity,
    vault,
    name: config.name,
    known: new FileKnownPasskeys(join(home, 'passkeys.json')),
    ...(channel ? { keys: () => channel.keys() } : {}),
  });
  return {
    config,
    identity,
    device,
    vault,
    stores,
    channel,
    close() {
      vault.close();
      channel?.close();
    },
  };
}

/** That of the peer `ws`; `undefined` without it. */
export async function webSocketClass() {
  try {
    const { WebSocket } = await import('ws');
    return WebSocket as unknown as import('@private.me/xlink').WebSocketClass;
  } catch {
    return undefined; // long poll does it, too
  }
}
