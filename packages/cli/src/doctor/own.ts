import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createKeyRecord, type Identity, type RegistryEntry } from '@private.me/xlink';
import type { Folder } from '../local/folder.js';
import { FolderStore } from '../local/invite-store.js';
import { useRegistry } from '../local/registry.js';
import { isOpenTo } from '../local/secret-file.js';
import { contentOf } from '../local/whole-file.js';
import type { RegistryValues } from '../registry-option.js';
import { type Finding, fail, guarded, off, ok, warn } from './finding.js';

const require = createRequire(import.meta.url);

/** Versions of Node and of the packages. */
export async function versions(): Promise<readonly Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isNew = major > 20 || (major === 20 && minor >= 19);
  const node = isNew
    ? ok('node', `Node ${process.versions.node}`)
    : fail('node', `Node ${process.versions.node} is too old`, 'Install Node 20.19 or later.');
  const { version } = require('@private.me/xlink/package.json');
  const { version: cli, peerDependencies } = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  const wanted: string = peerDependencies['@private.me/xlink'];
  const [ours, theirs] = [wanted.replace('^', ''), version].map((text: string) =>
    text.split('.').slice(0, 2).join('.'),
  );
  const packages = `@private.me/xlink ${version}, @private.me/xlink-cli ${cli}`;
  return [
    node,
    ours === theirs
      ? ok('versions', packages)
      : fail(
          'versions',
          `${packages} are not made for each other`,
          `Run npm install @private.me/xlink@${wanted}.`,
        ),
  ];
}

/** Identity, its files, registry and invites. */
export async function own(folder: Folder, values: RegistryValues): Promise<readonly Finding[]> {
  const files = await permissions(folder);
  const found = await folder.configIfAny().catch((error: unknown) => error as Error);
  if (found instanceof Error)
    return [...files, fail('identity', found.message, 'Then run xlink doctor again.')];
  const config = found;
  if (!config) return [off('identity', `there is none in ${folder.path}; xlink init makes one`)];
  const again = `Look at ${folder.identityFile}; restore it from a backup, or make a new one with xlink init in an empty folder.`;
  let identity: Identity | undefined;
  const keys = await guarded('identity', again, async () => {
    identity = await folder.identity();
    return [
      identity.did === config.did
        ? ok('identity', `${config.name}, ${config.did}`)
        : fail('identity', 'the key is not that of the DID in config.json', again),
    ];
  });
  if (!identity) return [...files, ...keys];
  const own = identity;
  const registry = await guarded(
    'registry',
    'If another process has it, stop that, or ask it; else restore it from a backup.',
    () =>
      useRegistry(folder, values, async (entries) => [
        await entryOf(await entries.lookup(own.did), own),
        ok(
          'trusted',
          `${(await entries.list()).filter((one) => one.status === 'active' && one.did !== own.did).length} peers`,
        ),
      ]),
  );
  return [
    ...files,
    ...keys,
    ...registry,
    await invites(folder),
    await inbox(config.url),
    ...(await secrets()),
  ];
}

async function entryOf(entry: RegistryEntry | undefined, identity: Identity): Promise<Finding> {
  if (!entry)
    return warn(
      'registry',
      'this identity is not in it',
      'Peers that share it cannot answer; run xlink register with --record.',
    );
  if (entry.status === 'revoked')
    return fail(
      'registry',
      'this identity is revoked',
      'Make a new one: xlink init in another folder. A revoked one never comes back.',
    );
  if (entry.succeededBy)
    return fail('registry', `this identity gave way to ${entry.succeededBy.to}`, 'Use that one.');
  const { x25519 } = await createKeyRecord(identity);
  return entry.keys?.x25519 === x25519 || entry.keys === undefined
    ? ok('registry', 'this identity is active in it')
    : warn(
        'registry',
        'it has other encryption keys of this identity',
        'If it keeps them in a key store, that is right; else register it anew.',
      );
}

async function permissions(folder: Folder): Promise<readonly Finding[]> {
  if (process.platform === 'win32') return [off('files', 'modes are not looked at on Windows')];
  const secret = [folder.path, folder.identityFile, folder.file('registry.jsonl')];
  const read = [];
  const changed = [];
  for (const path of secret) {
    if (await isOpenTo(path, 0o055)) read.push(path);
    if (await isOpenTo(path, 0o022)) changed.push(path);
  }
  if (read.length + changed.length === 0)
    return [ok('files', 'nobody else on this machine can read or change them')];
  const says = [
    ...(read.length > 0 ? [`others can read ${read.join(', ')}`] : []),
    ...(changed.length > 0 ? [`others can change ${changed.join(', ')}`] : []),
  ];
  const remedy = `Run chmod -R go= ${folder.path}; then rotate the identity.`;
  return [fail('files', says.join('; '), remedy)];
}

async function invites(folder: Folder): Promise<Finding> {
  const all = await new FolderStore(folder.file('invites')).list('invite');
  const open = all.filter(({ json }) => {
    const { did, revokedAt, expiresAt } = JSON.parse(json);
    return did === undefined && revokedAt === undefined && expiresAt > Date.now();
  });
  return ok('invites', `${open.length} open, of ${all.length}`);
}

/** A GET is refused by whoever takes messages there. */
async function inbox(url: string): Promise<Finding> {
  try {
    const { status } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5000) });
    return status === 404
      ? warn(
          'inbox',
          `there is nothing at ${url}`,
          'Is the route of the inbox in your program, and does the proxy hand it on?',
        )
      : ok('inbox', `something listens at ${url}`);
  } catch {
    return off('inbox', `nobody listens at ${url} now; xlink receive does, or your program`);
  }
}

/** A .env with a code or a key of ours belongs to no repository. */
async function secrets(): Promise<readonly Finding[]> {
  const env = (await contentOf('.env'))?.toString();
  if (env === undefined || !/^XLINK_/m.test(env)) return [];
  const ignored = await readFile(join('.gitignore'), 'utf8').catch(() => '');
  return /^\/?\.env$/m.test(ignored)
    ? [ok('.env', 'git does not see it')]
    : [warn('.env', 'git may see it', 'Put .env into .gitignore.')];
}
