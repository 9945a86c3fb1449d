import { describe, expect, test } from '@jest/globals';
import { MemoryTrustRegistry } from '@private.me/xlink';
import {
  type AgentCard,
  AgentDirectory,
  agentBoundTo,
  bindAgent,
  decodeCardLink,
  encodeCardLink,
  openIdentity,
  proveMachine,
  provenMachine,
  signCard,
  signRevocation,
} from '../src/index.js';
import { failureOf, idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const agent = keysOf('agent');
const machine = keysOf('machine');
const mallory = keysOf('mallory');
const NOW = 1_760_000_000;

const card = (more: Partial<AgentCard> = {}): AgentCard => ({
  display_name: 'Alice',
  agent_id: agent.id,
  machine_id: machine.id,
  addresses: [],
  groups: [],
  stores: [],
  created_at: NOW,
  ...more,
});
const linkOf = (more: Partial<AgentCard> = {}) => encodeCardLink(signCard(agent, card(more)));
const linkOfJson = (value: unknown) =>
  `x0x://agent/${Buffer.from(JSON.stringify(value)).toString('base64url')}`;

describe('a card', () => {
  const importing = async (link: string, options = {}) => {
    const node = await openNode(await temporaryFolder(), 'a');
    const id = await idOfFailure(() => node.importCard(link, options));
    expect(node.contacts.list()).toEqual([]);
    expect(node.events).toContainEqual({ type: 'card', outcome: id });
    return id;
  };

  test('signed by another key', async () => {
    const foreign = signCard(mallory, card({ agent_id: mallory.id }));
    expect(await importing(encodeCardLink({ ...foreign, agent_id: agent.id }))).toBe(
      'CARD_INVALID:SIGNATURE',
    );
  });

  test('changed in any member after it was signed', async () => {
    const signed = signCard(agent, card({ addresses: ['203.0.113.7:1'] }));
    const changes: Partial<AgentCard>[] = [
      { display_name: 'Mallory' },
      { machine_id: mallory.id },
      { user_id: mallory.id },
      { addresses: ['203.0.113.8:1'] },
      { created_at: NOW + 1 },
      { groups: [{ name: 'a', invite_link: 'b' }] },
      { stores: [{ name: 'a', topic: 'b' }] },
    ];
    const node = await openNode(await temporaryFolder(), 'a');
    for (const change of changes)
      expect(await idOfFailure(() => node.importCard(encodeCardLink({ ...signed, ...change })))).toBe(
        'CARD_INVALID:SIGNATURE',
      );
  });

  test('that is not signed, unless that is what was asked for', async () => {
    expect(await importing(encodeCardLink(card()))).toBe('CARD_INVALID:UNSIGNED');
    const node = await openNode(await temporaryFolder(), 'b');
    const { contact } = await node.importCard(encodeCardLink(card()), { unsigned: true });
    expect(contact.trustLevel).toBe('known');
  });

  test('whose signature was cut off, with unsigned', async () => {
    const { signature: _, ...rest } = signCard(agent, card());
    expect(await importing(encodeCardLink(rest), { unsigned: true })).toBe('CARD_INVALID:SIGNATURE');
  });

  test('with a lower trust: the level stays, and a block stays', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    await node.contacts.setTrust(agent.id, 'trusted');
    for (const trust of ['known', 'unknown', 'blocked']) {
      const { contact, ignored } = await node.importCard(linkOf(), { trust });
      expect([contact.trustLevel, ignored]).toEqual(['trusted', true]);
    }
    await node.contacts.setTrust(agent.id, 'blocked');
    for (const trust of ['trusted', 'known', 'unknown']) {
      const { contact, ignored } = await node.importCard(linkOf(), { trust });
      expect([contact.trustLevel, ignored]).toEqual(['blocked', true]);
    }
  });

  test('with a higher trust raises it', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    await node.importCard(linkOf(), { trust: 'unknown' });
    expect((await node.importCard(linkOf(), { trust: 'trusted' })).contact.trustLevel).toBe('trusted');
  });

  test('from a blocked agent is not reached by it', async () => {
    const folder = await temporaryFolder();
    const bob = await openNode(folder, 'bob');
    const alice = await openNode(folder, 'alice');
    await alice.contacts.setTrust(bob.identity.agent.id, 'blocked');
    const { contact, ignored } = await alice.importCard((await bob.card()).link, { trust: 'trusted' });
    expect([contact.trustLevel, ignored]).toEqual(['blocked', true]);
    expect(await alice.directory.didsOf(bob.identity.agent.id)).toEqual([]);
    expect(alice.discovery.get(bob.identity.agent.id, alice.now())).toBeUndefined();
  });

  test('from a revoked agent', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    await node.revocations.add(signRevocation(agent, { kind: 'agent', id: agent.id }, NOW));
    expect(await idOfFailure(() => node.importCard(linkOf()))).toBe('AGENT_REVOKED');
    await node.contacts.revoke(mallory.id, 'here');
    const own = encodeCardLink(signCard(mallory, card({ agent_id: mallory.id })));
    const { contact } = await node.importCard(own, { trust: 'trusted' });
    expect(contact.trustLevel).toBe('blocked');
  });

  test('1 MiB large is not decoded', async () => {
    expect(await importing(linkOf({ display_name: 'x'.repeat(1024 * 1024) }))).toBe('CARD_INVALID:TOO_LARGE');
  });

  test('whose way into xLink is that of somebody else', async () => {
    const folder = await temporaryFolder();
    const [bob, eve] = [await openNode(folder, 'bob'), await openNode(folder, 'eve')];
    const node = await openNode(folder, 'a');
    const ofBob = decodeCardLink((await bob.card()).link);
    const other = await eve.contact();
    for (const xlink of [other, { record: other.record, binding: await bindAgent(eve.identity, NOW) }])
      expect(await idOfFailure(() => node.importCard(encodeCardLink({ ...ofBob, xlink })))).toBe(
        'CARD_INVALID:SIGNATURE',
      );
    // Eve signs the DID of Bob as her address, and shows his record: it is not of her key.
    const stolen = signCard(eve.identity.agent, {
      ...decodeCardLink((await eve.card()).link),
      addresses: [bob.identity.xlink.did],
      xlink: await bob.contact(),
    });
    expect(await idOfFailure(() => node.importCard(encodeCardLink(stolen)))).toBe('BINDING_INVALID');
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['other text', 'garbage!!!'],
    ['another scheme', 'https://example.com/card'],
    ['no JSON', `x0x://agent/${Buffer.from('{').toString('base64url')}`],
    ['no object', linkOfJson([1])],
    ['no id', linkOfJson({ ...card(), agent_id: 'abc' })],
    ['an id in capitals', linkOfJson({ ...card(), agent_id: agent.id.toUpperCase() })],
    ['a list of addresses that is none', linkOfJson({ ...card(), addresses: 'x' })],
    ['a number that is none', linkOfJson({ ...card(), created_at: -1 })],
    ['capabilities that are none', linkOfJson({ ...card(), dm_capabilities: { kem_public_key: [256] } })],
    ['bytes that are no UTF-8', `x0x://agent/${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}`],
  ])('that is %s', async (_, link) => {
    expect(await importing(link)).toBe('CARD_INVALID');
    expect((await failureOf(() => decodeCardLink(link))).cause).toBeUndefined();
  });

  test('with a level that there is not', async () => {
    expect(await importing(linkOf(), { trust: 'friend' })).toBe('TRUST_LEVEL_UNKNOWN');
  });

  test('is signed by its own agent only', async () => {
    expect(await idOfFailure(() => signCard(mallory, card()))).toBe('CARD_INVALID');
  });
});

