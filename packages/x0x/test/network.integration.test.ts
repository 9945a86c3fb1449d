import { describe, expect, test } from '@jest/globals';
import { Agent, GatewayTransport, MemoryNonceStore, MemoryTrustRegistry } from '@private.me/xlink';
import { signAsAgent } from '../src/announce/agent-word.js';
import { encodeBytes } from '../src/bridge/signed-text.js';
import {
  type DirectMessage,
  encodeAnnouncement,
  encodeRevocations,
  issueCertificate,
  makeUserKey,
  proveMachine,
  signAnnouncement,
  signRevocation,
  TOPICS,
} from '../src/index.js';
import {
  afterTest,
  idOfFailure,
  keysOf,
  openNode,
  placesIn,
  startRelay,
  type TestNode,
  temporaryFolder,
  until,
} from './support.js';

const bytes = (value: string) => new TextEncoder().encode(value);
const mallory = keysOf('mallory');

/** Instances that have each other's cards. */
async function acquainted(...names: string[]) {
  const folder = await temporaryFolder();
  const relayUrl = await startRelay();
  const nodes: TestNode[] = [];
  for (const name of names) nodes.push(await openNode(folder, name, { relayUrl }));
  for (const one of nodes)
    for (const other of nodes) if (one !== other) await one.importCard((await other.card()).link);
  return { folder, relayUrl, nodes: nodes as [TestNode, TestNode, TestNode] };
}

const outcomes = (node: TestNode, type: string) =>
  node.events.flatMap((event) =>
    event.type === type && 'outcome' in event && !('direction' in event && event.direction === 'out')
      ? [event.outcome]
      : [],
  );

const told = (node: TestNode, type: string, outcome: string) =>
  until(`${type} ${outcome}; there are ${outcomes(node, type)}`, () =>
    outcomes(node, type).includes(outcome),
  );

/** Sends whatever one likes in the name of an instance, past its rules. */
async function rawSender(node: TestNode, relayUrl: string, recipient: TestNode) {
  await node.close();
  const transport = new GatewayTransport({ relayUrl });
  const { directory } = recipient;
  const { xlink } = node.identity;
  const agent = new Agent({
    identity: xlink,
    transport,
    nonceStore: new MemoryNonceStore(),
    registry: await registryWith(recipient),
  });
  afterTest(() => agent.dispose());
  expect(await directory.agentOf(xlink.did)).toBe(node.identity.agent.id);
  return async (scope: string, payload: unknown) => {
    const sent = await agent.send({ to: recipient.identity.xlink.did, scope, payload });
    if (!sent.ok) throw sent.error;
  };
}

async function registryWith(recipient: TestNode) {
  const registry = new MemoryTrustRegistry();
  const { record } = await recipient.contact();
  await registry.register({ did: record.did, keys: record, receiveScopes: ['*'] });
  return registry;
}

