// What has to hold wherever the package runs. Portable: no `node:`, no test runner.
import { clientCases } from './cases/client.mjs';
import { envelopeCases } from './cases/envelopes.mjs';
import { identityCases } from './cases/identity.mjs';
import { createRows } from './rows.mjs';

/**
 * Runs all cases, one after the other.
 * `xlink`: the package. `vectors`: the files of test/vectors. `serverUrl`: an API behind the adapter.
 * `peer`: an agent in Node, to exchange envelopes with.
 * Resolves to `rows`, and to which implementation the runtime made the package choose for each primitive.
 */
export async function runSuite(world) {
  const { rows, check } = createRows();
  await identityCases(check, world);
  await envelopeCases(check, world);
  await clientCases(check, world);
  const { crypto } = await world.xlink.Identity.fromSeed(new Uint8Array(32), { maxVersion: 3 });
  return { rows, provider: crypto.name, implementations: { ...crypto.implementations } };
}
