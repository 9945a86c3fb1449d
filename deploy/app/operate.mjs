// What operators change and all instances follow. In any container of the app: node operate.mjs COMMAND
import { operatorConfig } from './config.mjs';
import { addCustomer, createCustomers } from './customers.mjs';
import { openPostgres } from './stores.mjs';

const USAGE = `Usage: node operate.mjs COMMAND

  mode                      the mode that the instances share, since when and why
  mode MODE REASON          changes it: observe, hybrid, deprecation, xlink-only
  callers                   the identities in the registry
  revoke DID                cuts one of them off
  add-customer ID SCOPE...  makes an API key and prints it, once`;

/** Instances that write at the same moment are faster this often at most. */
const MAX_ATTEMPTS = 10;

const [command = '', first, ...rest] = process.argv.slice(2);
const postgres = openPostgres(operatorConfig(process.env).postgresUrl);
try {
  console.log(await run());
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
} finally {
  await postgres.close();
}

async function run() {
  if (command === 'mode' && first === undefined) return JSON.stringify((await postgres.modes.load()) ?? null);
  if (command === 'mode' && rest.length > 0) return setMode(String(first), rest.join(' '));
  if (command === 'callers') return callers();
  if (command === 'revoke' && first !== undefined) return revoke(first);
  if (command === 'add-customer' && first !== undefined) {
    await createCustomers(postgres.pool);
    return addCustomer(postgres.pool, first, rest);
  }
  throw new Error(USAGE);
}

/** @param {string} mode @param {string} reason */
async function setMode(mode, reason) {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const version = (await postgres.modes.load())?.version ?? 0;
    const state = { mode: modeFrom(mode), since: Date.now(), reason };
    if (await postgres.modes.save(state, version)) return `${mode}: the instances follow`;
  }
  throw new Error('The instances change the mode all the time. Nothing was changed.');
}

/** @param {string} text */
function modeFrom(text) {
  const modes = /** @type {const} */ (['observe', 'hybrid', 'deprecation', 'xlink-only']);
  const mode = modes.find((one) => one === text);
  if (!mode) throw new Error(`A mode is one of ${modes.join(', ')}.`);
  return mode;
}

/** @param {string} did */
async function revoke(did) {
  const revoked = await postgres.registry.revoke(did);
  if (!revoked.ok) throw revoked.error;
  return `${did}: revoked`;
}

async function callers() {
  const entries = await postgres.registry.list();
  return entries.map(({ did, status, name = '' }) => [status, did, name].join(' ').trim()).join('\n');
}
