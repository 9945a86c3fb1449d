import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { callerChecks, type HumanOptions } from '../src/bridge/caller-checks.js';
import {
  AgentDirectory,
  bindAgent,
  encodeCardLink,
  makeUserKey,
  signCard,
  type X0xNode,
} from '../src/index.js';
import { lab } from './lab.js';
import { failureOf, idOfFailure, keysOf, seedOf } from './support.js';

/** A service that knows an agent with a human, and a clock that both go by. */
async function service() {
  const clock = { ms: Date.now() };
  const world = await lab();
  await makeUserKey(world.places('alice'));
  const options = { clock: () => clock.ms };
  const api = await world.open('api', options);
  let alice = await world.open('alice', options);
  await world.acquaint(api, alice);
  const checks = callerChecks({ node: api, did: api.identity.xlink.did });
  const auth = { mode: 'xlink', did: alice.identity.xlink.did } as never;
  const proof = () => ({ 'x0x-machine': alice.proveMachine(api.identity.xlink.did) });
  return {
    api,
    checks,
    alice: () => alice,
    later: (seconds: number) => {
      clock.ms += seconds * 1000;
    },
    async restart() {
      await alice.close();
      alice = await world.open('alice', options);
    },
    human: (headers = {}, users?: HumanOptions) => checks.human(users)(auth, { headers } as never),
    trust: (headers = {}) => checks.trust('known')(auth, { headers } as never),
    proof,
  };
}

const withConsent = { includeUserIdentity: true, humanConsent: true };

describe('requireHuman', () => {
  test('ends with the next announcement without her, whether she withdrew her consent or the agent was started anew', async () => {
    const { alice, human, restart } = await service();
    expect(await human()).toBe('HUMAN_REQUIRED');
    await alice().announce(withConsent);
    expect(await human()).toBeUndefined();
    await alice().announce(); // she consented until the end of the process
    expect(await human()).toBeUndefined();
    await alice().withdrawConsent();
    expect([alice().hasConsent, await human()]).toEqual([false, 'HUMAN_REQUIRED']);
    await alice().announce(withConsent);
    await restart();
    await alice().announce();
    expect(await human()).toBe('HUMAN_REQUIRED');
  });

  test('ends 15 minutes after the last announcement, and no later one or card brings it back', async () => {
    const { api, alice, human, later } = await service();
    await alice().announce(withConsent);
    later(901);
    expect(await human()).toBe('HUMAN_REQUIRED');
    await api.importCard((await alice().card()).link);
    expect(await human()).toBe('HUMAN_REQUIRED');
    const { card } = await alice().card();
    const endless = signCard(alice().identity.agent, { ...card, created_at: 9e15 });
    expect(await idOfFailure(() => api.importCard(encodeCardLink(endless)))).toBe('CARD_INVALID:FUTURE');
    await alice().withdrawConsent();
    expect(await human()).toBe('HUMAN_REQUIRED');
  });

  test('asks pinned agents for their machine, too', async () => {
    const { api, alice, human, proof } = await service();
    const { agent, machine } = alice().identity;
    await alice().announce(withConsent);
    await api.contacts.addMachine(agent.id, keysOf('elsewhere').id);
    await api.contacts.pin(agent.id, keysOf('elsewhere').id);
    expect(await human()).toBe('MACHINE_PROOF_MISSING');
    expect(await human(proof())).toBe('MACHINE_MISMATCH');
    await api.contacts.addMachine(agent.id, machine.id);
    await api.contacts.pin(agent.id, machine.id);
    expect(await human(proof())).toBeUndefined();
  });

  test('users that are none are refused when it is set up', async () => {
    const { checks } = await service();
    for (const users of [null, 'x', ['zz'], [undefined], ['A'.repeat(64)]])
      expect(await idOfFailure(() => checks.human({ users } as never))).toBe('INVALID_OPTION');
  });
});

test('a machine that was revoked is not let in by leaving its proof out, after a restart of the service, too', async () => {
  const { api, alice, trust, proof } = await service();
  const { agent, machine } = alice().identity;
  expect(await trust()).toBeUndefined();
  await alice().revoke({ kind: 'machine', id: machine.id }, 'stolen');
  expect(await trust(proof())).toBe('AGENT_REVOKED');
  expect(await trust()).toBe('MACHINE_PROOF_MISSING');
  expect(api.contacts.hasRevokedMachine(agent.id)).toBe(true); // that is in contacts.json
});

