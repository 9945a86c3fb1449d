import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type AgentCard,
  agentBoundTo,
  assertAnnouncement,
  assertCertificate,
  assertRevocation,
  bindAgent,
  decodeAnnouncement,
  decodeCardLink,
  decodeCertificateFile,
  decodeKeyFile,
  decodeRevocations,
  encodeAnnouncement,
  encodeCardLink,
  encodeCertificateFile,
  encodeKeyFile,
  encodeRevocationFile,
  encodeRevocations,
  externalBytes,
  issueCertificate,
  makeUserKey,
  openIdentity,
  placesOf,
  proveMachine,
  provenMachine,
  signAnnouncement,
  signCard,
  signRevocation,
  X0X_ERROR_TABLE,
  X0xKeyPair,
  X0xNode,
} from '../src/index.js';
import { failureOf, idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const [user, agent, machine, mallory] = ['user', 'agent', 'machine', 'mallory'].map(keysOf) as [
  X0xKeyPair,
  X0xKeyPair,
  X0xKeyPair,
  X0xKeyPair,
];
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

describe('a certificate', () => {
  const terms = { now: NOW, agentId: agent.id, userId: user.id };
  const check = (...args: Parameters<typeof issueCertificate>) =>
    idOfFailure(() => assertCertificate(issueCertificate(...args), terms));

  test('that has expired; 300 s are tolerated', async () => {
    const issued = issueCertificate(user, agent.publicKey, NOW - 1000, NOW - 300);
    assertCertificate(issued, terms);
    expect(await check(user, agent.publicKey, NOW - 1000, NOW - 301)).toBe('CERTIFICATE_INVALID:EXPIRED');
  });

  test('from the future; 300 s are tolerated', async () => {
    assertCertificate(issueCertificate(user, agent.publicKey, NOW + 300), terms);
    expect(await check(user, agent.publicKey, NOW + 301)).toBe('CERTIFICATE_INVALID:FUTURE');
  });

  test('of another agent, or by another user', async () => {
    expect(await check(user, mallory.publicKey, NOW)).toBe('CERTIFICATE_INVALID:OTHER_AGENT');
    expect(await check(mallory, agent.publicKey, NOW)).toBe('CERTIFICATE_INVALID:OTHER_AGENT');
  });

  test('whose end was cut off or changed', async () => {
    const issued = issueCertificate(user, agent.publicKey, NOW, NOW + 1000);
    for (const notAfter of [undefined, NOW + 2000])
      expect(await idOfFailure(() => assertCertificate({ ...issued, notAfter }, terms))).toBe(
        'CERTIFICATE_INVALID',
      );
  });

  test('in a file that is cut, too long, or none', async () => {
    const file = encodeCertificateFile(issueCertificate(user, agent.publicKey, NOW, NOW + 1));
    for (const wrong of [
      file.subarray(0, -1),
      new Uint8Array([...file, 0]),
      file.subarray(4),
      new Uint8Array(8).fill(255),
    ])
      expect(await idOfFailure(() => decodeCertificateFile(wrong))).toBe('CERTIFICATE_INVALID');
  });
});

describe('a key file', () => {
  const file = encodeKeyFile(agent);
  const opened = async (bytes: Uint8Array, mode = 0o600, name = 'agent.key') => {
    const folder = await temporaryFolder();
    const { identityDir } = placesIn(folder);
    await mkdir(identityDir, { recursive: true, mode: 0o700 });
    await writeFile(join(identityDir, name), bytes);
    await chmod(join(identityDir, name), mode);
    const failure = await failureOf(() => openIdentity(placesIn(folder)));
    expect(failure.field).toBe(name);
    expect(new Uint8Array(await readFile(join(identityDir, name)))).toEqual(Uint8Array.from(bytes)); // it is left as it is
    return failure.id;
  };

  test.each([0, 1, 3, 4, 8, 1959, 1968, 5999])('truncated to %d bytes', async (length) => {
    expect(await opened(file.subarray(0, length))).toBe('KEY_FILE_INVALID:TRUNCATED');
  });

  test('with something behind it', async () => {
    expect(await opened(new Uint8Array([...file, 0]))).toBe('KEY_FILE_INVALID:TRUNCATED');
  });

  test('of the other generation: the marker without the end, the end without the marker', async () => {
    const second = encodeKeyFile(agent, NOW);
    expect(await opened(new Uint8Array([...Buffer.from('X0K2'), ...file]))).toBe(
      'KEY_FILE_INVALID:TRUNCATED',
    );
    expect(await opened(second.subarray(4))).toBe('KEY_FILE_INVALID:TRUNCATED');
    expect(await opened(new Uint8Array([...Buffer.from('X0K3'), ...file]))).toBe(
      'KEY_FILE_INVALID:GENERATION',
    );
  });

  test('of another kind', async () => {
    expect(await opened(Buffer.from('-----BEGIN PRIVATE KEY-----'))).toBe('KEY_FILE_INVALID:KIND');
  });

  test('whose keys do not belong together', async () => {
    const mixed = Uint8Array.from(file);
    mixed.set(encodeKeyFile(mallory).subarray(1968), 1968);
    expect(await opened(mixed)).toBe('KEY_FILE_INVALID:MISMATCH');
    expect(await opened(mixed, 0o600, 'machine.key')).toBe('KEY_FILE_INVALID:MISMATCH');
    expect(await opened(mixed, 0o600, 'user.key')).toBe('KEY_FILE_INVALID:MISMATCH');
  });

  test.each([0o644, 0o640, 0o604, 0o620])('that others may use, mode %o', async (mode) => {
    expect(await opened(file, mode)).toBe('KEY_FILE_EXPOSED');
  });

  test('says nothing of the key', async () => {
    const failure = await failureOf(() => decodeKeyFile(file.subarray(0, 5000)));
    expect(JSON.stringify([failure.message, String(failure.cause)])).not.toContain(
      Buffer.from(file).toString('hex').slice(40, 80),
    );
    expect(JSON.stringify(agent)).toBe(JSON.stringify({ id: agent.id }));
  });
});

describe('an announcement', () => {
  const content = {
    agentId: agent.id,
    addresses: [],
    announcedAt: NOW,
    reachableVia: [],
    relayCandidates: [],
    agentPublicKey: agent.publicKey,
  };
  const made = (more = {}) => signAnnouncement(machine, { ...content, ...more });
  const check = (announcement: ReturnType<typeof made>, now = NOW) =>
    idOfFailure(() => assertAnnouncement(announcement, now));

  test('of another machine, agent or key', async () => {
    const good = made();
    assertAnnouncement(good, NOW);
    for (const change of [
      { machineId: mallory.id },
      { machinePublicKey: mallory.publicKey },
      { machineId: mallory.id, machinePublicKey: mallory.publicKey },
      { agentId: mallory.id },
      { agentPublicKey: mallory.publicKey },
      { announcedAt: NOW + 1 },
      { addresses: ['203.0.113.7:1'] },
      { machineSignature: good.machineSignature.map((byte) => byte ^ 1) },
    ])
      expect(await check({ ...good, ...change })).toBe('ANNOUNCEMENT_INVALID:SIGNATURE');
  });

  test('from the future, or stale', async () => {
    assertAnnouncement(made(), NOW - 30);
    expect(await check(made(), NOW - 31)).toBe('ANNOUNCEMENT_INVALID:FUTURE');
    assertAnnouncement(made(), NOW + 900);
    expect(await check(made(), NOW + 901)).toBe('ANNOUNCEMENT_INVALID:STALE');
  });

  test('that names a user without her certificate, or with one of somebody else', async () => {
    const certificate = issueCertificate(user, agent.publicKey, NOW);
    assertAnnouncement(made({ userId: user.id, certificate }), NOW);
    expect(await check(made({ userId: user.id }))).toBe('CERTIFICATE_INVALID');
    expect(await check(made({ certificate }))).toBe('CERTIFICATE_INVALID');
    expect(await check(made({ userId: mallory.id, certificate }))).toBe('CERTIFICATE_INVALID:OTHER_AGENT');
    const foreign = issueCertificate(user, mallory.publicKey, NOW);
    expect(await check(made({ userId: user.id, certificate: foreign }))).toBe(
      'CERTIFICATE_INVALID:OTHER_AGENT',
    );
    const over = issueCertificate(user, agent.publicKey, NOW - 1000, NOW - 500);
    expect(await check(made({ userId: user.id, certificate: over }))).toBe('CERTIFICATE_INVALID:EXPIRED');
  });

  test('that is cut, too long, too large, or claims more than it has', async () => {
    const wire = encodeAnnouncement(made());
    const claiming = Uint8Array.from(wire);
    claiming.fill(255, 4 + 66, 4 + 74); // the length of the machine key
    for (const wrong of [
      wire.subarray(0, -1),
      new Uint8Array([...wire, 0]),
      new Uint8Array(65_537),
      claiming,
      wire.subarray(4),
    ])
      expect(await idOfFailure(() => decodeAnnouncement(wrong))).toBe('ANNOUNCEMENT_INVALID');
    for (let length = 0; length < wire.length; length += 97)
      expect(await idOfFailure(() => decodeAnnouncement(wire.subarray(0, length)))).toBe(
        'ANNOUNCEMENT_INVALID',
      );
  });
});

describe('consent', () => {
  test('missing: the user is in no announcement and no card', async () => {
    const folder = await temporaryFolder();
    await makeUserKey(placesIn(folder, 'a'));
    const node = await openNode(folder, 'a');
    expect(await idOfFailure(() => node.announce({ includeUserIdentity: true }))).toBe('CONSENT_MISSING');
    expect(await idOfFailure(() => node.card({ includeUserIdentity: true }))).toBe('CONSENT_MISSING');
    expect((await node.card()).card.user_id).toBeUndefined();
    expect((await node.card({ humanConsent: true })).card.user_id).toBeUndefined();
    expect((await node.card({ includeUserIdentity: true, humanConsent: true })).card.user_id).toBe(
      node.identity.user!.id,
    );
    expect(node.hasConsent).toBe(false);
  });

  test('without a user there is nobody to consent', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    const both = { includeUserIdentity: true, humanConsent: true };
    expect(await idOfFailure(() => node.announce(both))).toBe('USER_KEY_MISSING');
    expect(await idOfFailure(() => node.card(both))).toBe('USER_KEY_MISSING');
  });
});

