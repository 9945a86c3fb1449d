import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  assertAnnouncement,
  assertRevocation,
  decodeAnnouncement,
  decodeRevocations,
  encodeAnnouncement,
  encodeRevocationFile,
  encodeRevocations,
  issueCertificate,
  makeUserKey,
  signAnnouncement,
  signRevocation,
  X0xNode,
} from '../src/index.js';
import { idOfFailure, keysOf, openNode, placesIn, temporaryFolder } from './support.js';

const user = keysOf('user');
const agent = keysOf('agent');
const machine = keysOf('machine');
const mallory = keysOf('mallory');
const NOW = 1_760_000_000;

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

  test('in a file that cannot be read or verified stops the start, and none is dropped', async () => {
    const folder = await temporaryFolder();
    const node = await openNode(folder, 'a');
    await node.revocations.add(signRevocation(agent, subject, NOW));
    const path = join(node.identity.identityDir, 'revocations.bin');
    await node.close();
    const flipped = await readFile(path);
    flipped[flipped.length - 100]! ^= 1;
    const foreign = encodeRevocationFile([{ revocation: signRevocation(mallory, subject, NOW) }]);
    for (const wrong of [flipped, foreign, 'X0XR', 'nothing of the kind']) {
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
