import { assertKeyRecord, type KeyRecord } from '@private.me/xlink';
import { isDidKey } from './did-option.js';
import { Folder } from './local/folder.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { COMMON, COMMON_HELP, FLAG, needed, read, scopesOf, show, TEXT, TEXTS } from './options.js';
import { textOf } from './read-file.js';
import { type Command, UsageError } from './run.js';

/** The DID of an option that has to be there. Throws a `UsageError`. */
export function didOf(value: string | undefined, name = 'did'): string {
  const did = needed(value, name);
  if (!isDidKey(did)) throw new UsageError(`--${name} must be a did:key`);
  return did;
}

/** `xlink register`. */
export const registerCommand: Command = {
  summary: 'put a DID into the trust registry, with its scopes',
  help: `Usage: xlink register --did DID --name NAME --scope SCOPE [options]

  --did DID                who
  --name NAME              what it is called there
  --scope SCOPE            what it may send with; several times, or several with commas
  --record FILE            its key record (xlink keys export --record), for sealed messages to
                           it; without, it can only send
  --receive-scope SCOPE    with --record: what it takes
  --reactivate             also one that is revoked
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const options = {
      ...COMMON,
      ...PLACE_OPTIONS,
      did: TEXT,
      name: TEXT,
      scope: TEXTS,
      record: TEXT,
      'receive-scope': TEXTS,
      reactivate: FLAG,
    };
    const { values } = read(args, options);
    const did = didOf(values.did);
    const scopes = scopesOf(values.scope) ?? [];
    const keys = values.record === undefined ? undefined : await recordIn(values.record, did);
    const named = values.name === undefined ? {} : { name: values.name };
    await useRegistry(new Folder(values), values, async (registry) => {
      const receiveScopes = scopesOf(values['receive-scope']) ?? [];
      const entry = await registry.lookup(did);
      if (entry?.status === 'revoked' && !values.reactivate)
        throw new UsageError(`${did} is revoked; --reactivate takes that back`);
      const result =
        keys && !entry
          ? await registry.register({ did, keys, sendScopes: scopes, receiveScopes, ...named })
          : await registry.add(did, { scopes, ...named });
      if (!result.ok) throw result.error;
      const updated = keys && entry ? await registry.updateKeys(keys) : undefined;
      if (updated && !updated.ok) throw updated.error;
    });
    show(output, values, { status: 'registered', did, ...named, scopes });
    return 0;
  },
};

async function recordIn(path: string, did: string): Promise<KeyRecord> {
  const record = JSON.parse(await textOf('record', path)) as KeyRecord;
  await assertKeyRecord(record);
  if (record.did !== did) throw new UsageError('--record is of another DID than --did');
  return record;
}
