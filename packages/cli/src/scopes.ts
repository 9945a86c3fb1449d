import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { COMMON, COMMON_HELP, listOf, read, scopesOf, show, TEXT, TEXTS } from './options.js';
import { didOf } from './register.js';
import { type Command, UsageError } from './run.js';

const CHANGES = ['add', 'remove', 'set', 'add-receive', 'remove-receive', 'set-receive'] as const;

/** `xlink scopes`. */
export const scopesCommand: Command = {
  summary: 'show or change what a DID may send and takes',
  help: `Usage: xlink scopes --did DID [--add SCOPE] [--remove SCOPE] [--set SCOPE] [options]

Without a change it shows both lists. Each option may come several times, or hold several
scopes with commas; "" is none.

  --did DID                whose
  --add, --remove, --set   what it may send with
  --add-receive, --remove-receive, --set-receive
                           what it takes
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const lists = Object.fromEntries(CHANGES.map((name) => [name, TEXTS])) as Record<
      (typeof CHANGES)[number],
      typeof TEXTS
    >;
    const { values } = read(args, { ...COMMON, ...PLACE_OPTIONS, did: TEXT, ...lists });
    const did = didOf(values.did);
    const after = await useRegistry(new Folder(values), values, async (registry) => {
      const entry = await registry.lookup(did);
      if (!entry) throw new Error(`${did} is not in the registry; put it there with xlink register`);
      const { sendScopes = [], receiveScopes = [] } = entry;
      const scopes = changed(sendScopes, values.set, values.add, values.remove);
      const takes = changed(
        receiveScopes,
        values['set-receive'],
        values['add-receive'],
        values['remove-receive'],
      );
      if (scopes === sendScopes && takes === receiveScopes) return { scopes, receive_scopes: takes };
      const result = await registry.updateScopes(did, { scopes, receiveScopes: takes });
      if (!result.ok) throw result.error;
      return { status: 'changed', scopes, receive_scopes: takes };
    });
    show(output, values, { did, ...after });
    return 0;
  },
};

type List = readonly string[];

function changed(before: List, set: List | undefined, add: List | undefined, remove: List | undefined): List {
  if (set && (add || remove)) throw new UsageError('a list is set, or added to and removed from');
  if (!set && !add && !remove) return before;
  const gone = new Set(listOf(remove)); // also what could not be added
  const all = [...(scopesOf(set) ?? before), ...(scopesOf(add) ?? [])];
  return [...new Set(all)].filter((scope) => !gone.has(scope));
}
