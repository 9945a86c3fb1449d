import { check } from './check-succession.js';
import { parsed } from './parsed.js';
import { REGISTRY_HELP, REGISTRY_OPTIONS, tellingOf } from './registry-option.js';
import { type Command, UsageError } from './run.js';
import { show } from './show-identity.js';
import { succeed } from './succeed.js';

const HELP = `Usage: xlink identity succeed --old FILE --new FILE --registry PLACE [options]
       xlink identity check --did DID --registry PLACE
       xlink identity show FILE

succeed puts a new identity in the place of an old one: scopes, name, client and pins
follow, and both are good during the overlap. First give every instance of a service
both identities (the option successor of its agent); afterwards nothing need be
restarted. The first succession counts and cannot be taken back, so keep both files
until the overlap is over. Running it again is safe.

check says who stands for a DID now, and verifies each step. Exit code 1 if nobody does.

show prints the DID of a file: PKCS#8, PEM or DER, without a passphrase. To make one:
openssl genpkey -algorithm ed25519 -out next.pem

  --old FILE               the identity that is succeeded: PKCS#8, PEM or DER
  --new FILE               the one that takes its place; it was never registered
  --overlap TIME           how long both are good: 30m, 12h, 7d (default 1d, at most 90d)
  --new-version N          1, 2 or 3 (default: that of the old one)
  --next DID               the only DID that may ever succeed the new one
  --did DID                of check: any DID of the chain
${REGISTRY_HELP}
  --json                   of succeed: data as one line of JSON`;

const SUCCEED_OPTIONS = {
  ...REGISTRY_OPTIONS,
  old: { type: 'string' },
  new: { type: 'string' },
  overlap: { type: 'string' },
  'new-version': { type: 'string' },
  next: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const CHECK_OPTIONS = { ...REGISTRY_OPTIONS, did: { type: 'string' } } as const;

/** `xlink identity`. */
export const identityCommand: Command = {
  summary: 'put a new identity in the place of an old one; show the DID of a file',
  help: HELP,
  async run([name, ...args], output) {
    if (name === 'succeed') {
      const { values } = parsed({ args, options: SUCCEED_OPTIONS, strict: true });
      return tellingOf(values.registry, () => succeed(values, output));
    }
    if (name === 'check') {
      const { values } = parsed({ args, options: CHECK_OPTIONS, strict: true });
      return tellingOf(values.registry, () => check(values, output));
    }
    if (name === 'show')
      return show(parsed({ args, options: {}, strict: true, allowPositionals: true }).positionals, output);
    throw new UsageError(
      name === undefined ? 'succeed, check or show is required' : 'there are succeed, check and show',
    );
  },
};
