import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createKeyRecord, Identity } from '@private.me/xlink';
import { signAsAgent } from '../src/announce/agent-word.js';
import { DirectListeners } from '../src/announce/waiting.js';
import { encodeBytes } from '../src/bridge/signed-text.js';
import {
  bindAgent,
  type DirectMessage,
  encodeAnnouncement,
  encodeCertificateFile,
  encodeRevocations,
  issueCertificate,
  makeUserKey,
  type Revocation,
  signAnnouncement,
  signRevocation,
  TOPICS,
  X0xKeyPair,
  type X0xNode,
} from '../src/index.js';
import { type LabNode, lab } from './lab.js';
import { idOfFailure, keysOf, seedOf, until } from './support.js';

const bytes = (value: string) => new TextEncoder().encode(value);
const list = (...records: readonly Revocation[]) => encodeBytes(encodeRevocations(records));
const outcomes = (node: LabNode, type: string) =>
  node.events.flatMap((event) => (event.type === type && 'outcome' in event ? [event.outcome] : []));

/** An announcement as it travels. */
function announcement(agent: X0xKeyPair, machine: X0xKeyPair, announcedAt: number, contact: unknown) {
  const made = encodeAnnouncement(
    signAnnouncement(machine, {
      agentId: agent.id,
      addresses: [],
      announcedAt,
      reachableVia: [],
      relayCandidates: [],
      agentPublicKey: agent.publicKey,
    }),
  );
  return {
    announcement: encodeBytes(made),
    agentSignature: encodeBytes(signAsAgent(agent, made)),
    contact,
  };
}

async function newDid(name: string) {
  const xlink = await Identity.fromSeed(seedOf(name));
  return { xlink, record: await createKeyRecord(xlink) };
}

/** Contact of an agent with a DID of its own. */
async function boundTo(agent: X0xKeyPair, name: string, now: number) {
  const { xlink, record } = await newDid(name);
  const binding = await bindAgent({ agent, xlink } as X0xNode['identity'], now);
  return { did: xlink.did, contact: { record, binding } };
}

describe('revocations that nobody has a right to', () => {
  test('a certificate beside the revocation, made by whoever sends it, revokes nobody: neither a contact nor the instance itself', async () => {
    const { nodes, sendAs } = await lab('victim', 'bob', 'mallory');
    const [victim, bob, mallory] = nodes;
    const user = keysOf('any user');
    for (const target of [victim, bob]) {
      const { publicKey, id } = target.identity.agent;
      const certificate = issueCertificate(user, publicKey, 1);
      const record = signRevocation(user, { kind: 'agent', id }, 5, 'because');
      await sendAs(mallory, bob, TOPICS.revocation, {
        revocations: list(record),
        certificate: encodeBytes(encodeCertificateFile(certificate)),
      });
      // And in the announcement of an agent of hers, which shows it as its own.
      const forged = encodeAnnouncement(
        signAnnouncement(mallory.identity.machine, {
          agentId: id,
          userId: user.id,
          certificate,
          addresses: [],
          announcedAt: bob.now(),
          reachableVia: [],
          relayCandidates: [],
          agentPublicKey: publicKey,
        }),
      );
      const shown = {
        announcement: encodeBytes(forged),
        agentSignature: encodeBytes(signAsAgent(mallory.identity.agent, forged)),
      };
      await sendAs(mallory, bob, TOPICS.revocation, { revocations: list(record), shown });
      expect(bob.revocations.isAgentRevoked(id)).toBe(false);
    }
    expect(bob.revocations.list()).toEqual([]);
    expect(bob.contacts.get(victim.identity.agent.id)?.trustLevel).toBe('known');
    expect(outcomes(bob, 'revocation')).toEqual([
      'REVOCATION_INVALID:AUTHORITY',
      'ANNOUNCEMENT_INVALID:SIGNATURE',
      'REVOCATION_INVALID:AUTHORITY',
      'ANNOUNCEMENT_INVALID:SIGNATURE',
    ]);
  });

  test('a human revokes an agent that is silent about her since, and after a restart; peers who never heard of her believe it', async () => {
    const world = await lab();
    const seed = seedOf('her');
    for (const name of ['laptop', 'phone']) await makeUserKey(world.places(name), seed);
    const clock = { ms: Date.now() };
    const laptop = await world.open('laptop', { clock: () => clock.ms });
    const bob = await world.open('bob', { clock: () => clock.ms });
    let phone = await world.open('phone', { clock: () => clock.ms });
    await world.acquaint(laptop, phone, bob);
    const { id } = laptop.identity.agent;
    expect(await idOfFailure(() => phone.revoke({ kind: 'agent', id }))).toBe('REVOCATION_INVALID:AUTHORITY');
    bob.discovery.forgetAgent(id);
    world.cut(bob);
    await laptop.announce({ includeUserIdentity: true, humanConsent: true });
    world.join(bob);
    await phone.close();
    clock.ms += 16 * 60_000;
    phone = await world.open('phone', { clock: () => clock.ms });
    expect(phone.discovery.certificateOf(id, phone.now())).toBeUndefined();
    await phone.revoke({ kind: 'agent', id }, 'stolen');
    await until('bob believes it', () => bob.revocations.isAgentRevoked(id));
  });

  test('with the certificate in her hand she revokes an agent that never named her, here', async () => {
    const world = await lab();
    await makeUserKey(world.places('her'), seedOf('her'));
    const her = await world.open('her');
    const agent = keysOf('agent');
    const certificate = issueCertificate(her.identity.user!, agent.publicKey, 1);
    const foreign = issueCertificate(keysOf('other'), agent.publicKey, 1);
    const subject = { kind: 'agent', id: agent.id } as const;
    expect(await idOfFailure(() => her.revoke(subject, 'lost', foreign))).toBe(
      'REVOCATION_INVALID:AUTHORITY',
    );
    await her.revoke(subject, 'lost', certificate);
    expect(her.contacts.evaluate(agent.id, undefined)).toBe('RejectBlocked');
    expect(her.contacts.list()).toEqual([]);
  });
});

