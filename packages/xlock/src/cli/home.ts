import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Identity } from '@private.me/xlink';
import { identityFromFile } from '@private.me/xlink/file';
import { XlockDevice } from '../device/device.js';
import { FileKnownPasskeys } from '../device/known.js';
import { PasskeyVault } from '../passkey/vault.js';
import { RelayChannel } from '../push/channel.js';
import type { XStoreBackend } from '../stores/backend.js';
import { EncryptedFileBackend } from '../stores/encrypted-file.js';
import { HttpBackend } from '../stores/http.js';
import { S3Backend } from '../stores/s3.js';
import { isMembers, parseJson } from '../util/bytes.js';
import { bytesIn, createFile } from '../util/private-file.js';
import { UsageError } from './output.js';

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
  createFile(join(home, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);

/** Throws {@link UsageError} before `xlock init`. */
export async function configOf(home: string): Promise<HomeConfig> {
  const bytes = await bytesIn(join(home, 'config.json'));
  if (!bytes)
    throw new UsageError('there is no configuration: run xlock init with two or more --store first');
  const value = parseJson(Buffer.from(bytes).toString('utf8'));
  if (!isMembers(value) || !Array.isArray(value['stores']))
    throw new UsageError('config.json cannot be read');
  return value as unknown as HomeConfig;
}

/**
 * A store as it is written on the command line: `file:FOLDER` (key file in the home folder), `https://…` (authorization in
 * `XLOCK_HTTP_AUTHORIZATION`), `s3:ENDPOINT/BUCKET` (keys and region in the variables of AWS).
 */
export function storeOf(text: string, at: number, home: string, env: NodeJS.ProcessEnv): XStoreBackend {
  const id = `${at + 1}:${text.replace(/[?#].*$/, '')}`;
  if (text.startsWith('file:'))
    return new EncryptedFileBackend({
      id,
      folder: resolve(home, text.slice(5)),
      keyFile: join(home, 'store.key'),
    });
  if (/^https?:/.test(text)) {
    const authorization = env['XLOCK_HTTP_AUTHORIZATION'];
    return new HttpBackend({ id, url: text, ...(authorization === undefined ? {} : { authorization }) });
  }
  const [, endpoint, bucket] = /^s3:(https?:\/\/[^/]+)\/([^/]+)$/.exec(text) ?? [];
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!endpoint || !bucket)
    throw new UsageError('a store is file:FOLDER, https://…, or s3:https://ENDPOINT/BUCKET');
  if (!accessKeyId || !secretAccessKey)
    throw new UsageError('a store of S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const region = env['AWS_REGION'] ?? 'us-east-1';
  const sessionToken = env['AWS_SESSION_TOKEN'];
  return new S3Backend({
    id,
    endpoint,
    bucket,
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
}

/** The device of a folder, at work. */
export interface Home {
  readonly config: HomeConfig;
  readonly device: XlockDevice;
  readonly vault: PasskeyVault;
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
  const vault = new PasskeyVault({
    stores: config.stores.map((text, at) => storeOf(text, at, home, env)),
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
    device,
    vault,
    channel,
    close() {
      vault.close();
      channel?.close();
    },
  };
}

async function webSocketClass() {
  try {
    const { WebSocket } = await import('ws');
    return WebSocket as unknown as import('@private.me/xlink').WebSocketClass;
  } catch {
    return undefined; // long poll does it, too
  }
}
