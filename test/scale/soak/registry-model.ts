import type { Did, ManagedTrustRegistry, RegistryEntry, Result } from '@private.me/xlink';
import { identityOf } from '../../support/agents.js';
import { answered, type Model, Possible, type Surroundings } from './model.js';

/** The part of an entry that is changed here. */
interface Known {
  readonly status: RegistryEntry['status'];
  readonly scopes: readonly string[];
}

const SCOPES = ['a', 'b', 'c', 'd', 'e'];

/** One DID of a registry. */
export async function registryModel(
  around: Surroundings,
  registry: () => ManagedTrustRegistry,
): Promise<Model> {
  const { random, tally, limitMs, name } = around;
  const { did }: { did: Did } = await identityOf(`soak ${name} ${random.below(2 ** 30)}`, 1);
  await answered(around, 'add', async () => acknowledged(await registry().add(did, { scopes: ['a'] })));
  const known = new Possible<Known>({ status: 'active', scopes: ['a'] });

  function compare(entry: RegistryEntry | undefined): void {
    const seen: Known | undefined = entry && { status: entry.status, scopes: entry.sendScopes ?? [] };
    if (!seen || !known.includes(seen))
      tally.wrong(`${name}: found ${JSON.stringify(seen)} instead of ${known}`);
  }

  async function change(): Promise<void> {
    const scopes = [random.pick(SCOPES), random.pick(SCOPES)];
    const [what, call, next] = random.pick<
      [string, (to: ManagedTrustRegistry) => Promise<Result<void>> | Result<void>, Partial<Known>]
    >([
      ['revoke', (to) => to.revoke(did), { status: 'revoked' }],
      ['add', (to) => to.add(did, { scopes }), { status: 'active', scopes }],
      ['updateScopes', (to) => to.updateScopes(did, { scopes }), { scopes }],
    ]);
    const to = registry();
    const done = await tally.call(`${name} ${what}`, limitMs, async () => acknowledged(await call(to)));
    known.change((now) => ({ ...now, ...next }), done !== undefined);
  }

  return {
    async step() {
      if (random.below(3) === 0) return change();
      const from = registry();
      const found = await tally.call(`${name} lookup`, limitMs, () => from.lookup(did));
      if (found) compare(found.value);
    },
    settle: async () => compare(await answered(around, 'lookup', () => registry().lookup(did))),
  };
}

function acknowledged(result: Result<void>): void {
  if (!result.ok) throw result.error;
}