describe('revocations that count', () => {
  test('of those whom nobody knows so many are taken from one sender; none becomes a contact', async () => {
    const { nodes, sendAs } = await lab('bob', 'mallory');
    const [bob, mallory] = nodes;
    const before = bob.contacts.list().length;
    const records = Array.from({ length: 34 }, () => {
      const keys = X0xKeyPair.generate();
      return signRevocation(keys, { kind: 'agent', id: keys.id }, 1);
    });
    await sendAs(mallory, bob, TOPICS.revocation, { revocations: list(...records) });
    expect(bob.revocations.list()).toHaveLength(32);
    expect(bob.contacts.list()).toHaveLength(before);
    const known = signRevocation(mallory.identity.agent, { kind: 'agent', id: mallory.identity.agent.id }, 1);
    await sendAs(mallory, bob, TOPICS.revocation, { revocations: list(known) });
    expect(bob.revocations.isAgentRevoked(mallory.identity.agent.id)).toBe(true);
  });

  test('all of a list are taken, whether or not a peer can be reached, and one that is wrong is passed over', async () => {
    const world = await lab('bob', 'mallory', 'carol');
    const [bob, mallory, carol] = world.nodes;
    const [first, second] = [keysOf('first'), keysOf('second')];
    const own = (keys: X0xKeyPair) => signRevocation(keys, { kind: 'agent', id: keys.id }, 1);
    const wrong = { ...own(first), reason: 'other' };
    world.cut(carol);
    await world.sendAs(mallory, bob, TOPICS.revocation, {
      revocations: list(wrong, own(first), own(second)),
    });
    expect([first, second].map(({ id }) => bob.revocations.isAgentRevoked(id))).toEqual([true, true]);
    expect(outcomes(bob, 'revocation').toSorted()).toEqual(['REVOCATION_INVALID', 'ok', 'ok']);
  });

  test('one that could not be written counts, and is written when it comes again', async () => {
    const world = await lab('bob', 'alice', 'mallory');
    const [bob, alice, mallory] = world.nodes;
    const { agent } = alice.identity;
    const path = join(bob.identity.identityDir, 'revocations.bin');
    await mkdir(path);
    const payload = { revocations: list(signRevocation(agent, { kind: 'agent', id: agent.id }, 1)) };
    await world.sendAs(mallory, bob, TOPICS.revocation, payload).catch(() => {});
    expect(bob.contacts.evaluate(agent.id, undefined)).toBe('RejectBlocked');
    expect(bob.contacts.get(agent.id)?.trustLevel).toBe('blocked');
    expect(bob.discovery.get(agent.id, bob.now())).toBeUndefined();
    await rmdir(path);
    await world.sendAs(mallory, bob, TOPICS.revocation, payload);
    await bob.close();
    expect((await world.open('bob')).revocations.isAgentRevoked(agent.id)).toBe(true);
    await rm(path);
  });

  test('here only: deleting the contact does not take it back, it can be said again, and nothing is sent or taken', async () => {
    const world = await lab('bob', 'alice');
    const [bob, alice] = world.nodes;
    const { id } = alice.identity.agent;
    const got: DirectMessage[] = [];
    bob.onDirect((message) => void got.push(message));
    await bob.contacts.revoke(id, 'stolen');
    await bob.contacts.remove(id);
    await alice.sendDirect(bob.identity.agent.id, bytes('after the contact was deleted'));
    expect(got).toEqual([]);
    expect(bob.contacts.evaluate(id, alice.identity.machine.id)).toBe('RejectBlocked');
    expect(await idOfFailure(() => bob.sendDirect(id, bytes('x')))).toBe('AGENT_REVOKED');
    const sent = world.sentBy(bob);
    await bob.announce().catch(() => {});
    expect(world.sentBy(bob)).toBe(sent);
    await bob.contacts.revoke(id, 'again');
    expect(bob.contacts.get(id)?.trustLevel).toBe('blocked');
    expect(bob.contacts.revocations).toHaveLength(1);
  });

  test('for everybody: trust is not given back, and a revoked machine is refused', async () => {
    const world = await lab('bob', 'alice', 'carol');
    const [bob, alice, carol] = world.nodes;
    await alice.revoke({ kind: 'agent', id: alice.identity.agent.id });
    await bob.contacts.setTrust(alice.identity.agent.id, 'trusted');
    expect(bob.contacts.evaluate(alice.identity.agent.id, alice.identity.machine.id)).toBe('RejectBlocked');
    await carol.revoke({ kind: 'machine', id: carol.identity.machine.id });
    expect(bob.contacts.evaluate(carol.identity.agent.id, carol.identity.machine.id)).toBe('RejectBlocked');
    expect(bob.contacts.evaluate(carol.identity.agent.id, keysOf('new machine').id)).toBe('AcceptWithFlag');
    expect(await idOfFailure(() => bob.sendDirect(carol.identity.agent.id, bytes('x')))).toBe(
      'AGENT_REVOKED',
    );
  });

  test('an agent that was revoked announces, sends and shows itself no more', async () => {
    const world = await lab('bob', 'alice');
    const [bob, alice] = world.nodes;
    await alice.revoke({ kind: 'agent', id: alice.identity.agent.id });
    for (const work of [
      () => alice.announce(),
      () => alice.card(),
      () => alice.sendDirect(bob.identity.agent.id, bytes('x')),
    ])
      expect(await idOfFailure(work)).toBe('AGENT_REVOKED');
  });
});

