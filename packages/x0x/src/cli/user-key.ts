import { makeUserKey } from '../identity/identity.js';
import { type Output, UsageError } from './output.js';
import { PLACE_OPTIONS, placesIn } from './place-options.js';
import { assertWords, parsed } from './words.js';

const OPTIONS = { ...PLACE_OPTIONS, yes: { type: 'boolean', default: false } } as const;

/** `x0x user-key`: a human says who she is, once. */
export async function makeUser(args: readonly string[], { out }: Output): Promise<number> {
  const { values, positionals } = parsed('user-key', args, OPTIONS);
  assertWords('user-key', positionals, [0, 0]);
  if (!values.yes) throw new UsageError('user-key makes the key of a human; say so with --yes');
  out(`user     ${await makeUserKey(placesIn(values))}`);
  out('A daemon that runs sees it after a restart. It is named only with consent.');
  return 0;
}