describe('announcements of others', () => {
  const contentOf = (node: TestNode, agent = node.identity.agent) => ({
    agentId: agent.id,
    addresses: [],
    announcedAt: node.now(),
    reachableVia: [],
    relayCandidates: [],
    agentPublicKey: agent.publicKey,
  });

  test('a machine that signs for an agent, without the word of the agent', async () => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob', 'eve');
    const [alice, bob, eve] = nodes;
    const contact = await alice.contact();
    const announcement = encodeAnnouncement(signAnnouncement(mallory, contentOf(alice)));
    const send = await rawSender(eve, relayUrl, bob);
    for (const agentSignature of [undefined, encodeBytes(signAsAgent(mallory, announcement)), 'AAAA'])
      await send(TOPICS.announce, { announcement: encodeBytes(announcement), agentSignature, contact });
    await until(
      'three are refused',
      () =>
        outcomes(bob, 'announcement').filter((one) => one === 'ANNOUNCEMENT_INVALID:SIGNATURE').length === 3,
    );
    expect(bob.discovery.get(alice.identity.agent.id, bob.now())?.machineId).toBe(alice.identity.machine.id);
  });

  test('the certificate of a human, shown without her consent', async () => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob', 'eve');
    const [alice, bob, eve] = nodes;
    const user = keysOf('user');
    const certificate = issueCertificate(user, alice.identity.agent.publicKey, alice.now());
    const announcement = encodeAnnouncement(
      signAnnouncement(mallory, { ...contentOf(alice), userId: user.id, certificate }),
    );
    const send = await rawSender(eve, relayUrl, bob);
    await send(TOPICS.announce, { announcement: encodeBytes(announcement), contact: await alice.contact() });
    await told(bob, 'announcement', 'ANNOUNCEMENT_INVALID:SIGNATURE');
    expect(bob.discovery.certificateOf(alice.identity.agent.id, bob.now())).toBeUndefined();
  });

  test('an agent that shows the DID of somebody else as its own', async () => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob', 'eve');
    const [alice, bob, eve] = nodes;
    const announcement = encodeAnnouncement(signAnnouncement(mallory, contentOf(eve)));
    const agentSignature = encodeBytes(signAsAgent(eve.identity.agent, announcement));
    const send = await rawSender(eve, relayUrl, bob);
    await send(TOPICS.announce, {
      announcement: encodeBytes(announcement),
      agentSignature,
      contact: await alice.contact(),
    });
    await told(bob, 'announcement', 'BINDING_INVALID');
    expect(await bob.directory.agentOf(alice.identity.xlink.did)).toBe(alice.identity.agent.id);
  });

  test('of a blocked agent are not kept, and not passed on', async () => {
    const { nodes } = await acquainted('alice', 'bob', 'carol');
    const [alice, bob, carol] = nodes;
    await bob.contacts.setTrust(alice.identity.agent.id, 'blocked');
    await carol.contacts.remove(alice.identity.agent.id);
    await alice.contacts.remove(carol.identity.agent.id);
    alice.discovery.forgetAgent(carol.identity.agent.id);
    carol.discovery.forgetAgent(alice.identity.agent.id);
    bob.discovery.forgetAgent(alice.identity.agent.id);
    await alice.announce();
    await told(bob, 'message', 'AGENT_BLOCKED');
    expect(bob.discovery.get(alice.identity.agent.id, bob.now())).toBeUndefined();
    expect(carol.discovery.get(alice.identity.agent.id, carol.now())).toBeUndefined();
  });

  test('of a pinned agent from another machine', async () => {
    const { folder, relayUrl, nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    await bob.contacts.addMachine(alice.identity.agent.id, mallory.id);
    await bob.contacts.pin(alice.identity.agent.id, mallory.id);
    await alice.announce();
    await told(bob, 'announcement', 'MACHINE_MISMATCH');
    expect(await idOfFailure(() => bob.sendDirect(alice.identity.agent.id, bytes('x')))).toBe(
      'MACHINE_MISMATCH',
    );
    expect([folder, relayUrl]).toHaveLength(2);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'text'],
    ['no announcement', {}],
    ['bytes that are none', { announcement: 'AAAA' }],
    ['more than 64 KiB', { announcement: 'A'.repeat(90_000) }],
  ])('that are %s', async (_, payload) => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob');
    const send = await rawSender(nodes[0], relayUrl, nodes[1]);
    await send(TOPICS.announce, payload ?? null);
    await told(nodes[1], 'announcement', 'ANNOUNCEMENT_INVALID');
  });
});

