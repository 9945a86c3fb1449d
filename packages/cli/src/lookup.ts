import type { RegistryEntry } from '@private.me/xlink';
import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { COMMON, COMMON_HELP, FLAG, read, show, TEXT } from './options.js';
import { didOf } from './register.js';
import { type Command, UsageError } from './run.js';

/** `xlink lookup`. */
export const lookupCommand: Command = {
  summary: 'show what the trust registry knows of a DID',
  help: `Usage: xlink lookup --did DID [options]
       xlink lookup --all [options]

Prints status, scopes and what else is known. Exit code 1 if there is no entry; of a
revoked one the status says so, with exit code 0.

  --did DID                whom
  --all                    every entry, as a list
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values } = read(args, { ...COMMON, ...PLACE_OPTIONS, did: TEXT, all: FLAG });
    if ((values.did === undefined) === !values.all)
      throw new UsageError('one of --did and --all is required');
    const folder = new Folder(values);
    if (values.all) {
      const entries = await useRegistry(folder, values, async (registry) => registry.list());
      show(output, values, entries.map(viewOf));
      return 0;
    }
    const did = didOf(values.did);
    const entry = await useRegistry(folder, values, async (registry) => registry.lookup(did));
    show(output, values, entry ? viewOf(entry) : { status: 'unknown', did });
    return entry ? 0 : 1;
  },
};

/** An entry, as it is printed. */
export function viewOf({ did, status, name, keys, sendScopes, receiveScopes, ...rest }: RegistryEntry) {
  const { capabilities, organization, revocationReason, succeededBy, predecessors } = rest;
  const version = keys?.mlDsa65 ? 3 : keys?.mlKem768 ? 2 : keys ? 1 : undefined;
  return {
    status,
    did,
    name,
    scopes: sendScopes ?? [],
    receive_scopes: receiveScopes ?? [],
    version,
    capabilities,
    organization,
    revocation_reason: revocationReason,
    succeeded_by: succeededBy?.to,
    predecessors,
  };
}
