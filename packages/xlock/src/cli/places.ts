import { isAbsolute, join, relative, resolve } from 'node:path';
import type { XStoreBackend } from '../stores/backend.js';
import { EncryptedFileBackend } from '../stores/encrypted-file.js';
import { HttpBackend } from '../stores/http.js';
import { S3Backend } from '../stores/s3.js';
import { UsageError } from './output.js';

/** What a place on the command line looks like. */
export const PLACES = 'file:FOLDER, passphrase:FOLDER, https://…, or s3:https://ENDPOINT/BUCKET';

/** Whether a place is lost with the folder of the command. */
export function isInHome(text: string, home: string): boolean {
  const folder = folderOf(text, home);
  if (folder === undefined) return false;
  const path = relative(home, folder);
  return !isAbsolute(path) && path.split(/[\\/]/)[0] !== '..';
}

/** Where the key of a `file:` place lies: with the device for folders that are lost with it, otherwise beside the shares. */
export const keyFileOf = (text: string, home: string): string =>
  join(isInHome(text, home) ? home : folderOf(text, home)!, 'store.key');

/** The variable with the `Authorization` for a host, and for no other: `dav.example:8443` is `XLOCK_AUTHORIZATION_DAV_EXAMPLE_8443`. */
export const authorizationVariable = (url: string): string =>
  `XLOCK_AUTHORIZATION_${new URL(url).host
    .toUpperCase()
    .replaceAll('-', '__')
    .replace(/[^A-Z0-9_]/g, '_')}`;

function folderOf(text: string, home: string): string | undefined {
  const [, path] = /^(?:file|passphrase):(.+)$/.exec(text) ?? [];
  return path === undefined ? undefined : resolve(home, path);
}

/** Throws {@link UsageError} if two places are one, however they are written: the share of one would overwrite that of the other. Each is one of {@link storeOf}. */
export function checkDistinct(texts: readonly string[], home: string): void {
  const seen = new Map<string, string>();
  for (const text of texts) {
    const key = folderOf(text, home) ?? new URL(text.replace(/^s3:/, '')).href.replace(/\/+$/, '');
    const other = seen.get(key);
    if (other !== undefined)
      throw new UsageError(`${text} is the same place as ${other}: each share needs a place of its own`);
    seen.set(key, text);
  }
}

/** The store of a place as it is written on the command line; its secrets are in variables. Throws {@link UsageError}. */
export function storeOf(text: string, at: number, home: string, env: NodeJS.ProcessEnv): XStoreBackend {
  const id = `${at + 1}:${text.replace(/[?#].*$/, '')}`;
  const folder = folderOf(text, home);
  if (folder !== undefined && text.startsWith('file:'))
    return new EncryptedFileBackend({ id, folder, keyFile: keyFileOf(text, home) });
  if (folder !== undefined) {
    const passphrase = env['XLOCK_PASSPHRASE'];
    if (!passphrase || passphrase.length < 8)
      throw new UsageError(`${text} needs XLOCK_PASSPHRASE, of at least 8 characters`);
    return new EncryptedFileBackend({ id, folder, passphrase });
  }
  if (/^https?:/.test(text)) return httpStore(text, id, env);
  if (text.startsWith('s3:')) return s3Store(text, id, env);
  throw new UsageError(`a store is ${PLACES}`);
}

function httpStore(url: string, id: string, env: NodeJS.ProcessEnv): XStoreBackend {
  if (!URL.canParse(url)) throw new UsageError(`a store is ${PLACES}`);
  const variable = authorizationVariable(url);
  if (new URL(url).username !== '' || new URL(url).password !== '')
    throw new UsageError(
      `no user:password@ in a place, which is kept and shown: pass --store without it, and set ${variable}='Basic …', the base64 of user:password`,
    );
  if (env['XLOCK_HTTP_AUTHORIZATION'] !== undefined)
    throw new UsageError(
      `XLOCK_HTTP_AUTHORIZATION would go to every store, and any of them could use it at the others: set ${variable} instead`,
    );
  const authorization = env[variable];
  return new HttpBackend({ id, url, ...(authorization === undefined ? {} : { authorization }) });
}

function s3Store(text: string, id: string, env: NodeJS.ProcessEnv): XStoreBackend {
  const [, endpoint, bucket] = /^s3:(https?:\/\/[^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (!endpoint || !bucket) throw new UsageError(`a store is ${PLACES}`);
  const [accessKeyId, secretAccessKey] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY']];
  if (!accessKeyId || !secretAccessKey)
    throw new UsageError('a store of S3 needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  const region = env['AWS_REGION'] ?? 'us-east-1';
  const sessionToken = env['AWS_SESSION_TOKEN'];
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return new S3Backend({ id, endpoint, bucket, region, ...keys });
}