describe('direct messages', () => {
  test('from a blocked agent reach no listener, and none are sent to it', async () => {
    const { nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    const got: DirectMessage[] = [];
    bob.onDirect((message) => void got.push(message));
    await bob.contacts.setTrust(alice.identity.agent.id, 'blocked');
    await alice.sendDirect(bob.identity.agent.id, bytes('hello'));
    await told(bob, 'message', 'AGENT_BLOCKED');
    expect(got).toEqual([]);
    expect(await idOfFailure(() => bob.sendDirect(alice.identity.agent.id, bytes('x')))).toBe(
      'AGENT_BLOCKED',
    );
  });

  test('from a machine that is not proven, or is proven for somebody else', async () => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    const got: DirectMessage[] = [];
    bob.onDirect((message) => void got.push(message));
    const send = await rawSender(alice, relayUrl, bob);
    const { machine, xlink } = alice.identity;
    const elsewhere = proveMachine(machine, { from: xlink.did, to: xlink.did }, alice.now());
    for (const proof of [undefined, 'AAAA', elsewhere])
      await send(TOPICS.direct, { payload: encodeBytes(bytes('x')), machine: proof });
    await until(
      'three are refused',
      () => outcomes(bob, 'message').filter((one) => one === 'MACHINE_PROOF_INVALID').length === 3,
    );
    expect(got).toEqual([]);
  });

  test('to an agent that nobody has heard of, to one that was revoked, and 49 KiB', async () => {
    const { nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    const { id } = bob.identity.agent;
    expect(await idOfFailure(() => alice.sendDirect(mallory.id, bytes('x')))).toBe('AGENT_UNKNOWN');
    expect(await idOfFailure(() => alice.sendDirect(id, new Uint8Array(49_153)))).toBe(
      'REQUEST_TOO_LARGE:MESSAGE',
    );
    await alice.revocations.add(signRevocation(bob.identity.agent, { kind: 'agent', id }, alice.now()));
    expect(await idOfFailure(() => alice.sendDirect(id, bytes('x')))).toBe('AGENT_REVOKED');
  });

  test('a listener that fails gets the message again', async () => {
    const { nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    const ids: string[] = [];
    bob.onDirect(({ messageId }) => {
      ids.push(messageId);
      if (ids.length === 1) throw new Error('not now');
    });
    const id = await alice.sendDirect(bob.identity.agent.id, bytes('important'));
    await until('it came twice', () => ids.length === 2);
    expect(ids).toEqual([id, id]);
  });

  test('wait at the relay while the other daemon is down, and an unknown agent is flagged', async () => {
    const { folder, relayUrl, nodes } = await acquainted('alice', 'bob');
    const [alice, bob] = nodes;
    await bob.contacts.setTrust(alice.identity.agent.id, 'unknown');
    await bob.close();
    await alice.sendDirect(bob.identity.agent.id, bytes('later'));
    const again = await openNode(folder, 'bob', { relayUrl });
    const message = await new Promise<DirectMessage>((resolve) => again.onDirect(resolve));
    expect(message).toMatchObject({ agentId: alice.identity.agent.id, decision: 'Unknown' });
  });
});

describe('revocations over the relay', () => {
  test('of an agent by itself: peers block and forget it, and pass it on', async () => {
    const { nodes } = await acquainted('alice', 'bob', 'carol');
    const [alice, bob, carol] = nodes;
    const { id } = alice.identity.agent;
    await alice.contacts.remove(carol.identity.agent.id);
    alice.discovery.forgetAgent(carol.identity.agent.id);
    const { link } = await alice.card();
    await alice.revoke({ kind: 'agent', id }, 'key_compromise');
    for (const node of [bob, carol]) {
      await until('it is revoked', () => node.revocations.isAgentRevoked(id));
      await until('it is blocked', () => node.contacts.get(id)?.trustLevel === 'blocked');
      expect(node.discovery.get(id, node.now())).toBeUndefined();
    }
    expect(await idOfFailure(() => bob.importCard(link))).toBe('AGENT_REVOKED');
  });

  test('of an agent by the human who certified it', async () => {
    const folder = await temporaryFolder();
    const relayUrl = await startRelay();
    const seed = new Uint8Array(32).fill(3);
    for (const name of ['laptop', 'phone']) await makeUserKey(placesIn(folder, name), seed);
    const [laptop, phone, bob] = [
      await openNode(folder, 'laptop', { relayUrl }),
      await openNode(folder, 'phone', { relayUrl }),
      await openNode(folder, 'bob', { relayUrl }),
    ];
    const nodes = [laptop, phone, bob];
    for (const one of nodes)
      for (const other of nodes) if (one !== other) await one.importCard((await other.card()).link);
    await laptop.announce({ includeUserIdentity: true, humanConsent: true });
    const { id } = laptop.identity.agent;
    await until('the phone knows whose it is', () => phone.discovery.certificateOf(id, phone.now()));
    bob.discovery.forgetAgent(id); // the certificate comes with the revocation
    await phone.revoke({ kind: 'agent', id }, 'stolen');
    await until('bob knows', () => bob.revocations.isAgentRevoked(id));
  });

  test('of an agent by a peer who has no right to it', async () => {
    const { relayUrl, nodes } = await acquainted('alice', 'bob', 'eve');
    const [alice, bob, eve] = nodes;
    const subject = { kind: 'agent', id: alice.identity.agent.id } as const;
    const send = await rawSender(eve, relayUrl, bob);
    const forged = signRevocation(eve.identity.agent, subject, eve.now());
    await send(TOPICS.revocation, { revocations: encodeBytes(encodeRevocations([forged])) });
    await told(bob, 'revocation', 'REVOCATION_INVALID:AUTHORITY');
    for (const payload of [
      {},
      { revocations: 'AAAA' },
      { revocations: encodeBytes(encodeRevocations([forged])), certificate: 'AAAA' },
    ])
      await send(TOPICS.revocation, payload);
    await until('all are refused', () => outcomes(bob, 'revocation').length === 4);
    expect(bob.revocations.list()).toEqual([]);
  });
});
