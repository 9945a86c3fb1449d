import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, generateIdentity } from '@private.me/xlink';

/** Keys up to version 3, so that clients may choose any version. */
const VERSIONS = { postQuantumSig: true };

/**
 * The identity of the API: made at the first start, the same ever after. Callers seal for its DID.
 * @param {string} folder
 * @param {import('@private.me/xlink').TrustRegistry} registry where callers are looked up
 */
export async function loadServiceAgent(folder, registry) {
  const file = join(folder, 'service.pkcs8');
  if (!existsSync(file)) await createKeyFile(file);
  const agent = await Agent.importIdentity({ pkcs8: readFileSync(file), registry, ...VERSIONS });
  if (!agent.ok) throw agent.error;
  return agent.value;
}

/** @param {string} file */
async function createKeyFile(file) {
  const identity = await generateIdentity(VERSIONS);
  if (!identity.ok) throw identity.error;
  writeFileSync(file, identity.value.exportPKCS8(), { flag: 'wx', mode: 0o600 });
}