describe('peers that take more than their share', () => {
  test('one agent with many DIDs: few are kept, and others are told all the same', async () => {
    const world = await lab('bob', 'mallory', 'victim', 'carol');
    const [bob, mallory, victim, carol] = world.nodes;
    for (let at = 0; at < 10; at++) {
      const { contact, did } = await boundTo(mallory.identity.agent, `mallory ${at}`, bob.now());
      world.absorb(did);
      const { agent, machine } = mallory.identity;
      await world.sendAs(mallory, bob, TOPICS.announce, announcement(agent, machine, bob.now(), contact));
    }
    expect((await bob.directory.didsOf(mallory.identity.agent.id)).length).toBeLessThanOrEqual(5);
    carol.contacts.remove(victim.identity.agent.id);
    const { id } = victim.identity.agent;
    await victim.contacts.remove(carol.identity.agent.id);
    victim.discovery.forgetAgent(carol.identity.agent.id);
    await victim.revoke({ kind: 'agent', id }, 'stolen');
    await until('carol is told', () => carol.revocations.isAgentRevoked(id));
  });

  test('strangers that one contact brings: some, the last ones; nobody else is crowded out, and contacts come first', async () => {
    const world = await lab('bob', 'mallory', 'carol');
    const [bob, mallory, carol] = world.nodes;
    await bob.contacts.setTrust(mallory.identity.agent.id, 'unknown');
    await bob.contacts.setTrust(carol.identity.agent.id, 'trusted');
    const bring = async (by: LabNode, name: string) => {
      const agent = keysOf(name);
      const { contact, did } = await boundTo(agent, `did of ${name}`, bob.now());
      world.absorb(did);
      await world.sendAs(by, bob, TOPICS.announce, announcement(agent, agent, bob.now(), contact));
      return { agent, did };
    };
    const honest = await bring(carol, 'honest');
    for (let at = 0; at < 18; at++) await bring(mallory, `sybil ${at}`);
    const agents = await bob.directory.agents();
    expect(agents.size).toBeLessThanOrEqual(2 + 1 + 16); // contacts, the honest one, and the share of Mallory
    expect(agents.has(honest.agent.id)).toBe(true);
    expect(agents.has(keysOf('sybil 17').id)).toBe(true); // never full for good
    world.forgetSent();
    await bob.announce();
    const told = world.told(bob);
    expect(told).toContain(carol.identity.xlink.did);
    expect(told).toContain(honest.did);
    await bob.close();
    expect((await (await world.open('bob')).directory.agents()).size).toBe(2); // strangers are in no file
  });

  test('machines of one agent: the last 32 and those that are pinned', async () => {
    const world = await lab('bob');
    const { contacts } = world.nodes[0];
    const agent = keysOf('agent').id;
    const machine = (at: number) => at.toString(16).padStart(64, '0');
    await contacts.addMachine(agent, machine(0));
    await contacts.pin(agent, machine(0));
    for (let at = 1; at < 40; at++) await contacts.addMachine(agent, machine(at));
    const { machines } = contacts.get(agent)!;
    expect(machines.map(({ machineId }) => machineId)).toEqual(
      [0, ...Array.from({ length: 32 }, (_, at) => at + 8)].map(machine),
    );
  });

  test('what comes with a contact and is no part of it is neither kept nor passed on; a binding that is none is refused', async () => {
    const world = await lab('bob', 'mallory', 'carol');
    const [bob, mallory] = world.nodes;
    const { agent, machine } = mallory.identity;
    const junk = 'J'.repeat(20_000);
    const { contact } = await boundTo(agent, 'another did', bob.now());
    const { record, binding } = contact;
    world.forgetSent();
    const send = (told: unknown) =>
      world.sendAs(mallory, bob, TOPICS.announce, announcement(agent, machine, bob.now(), told));
    await send({ record: { ...record, junk }, binding: { ...binding, junk } });
    expect(world.sizesBy(bob).every((size) => size < 60_000)).toBe(true);
    await send({ record, binding: { nonsense: 1 } });
    await send({ record, binding: { ...binding, issuedAt: 1 } });
    expect(outcomes(bob, 'announcement').slice(-2)).toEqual(['BINDING_INVALID', 'BINDING_INVALID']);
  });

  test('an announcement goes round once, however it is spelled', async () => {
    const world = await lab('bob', 'mallory', 'carol');
    const [bob, mallory] = world.nodes;
    const { agent, machine } = mallory.identity;
    const made = announcement(agent, machine, bob.now(), await mallory.contact());
    world.forgetSent();
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const same = (text: string) =>
      Buffer.from(text, 'base64url').equals(Buffer.from(made.announcement, 'base64url'));
    const spellings = [...letters, '='].flatMap((letter) =>
      [made.announcement.slice(0, -1) + letter, made.announcement + letter].filter(same),
    );
    expect(spellings.length).toBeGreaterThan(1);
    for (const text of [made.announcement, ...spellings])
      await world.sendAs(mallory, bob, TOPICS.announce, { ...made, announcement: text });
    await until('it is passed on', () => world.told(bob).length > 0);
    expect(world.told(bob)).toHaveLength(1);
  });

  test('messages that wait and whose sender was blocked since are not handed over', async () => {
    const world = await lab('bob', 'alice', 'eve');
    const [bob, alice, eve] = world.nodes;
    await alice.sendDirect(bob.identity.agent.id, bytes('good'));
    await eve.sendDirect(bob.identity.agent.id, bytes('early'));
    await bob.contacts.setTrust(eve.identity.agent.id, 'blocked');
    const got: DirectMessage[] = [];
    bob.onDirect((message) => void got.push(message));
    await until('it is handed over', () => got.length > 0);
    expect(got.map(({ agentId }) => agentId)).toEqual([alice.identity.agent.id]);
  });

  test('messages that wait: each sender has a share, and those of strangers go before those of a trusted one', async () => {
    const trusted = keysOf('trusted').id;
    const waiting = new DirectListeners((agentId) => (agentId === trusted ? 'Accept' : 'Unknown'));
    const from = (agentId: string): DirectMessage => ({
      agentId,
      machineId: agentId,
      payload: bytes('x'),
      decision: 'Unknown',
      messageId: 'x',
      timestamp: 1,
    });
    await waiting.tell(from(trusted));
    for (let sender = 0; sender < 20; sender++)
      for (let at = 0; at < 40; at++) await waiting.tell(from(sender.toString().padStart(64, '0')));
    const got: string[] = [];
    waiting.add(({ agentId }) => void got.push(agentId));
    await until('they are handed over', () => got.length > 0);
    expect(got).toHaveLength(256);
    expect(got[0]).toBe(trusted);
    expect(got.filter((one) => one.startsWith('00') && one.endsWith('19'))).toHaveLength(32);
  });
});

test('a revocation that comes while a card of the agent is imported: it is not discovered again', async () => {
  const world = await lab('bob', 'victim', 'mallory');
  const [bob, victim, mallory] = world.nodes;
  const { agent } = victim.identity;
  const { link } = await victim.card();
  const record = signRevocation(agent, { kind: 'agent', id: agent.id }, 1);
  await Promise.allSettled([
    bob.importCard(link, { trust: 'trusted' }),
    world.sendAs(mallory, bob, TOPICS.revocation, { revocations: list(record) }),
    victim.announce(),
  ]);
  expect(bob.contacts.get(agent.id)?.trustLevel).toBe('blocked');
  expect(bob.discovery.get(agent.id, bob.now())).toBeUndefined();
});