describe('joining DID, agent and machine', () => {
  test('a binding that one side did not sign', async () => {
    const folder = await temporaryFolder();
    const [a, b] = [await openIdentity(placesIn(folder, 'a')), await openIdentity(placesIn(folder, 'b'))];
    const good = await bindAgent(a, NOW);
    expect(await agentBoundTo(a.xlink.did, good, a.xlink.crypto)).toBe(a.agent.id);
    const other = await bindAgent(b, NOW);
    for (const wrong of [
      { ...good, agentSignature: other.agentSignature },
      { ...good, signature: other.signature },
      { ...good, agentPublicKey: other.agentPublicKey, agentSignature: other.agentSignature },
      { ...good, issuedAt: NOW + 1 },
      { ...good, did: b.xlink.did },
      undefined,
      'text',
    ])
      expect(await idOfFailure(() => agentBoundTo(a.xlink.did, wrong, a.xlink.crypto))).toBe(
        'BINDING_INVALID',
      );
    expect(await idOfFailure(() => agentBoundTo(b.xlink.did, good, a.xlink.crypto))).toBe('BINDING_INVALID');
  });

  test('more agents than there is room for', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    const registry = new MemoryTrustRegistry();
    const full = Object.assign(registry, {
      list: async () =>
        Array.from({ length: 10_000 }, () => ({ did: 'did:key:x', status: 'active' as const })),
    });
    const directory = new AgentDirectory({ registry: full, crypto: node.identity.xlink.crypto });
    const contact = await node.contact();
    expect(await idOfFailure(() => directory.learn(node.identity.agent.id, contact, ['*']))).toBe(
      'DIRECTORY_FULL',
    );
    expect(await registry.lookup(contact.record.did)).toBeUndefined();
  });

  test('a proof of a machine for another caller, another service, or another time', async () => {
    const claim = { from: 'did:key:a', to: 'did:key:b' };
    const proof = proveMachine(machine, claim, NOW);
    expect(provenMachine(proof, claim, NOW)).toBe(machine.id);
    for (const [wrong, by, now] of [
      [proof, { ...claim, from: 'did:key:c' }, NOW],
      [proof, { ...claim, to: 'did:key:c' }, NOW],
      [proof, claim, NOW + 601],
      [proof, claim, NOW - 31],
      [proof.slice(4), claim, NOW],
      [undefined, claim, NOW],
    ] as const)
      expect(await idOfFailure(() => provenMachine(wrong, by, now))).toBe('MACHINE_PROOF_INVALID');
  });
});
