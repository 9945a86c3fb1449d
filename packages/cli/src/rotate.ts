import { link, rename, rm } from 'node:fs/promises';
import { Identity } from '@private.me/xlink';
import { confirm } from './ask.js';
import { Folder } from './local/folder.js';
import { keep, keepingLike } from './local/keeping.js';
import { isInKeychain } from './local/keychain.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { contentOf } from './local/whole-file.js';
import { COMMON, COMMON_HELP, type CommonValues, durationOf, read, show, TEXT } from './options.js';
import { type Command, UsageError } from './run.js';
import { handIn } from './succeed.js';

/** `xlink rotate`. */
export const rotateCommand: Command = {
  summary: 'put a new identity in the place of the one of this folder',
  help: `Usage: xlink rotate [--overlap TIME] [options]

Makes a new identity, has the old one say that it takes its place, and hands that to the
registry: scopes, name and pins follow, and both are good during the overlap. The old key
is kept as identity.old.key until you remove it. Running it again after a failure goes on.

Peers follow who share the registry (--registry). Those that have a registry of their own,
as after an invite, do not: invite them again.

  --overlap TIME           how long both are good: 30m, 12h, 7d (default 1d, at most 90d)
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values } = read(args, { ...COMMON, ...PLACE_OPTIONS, overlap: TEXT });
    const overlapMs = durationOf('overlap', values.overlap ?? '1d');
    if (overlapMs > 90 * 86_400_000) throw new UsageError('--overlap is at most 90d');
    const folder = new Folder(values);
    const config = await folder.config();
    const old = await folder.identity();
    if (!(await confirm(values, `Rotate ${config.did}?`))) return 1;
    const before = (await contentOf(folder.identityFile))!;
    const nextFile = folder.file('identity.next.key');
    const next = await nextIdentity(folder, nextFile, before, values);
    const succession = await useRegistry(folder, values, (registry) =>
      handIn(registry, old, next, overlapMs, undefined),
    );
    const oldFile = folder.file('identity.old.key');
    await rm(oldFile, { force: true });
    await link(folder.identityFile, oldFile);
    await folder.saveConfig({ ...config, did: next.did });
    await rename(nextFile, folder.identityFile);
    const until = new Date(succession.issuedAt + succession.overlapMs).toISOString();
    show(output, values, { status: 'rotated', did: next.did, predecessor: old.did, both_until: until });
    const entry = isInKeychain(before) ? ', and its entry in the keychain,' : '';
    output.err(`old key   ${oldFile}: remove it${entry} after ${until}`);
    return 0;
  },
};

/** There already, after a failure; else a new one, kept as the old one is. */
async function nextIdentity(
  folder: Folder,
  file: string,
  before: Uint8Array,
  values: CommonValues,
): Promise<Identity> {
  if (await contentOf(file)) return folder.identityIn(file, 2);
  const keeping = await keepingLike(before, values);
  const identity = await Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32)));
  await keep(file, identity, keeping, { isNew: true });
  return identity;
}