test('options and values that are none are told', async () => {
  const { api } = await service();
  const wrong: readonly (() => unknown)[] = [
    () => api.proveMachine('x'),
    () => api.onDirect(3 as never),
    () => api.sendDirect('0'.repeat(64), 'text' as never),
    () => api.card({ display_name: 'x' } as never),
    () => api.announce({ humanConsent: 'yes' } as never),
  ];
  for (const work of wrong) expect(await idOfFailure(work)).toBe('INVALID_OPTION');
});

test('what is asked of a closed instance says that it is closed', async () => {
  const { api, alice } = await service();
  await api.close();
  expect(await idOfFailure(() => api.announce())).toBe('CLOSED');
  expect(await idOfFailure(() => api.sendDirect(alice().identity.agent.id, new Uint8Array(1)))).toBe(
    'CLOSED',
  );
});

describe('cards', () => {
  const keys = keysOf('somebody');
  const link = (more: object) =>
    encodeCardLink(
      signCard(keys, {
        display_name: 'Somebody',
        agent_id: keys.id,
        machine_id: keysOf('new').id,
        addresses: [],
        groups: [],
        stores: [],
        created_at: 1000,
        ...more,
      }),
    );

  test('do not rename a contact, or anything of a blocked one; two contacts of one name are told', async () => {
    const { api, alice } = await service();
    const { id } = alice().identity.agent;
    await api.contacts.setTrust(id, 'known', 'Alice (mine)');
    await api.importCard((await alice().card({ displayName: 'evil' })).link);
    expect(api.contacts.get(id)?.label).toBe('Alice (mine)');
    const { namesakes } = await api.importCard(link({ display_name: 'Alice (mine)' }));
    expect(namesakes).toEqual([id]);
    await api.contacts.setTrust(keys.id, 'blocked');
    await api.importCard(link({ display_name: 'other', created_at: 2000 }));
    expect(api.contacts.get(keys.id)?.label).toBe('Alice (mine)');
  });

  test('an older one changes nothing that a newer one said, and none replaces an announcement that counts', async () => {
    const { api, alice } = await service();
    await api.importCard(link({ created_at: 1000 }));
    await api.importCard(link({ created_at: 1, machine_id: keysOf('old').id }));
    expect(api.discovery.get(keys.id, api.now())?.machineId).toBe(keysOf('new').id);
    await alice().announce();
    await api.importCard((await alice().card()).link);
    expect(api.discovery.get(alice().identity.agent.id, api.now())?.source).toBe('announcement');
  });

  test('with more than fits, or text that is none, are refused', async () => {
    const { api } = await service();
    const before = api.contacts.list().length;
    for (const more of [
      { display_name: 'N'.repeat(170_000) },
      { display_name: '\ud800' },
      { addresses: ['x'.repeat(1024)] },
      { addresses: Array.from({ length: 65 }, (_, at) => `${at}`) },
      { groups: Array.from({ length: 65 }, () => ({ name: 'a', invite_link: 'b' })) },
    ])
      expect(await idOfFailure(() => api.importCard(link(more)))).toBe('CARD_INVALID');
    expect(api.contacts.list()).toHaveLength(before);
  });

  test('with too long a name are not made, either', async () => {
    const { api } = await service();
    expect(await failureOf(() => api.card({ displayName: 'N'.repeat(257) }))).toMatchObject({
      id: 'CARD_INVALID',
      field: 'display_name',
    });
  });
});

test('a DID that was revoked in the registry is no agent any more, bound or not', async () => {
  const xlink = await Identity.fromSeed(seedOf('bound'));
  const agent = keysOf('bound agent');
  const registry = new MemoryTrustRegistry();
  const directory = new AgentDirectory({ registry, crypto: xlink.crypto });
  const binding = await bindAgent({ agent, xlink } as X0xNode['identity'], 1);
  await directory.learn(agent.id, { record: await createKeyRecord(xlink), binding }, ['*']);
  expect(await directory.agentOf(xlink.did)).toBe(agent.id);
  await registry.revoke(xlink.did);
  expect([await directory.agentOf(xlink.did), await directory.didsOf(agent.id)]).toEqual([undefined, []]);
});
