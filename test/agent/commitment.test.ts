import { describe, expect, test } from '@jest/globals';
import { Agent, type AgentOptions, type TrustRegistry, type XlinkWarning } from '@private.me/xlink';
import { hashOfDid } from '../../src/identity/succession.js';
import { afterTest } from '../support/after-test.js';
import { identityOf } from '../support/agents.js';
import { errorOf, idOf, optionRefusedBy, thrownBy, unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { World } from '../support/world.js';

/** A service that was registered before it had a next identity, and what it is started with since. */
async function registered() {
  const world = new World();
  await world.agent('service');
  const [identity, safe, thiefs] = await Promise.all(
    ['service', 'safe', 'of a thief'].map((n) => identityOf(n)),
  );
  const { registry, clock } = world;
  const options = { registry, clock, next: safe!.did };
  const published = () => registry.lookup(identity!.did)?.keys?.next;
  /** With the stolen identity alone. */
  const theft = async () =>
    idOf(await new Agent({ identity: identity!, registry, clock }).succeedBy(thiefs!));
  return { world, identity: identity!, safe: safe!, thiefs: thiefs!, options, published, theft };
}

function started(options: ConstructorParameters<typeof Agent>[0]): Agent {
  const agent = new Agent(options);
  afterTest(async () => agent.dispose());
  return agent;
}

describe('an agent that commits to its successor', () => {
  test('brings that to its entry with its first key record, also without a key store', async () => {
    const { identity, safe, options, published, theft } = await registered();
    const agent = started({ ...options, identity });
    expect((await agent.keyRecord()).next).toBe(await hashOfDid(safe.did));
    expect(published()).toBe(await hashOfDid(safe.did));
    expect(await theft()).toBe('SUCCESSION_INVALID:NOT_NEXT');
    expect(idOf(await agent.succeedBy(safe))).toBe('ok');
  });

  test('and by itself where nobody asks for a key record', async () => {
    const { identity, options, published, theft } = await registered();
    started({ ...options, identity });
    await until(() => published() !== undefined, { what: 'the commitment' });
    expect(await theft()).toBe('SUCCESSION_INVALID:NOT_NEXT');
  });

  test('and where its identity was imported', async () => {
    const { identity, options, published } = await registered();
    const agent = unwrap(await Agent.importIdentity({ ...options, pkcs8: identity.exportPKCS8() }));
    afterTest(async () => agent.dispose());
    expect(published()).toBe(await hashOfDid(options.next));
  });

  test('and to an entry that is made without it later', async () => {
    const { identity, options } = await registered();
    const { registry } = new World();
    const agent = started({ ...options, registry, identity });
    await agent.keyRecord();
    unwrap(await registry.add(identity.did));
    await agent.keyRecord();
    expect(registry.lookup(identity.did)?.keys?.next).toBe(await hashOfDid(options.next));
  });

  test('warns where the registry does not take it, and tries again', async () => {
    const { world, identity, options, published } = await registered();
    const { registry } = world;
    let takes = false;
    const readOnly: TrustRegistry = {
      lookup: (did) => registry.lookup(did),
      register: (entry) => registry.register(entry),
      updateKeys(keys) {
        if (!takes) throw new Error('read-only');
        return registry.updateKeys(keys);
      },
    };
    const warnings: XlinkWarning[] = [];
    const onWarning: AgentOptions['onWarning'] = (warning) => warnings.push(warning);
    const agent = started({ ...options, registry: readOnly, identity, onWarning });
    expect((await agent.keyRecord()).next).toBe(await hashOfDid(options.next));
    expect(warnings).toMatchObject([
      { type: 'keys-not-published', error: { id: 'REGISTRATION_FAILED', cause: { message: 'read-only' } } },
    ]);
    takes = true;
    world.clock.advance(1000);
    await agent.keyRecord();
    expect([published(), warnings.length]).toEqual([await hashOfDid(options.next), 1]);
  });

  test('lets no other identity succeed, before anything is handed in', async () => {
    const { world, identity, thiefs, options } = await registered();
    const { registry } = world;
    const calls: string[] = [];
    const counting: TrustRegistry = {
      lookup: (did) => registry.lookup(did),
      register: (entry) => registry.register(entry),
      updateKeys: (keys) => registry.updateKeys(keys),
      succeed(...args) {
        calls.push(args[0].to);
        return registry.succeed(...args);
      },
    };
    const agent = started({ ...options, registry: counting, identity });
    expect(idOf(await agent.succeedBy(thiefs))).toBe('SUCCESSION_INVALID:NOT_NEXT');
    expect([calls, agent.did]).toEqual([[], identity.did]);
    const other = { ...options, identity, successor: thiefs };
    expect(await optionRefusedBy(() => new Agent(other))).toBe('successor');
  });

  test('cannot commit to itself, as one that goes on with the option of the identity before it would', async () => {
    const { world, safe, options } = await registered();
    expect(await optionRefusedBy(() => new Agent({ ...options, identity: safe }))).toBe('next');
    const imported = await Agent.importIdentity({ ...options, pkcs8: safe.exportPKCS8() });
    expect(errorOf(imported)).toMatchObject({ id: 'INVALID_OPTION', field: 'next' });
    const lazy = new Agent({ ...options, identity: async () => safe });
    expect((await thrownBy(() => lazy.ready())).field).toBe('next');
    const agent = await world.agent('service');
    expect(errorOf(await agent.succeedBy(safe, { next: safe.did }))).toMatchObject({
      id: 'INVALID_OPTION',
      field: 'next',
    });
  });

  test('leaves the entry of an agent that commits to nothing as it is', async () => {
    const { world, identity, options } = await registered();
    const before = world.registry.lookup(identity.did);
    const { next: _, ...rest } = options;
    await started({ ...rest, identity }).keyRecord();
    expect(world.registry.lookup(identity.did)).toBe(before);
  });
});