describe('a revocation', () => {
  const subject = { kind: 'agent', id: agent.id } as const;

  test('by a third party, or by a user who certified another agent', async () => {
    const foreign = signRevocation(mallory, subject, NOW);
    expect(await idOfFailure(() => assertRevocation(foreign))).toBe('REVOCATION_INVALID:AUTHORITY');
    const byUser = signRevocation(user, subject, NOW);
    expect(await idOfFailure(() => assertRevocation(byUser))).toBe('REVOCATION_INVALID:AUTHORITY');
    assertRevocation(byUser, issueCertificate(user, agent.publicKey, NOW));
    for (const other of [
      issueCertificate(user, mallory.publicKey, NOW),
      issueCertificate(mallory, agent.publicKey, NOW),
    ])
      expect(await idOfFailure(() => assertRevocation(byUser, other))).toBe('REVOCATION_INVALID:AUTHORITY');
    const ofMachine = signRevocation(user, { kind: 'machine', id: machine.id }, NOW);
    expect(
      await idOfFailure(() => assertRevocation(ofMachine, issueCertificate(user, agent.publicKey, NOW))),
    ).toBe('REVOCATION_INVALID:AUTHORITY');
  });

  test('that was changed', async () => {
    const good = signRevocation(agent, subject, NOW, 'why');
    for (const change of [
      { reason: 'other' },
      { revokedAt: NOW + 1 },
      { subject: { kind: 'machine', id: agent.id } as const },
    ])
      expect(await idOfFailure(() => assertRevocation({ ...good, ...change }))).toBe('REVOCATION_INVALID');
  });

  test('that was put into the file by somebody else revokes nobody; a file that cannot be read stops the start', async () => {
    const folder = await temporaryFolder();
    const node = await openNode(folder, 'a');
    await node.revocations.add(signRevocation(agent, subject, NOW));
    const path = join(node.identity.identityDir, 'revocations.bin');
    await node.close();
    await writeFile(path, encodeRevocationFile([{ revocation: signRevocation(mallory, subject, NOW) }]));
    const again = await openNode(folder, 'a');
    expect(again.revocations.isAgentRevoked(agent.id)).toBe(false);
    await again.close();
    for (const wrong of ['X0XR', 'nothing of the kind']) {
      await writeFile(path, wrong);
      expect(await idOfFailure(() => X0xNode.open(placesIn(folder, 'a')))).toBe('REVOCATION_INVALID:FILE');
    }
  });

  test('cannot be taken back, and comes twice as one', async () => {
    const folder = await temporaryFolder();
    const node = await openNode(folder, 'a');
    const record = signRevocation(agent, subject, NOW);
    expect([await node.revocations.add(record), await node.revocations.add(record)]).toEqual([true, false]);
    await node.contacts.revoke(agent.id, 'lost');
    expect((await node.contacts.setTrust(agent.id, 'trusted')).trustLevel).toBe('blocked');
    await node.contacts.remove(agent.id);
    expect((await node.contacts.setTrust(agent.id, 'trusted')).trustLevel).toBe('blocked');
    await node.close();
    const again = await openNode(folder, 'a');
    expect(again.revocations.isAgentRevoked(agent.id)).toBe(true);
    expect(again.contacts.isRevoked(agent.id)).toBe(true);
  });

  test('a list that claims more than it has takes no memory', async () => {
    const wire = encodeRevocations([]);
    expect(await idOfFailure(() => decodeRevocations(Uint8Array.from(wire).fill(127, 0, 6)))).toBe(
      'REVOCATION_INVALID',
    );
  });

  test('of others is not signed by the daemon', async () => {
    const node = await openNode(await temporaryFolder(), 'a');
    expect(await idOfFailure(() => node.revoke(subject))).toBe('REVOCATION_INVALID:AUTHORITY');
    expect(node.revocations.list()).toEqual([]);
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

describe('options and contexts', () => {
  test('names that there are not', async () => {
    expect((await failureOf(() => placesOf({ identitydir: 'x' } as never))).message).toContain(
      'did you mean identityDir?',
    );
    expect((await failureOf(() => X0xNode.open({ relayURL: 'x' } as never))).message).toContain(
      'did you mean relayUrl?',
    );
    expect(await idOfFailure(() => X0xNode.open({ heartbeatMs: 1 }))).toBe('INVALID_OPTION');
    for (const name of ['', 'A', '../x', 'a'.repeat(33)])
      expect(await idOfFailure(() => placesOf({ name }))).toBe('INVALID_OPTION');
  });

  test.each(['', 'A', 'a b', 'x'.repeat(65), 'certificate', 'announcement'])(
    'no application signs for %j',
    async (context) => {
      expect(await idOfFailure(() => externalBytes(context, new Uint8Array(1)))).toBe('REQUEST_INVALID');
    },
  );

  test('keys and ids of another length', async () => {
    expect(await idOfFailure(() => X0xKeyPair.fromSeed(new Uint8Array(31)))).toBe('KEY_INVALID');
    expect(await idOfFailure(() => X0xKeyPair.fromBytes(new Uint8Array(1952), new Uint8Array(1)))).toBe(
      'KEY_INVALID',
    );
  });

  test('two daemons on one directory: the second is told, the first goes on', async () => {
    const folder = await temporaryFolder();
    const first = await openNode(folder, 'a');
    expect(await idOfFailure(() => X0xNode.open(placesIn(folder, 'a')))).toBe('DIRECTORY_IN_USE');
    // One of the two directories is enough.
    const { identityDir, dataDir } = placesIn(folder, 'a');
    const other = placesIn(folder, 'b');
    expect(await idOfFailure(() => X0xNode.open({ identityDir, dataDir: other.dataDir }))).toBe(
      'DIRECTORY_IN_USE',
    );
    expect(await idOfFailure(() => X0xNode.open({ identityDir: other.identityDir, dataDir }))).toBe(
      'DIRECTORY_IN_USE',
    );
    await first.contacts.setTrust(agent.id, 'known');
    await first.close();
    expect((await openNode(folder, 'a')).contacts.get(agent.id)?.trustLevel).toBe('known');
  });

  test('a file of contacts that cannot be read stops the start: nobody would be blocked', async () => {
    const folder = await temporaryFolder();
    const { dataDir } = placesIn(folder, 'a');
    await mkdir(dataDir, { recursive: true });
    for (const text of [
      '',
      '{',
      '{"contacts":[{"agent_id":[1]}]}',
      `{"contacts":[{"agent_id":[${'1,'.repeat(31)}1],"trust_level":"friend","added_at":1}]}`,
    ]) {
      await writeFile(join(dataDir, 'contacts.json'), text);
      expect(await idOfFailure(() => X0xNode.open(placesIn(folder, 'a')))).toBe('CONTACTS_DAMAGED');
    }
  });

  test('every error says what is wrong and what to do', () => {
    for (const [id, row] of Object.entries(X0X_ERROR_TABLE)) {
      expect([id, row.message.endsWith('.'), row.hint.endsWith('.')]).toEqual([id, true, true]);
      expect(row.status).toBeGreaterThanOrEqual(400);
    }
  });
});
