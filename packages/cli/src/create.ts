import { randomBytes } from 'node:crypto';
import { Identity } from '@private.me/xlink';
import { Folder } from './local/folder.js';
import { KEEPING_HELP, KEEPING_OPTIONS, keep, keepingOf } from './local/keeping.js';
import { registerSelf } from './local/register-self.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { makePlace } from './local/secret-file.js';
import { COMMON, COMMON_HELP, needed, read, show, TEXT } from './options.js';
import type { Command } from './run.js';

/** `xlink create`. */
export const createCommand: Command = {
  summary: 'make the identity of another agent in this folder',
  help: `Usage: xlink create --name NAME [options]

Makes Ed25519, X25519, ML-KEM-768 and ML-DSA-65 keys, keeps them in the folder, mode 0600,
and puts the agent into the registry. Prints its DID.

  --name NAME              what the agent is called
${KEEPING_HELP}
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values } = read(args, { ...COMMON, ...PLACE_OPTIONS, ...KEEPING_OPTIONS, name: TEXT });
    const name = needed(values.name, 'name');
    const folder = new Folder(values);
    const keeping = await keepingOf(values);
    const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)), { maxVersion: 3 });
    await folder.make();
    await makePlace(folder.file('agents'));
    await keep(folder.agentFile(identity.did), identity, keeping, { isNew: true });
    await useRegistry(folder, values, (registry) => registerSelf(registry, identity, name));
    show(output, values, { status: 'created', did: identity.did, name });
    return 0;
  },
};
