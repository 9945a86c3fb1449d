import { randomBytes } from 'node:crypto';
import { Identity } from '@private.me/xlink';
import { Folder } from './local/folder.js';
import { newPassphrase } from './local/passphrase.js';
import { registerSelf } from './local/register-self.js';
import { PLACE_HELP, PLACE_OPTIONS, useRegistry } from './local/registry.js';
import { pemOf, sealKey } from './local/sealed-key.js';
import { makePlace } from './local/secret-file.js';
import { writeWhole } from './local/whole-file.js';
import { COMMON, COMMON_HELP, FLAG, needed, read, show, TEXT } from './options.js';
import type { Command } from './run.js';

/** `xlink create`. */
export const createCommand: Command = {
  summary: 'make the identity of another agent in this folder',
  help: `Usage: xlink create --name NAME [options]

Makes Ed25519, X25519, ML-KEM-768 and ML-DSA-65 keys, keeps them in the folder, mode 0600,
and puts the agent into the registry. Prints its DID.

  --name NAME              what the agent is called
  --encrypt                keeps the key under a passphrase
${PLACE_HELP}
${COMMON_HELP}`,
  async run(args, output) {
    const { values } = read(args, { ...COMMON, ...PLACE_OPTIONS, name: TEXT, encrypt: FLAG });
    const name = needed(values.name, 'name');
    const folder = new Folder(values);
    const passphrase = values.encrypt ? await newPassphrase(values) : undefined;
    const identity = await Identity.fromSeed(new Uint8Array(randomBytes(32)), { maxVersion: 3 });
    const pkcs8 = identity.exportPKCS8();
    await folder.make();
    await makePlace(folder.file('agents'));
    const content = passphrase === undefined ? pemOf(pkcs8) : await sealKey(pkcs8, passphrase);
    await writeWhole(folder.agentFile(identity.did), content, { isNew: true });
    await useRegistry(folder, values, (registry) => registerSelf(registry, identity, name));
    show(output, values, { status: 'created', did: identity.did, name });
    return 0;
  },
};
