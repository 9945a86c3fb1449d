import { confirm } from './ask.js';
import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { COMMON, COMMON_HELP, FLAG, read, show, TEXT } from './options.js';
import { didOf } from './register.js';
import type { Command } from './run.js';

/** `xlink revoke`. */
export const revokeCommand: Command = {
  summary: 'cut off a DID in the trust registry',
  help: `Usage: xlink revoke --did DID [--reason TEXT] [options]

From the next lookup on its messages are refused, and none are sent to it.

  --did DID                who
  --reason TEXT            why, such as key_compromise
  --successors             those that took its place, too
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const options = { ...COMMON, ...PLACE_OPTIONS, did: TEXT, reason: TEXT, successors: FLAG };
    const { values } = read(args, options);
    const did = didOf(values.did);
    if (!(await confirm(values, `Revoke ${did}?`))) return 1;
    const { reason, successors = false } = values;
    const why = reason === undefined ? {} : { reason };
    await useRegistry(new Folder(values), values, async (registry) => {
      const result = await registry.revoke(did, { ...why, successors });
      if (!result.ok) throw result.error;
    });
    show(output, values, { status: 'revoked', did, ...why });
    return 0;
  },
};
