import { basename, resolve } from 'node:path';
import { Identity } from '@private.me/xlink';
import { ask } from './ask.js';
import { type Config, Folder } from './local/folder.js';
import { freePort } from './local/free-port.js';
import { KEEPING_HELP, KEEPING_OPTIONS, keep, keepingOf } from './local/keeping.js';
import { registerSelf } from './local/register-self.js';
import { localRegistry } from './local/registry.js';
import { contentOf } from './local/whole-file.js';
import { COMMON, COMMON_HELP, FLAG, read, show, TEXT } from './options.js';
import { PRIVATE_HELP, PRIVATE_OPTION } from './private-option.js';
import { type Command, type Output, UsageError } from './run.js';

const HELP = `Usage: xlink init [--name NAME] [options]
       xlink init --invite CODE [--framework NAME] [--lang LANGUAGE] [options]

Makes an identity for this folder, with a registry of its own, in .xlink. With an invite,
it also accepts that, writes code for the project of the working directory, and sends a
test message; what it is going to write is shown first. What is there is not overwritten.

  --name NAME              what the identity is called (default: the name of the folder)
  --url URL                where others reach its inbox (default: this machine, at a free port,
                           or with --invite at the PORT of .env, else 3000 with a framework);
                           an identity that is there gets this one from now on
${KEEPING_HELP}
  --invite CODE            XLK-…, or the link of an invite; "-": from stdin
  --framework NAME         express, koa, fastify, hono, nest or node (default: what package.json
                           has)
  --lang LANGUAGE          typescript, python, go or rust (default: what the folder has;
                           JavaScript where there is no tsconfig.json). All but the first
                           sign requests: the partner needs an API that takes them
                           (signatures: true)
${PRIVATE_HELP}
  --dry-run                with --invite: shows what it would write, and accepts nothing
${COMMON_HELP}`;

export const INIT_OPTIONS = {
  ...COMMON,
  name: TEXT,
  url: TEXT,
  ...KEEPING_OPTIONS,
  invite: TEXT,
  framework: TEXT,
  lang: TEXT,
  'dry-run': FLAG,
  ...PRIVATE_OPTION,
} as const;

export type InitValues = ReturnType<typeof readInit>;
const readInit = (args: readonly string[]) => read(args, INIT_OPTIONS).values;

/** `xlink init`. */
export const initCommand: Command = {
  summary: 'make an identity for this folder; with an invite, the code that uses it, too',
  help: HELP,
  async run(args, output) {
    const values = readInit(args);
    if (values.invite !== undefined) {
      for (const name of ['encrypt', 'keychain'] as const)
        if (values[name])
          throw new UsageError(
            `the code that --invite writes opens only a plain key file; leave --${name} out`,
          );
      const { onboard } = await import('./onboard/onboard.js');
      return onboard(values, output);
    }
    for (const name of ['framework', 'lang', 'dry-run', 'allow-private'] as const)
      if (values[name] !== undefined) throw new UsageError(`--${name} needs --invite`);
    const folder = new Folder(values);
    const before = await folder.configIfAny();
    const config = before
      ? await moved(folder, before, values.url)
      : await makeIdentity(folder, values, await nameOf(values));
    show(output, values, { status: before ? 'exists' : 'initialized', did: config.did, name: config.name });
    tellNext(folder, config, output);
    return 0;
  },
};

/** The name that was given, or is typed; by default that of the folder. */
export async function nameOf(values: InitValues, what = 'Name'): Promise<string> {
  const fallback = basename(resolve('.')).replace(/[^\w.-]+/g, '-') || 'my-service';
  const name = values.name ?? (await ask(values, what, fallback));
  if (!/^[\w.@/-]{1,128}$/.test(name))
    throw new UsageError('--name has 1 to 128 letters, digits, ".", "-", "_", "@" or "/"');
  return name;
}

/** Makes identity, registry and inbox address. What a crash left is taken up again. */
export async function makeIdentity(folder: Folder, values: InitValues, name: string): Promise<Config> {
  if (values.url !== undefined) assertInboxUrl(values.url);
  const url = values.url ?? `http://127.0.0.1:${await freePort()}/xlink`;
  const identity = await newIdentityIn(folder, values);
  const registry = localRegistry(folder);
  try {
    await registerSelf(registry, identity, name);
  } finally {
    await registry.close();
  }
  const config = { name, did: identity.did, url };
  await folder.saveConfig(config); // last: with it the folder is whole
  return config;
}

async function newIdentityIn(folder: Folder, values: InitValues): Promise<Identity> {
  if (await contentOf(folder.identityFile)) {
    await folder.make();
    return folder.identityIn(folder.identityFile, 2);
  }
  const keeping = await keepingOf(values);
  await folder.make();
  const identity = await Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32)));
  await keep(folder.identityFile, identity, keeping, { isNew: true });
  return identity;
}

/** An identity that is there may get another inbox. */
async function moved(folder: Folder, before: Config, url: string | undefined): Promise<Config> {
  if (url === undefined || url === before.url) return before;
  assertInboxUrl(url);
  const config = { ...before, url };
  await folder.saveConfig(config);
  return config;
}

function assertInboxUrl(url: string): void {
  if (!isInboxUrl(url))
    throw new UsageError('--url must be an https URL without query; http for this machine only');
}

function isInboxUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.search || url.hash || url.username) return false;
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|127\.|\[::1\])/.test(url.hostname))
  );
}

function tellNext(folder: Folder, config: Config, { err }: Output): void {
  err(`identity  ${folder.identityFile} (keep it secret; back it up)`);
  err(`inbox     ${config.url}`);
  err('next      xlink invite NAME --scope SCOPE, then xlink receive; or xlink connect SERVICE');
}
