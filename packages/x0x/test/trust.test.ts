import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  type Contact,
  Contacts,
  evaluateTrust,
  type IdentityType,
  parseTrustLevel,
  rankOf,
  type TrustLevel,
} from '../src/index.js';
import { failureOf, keysOf, temporaryFolder } from './support.js';

const other = keysOf('other').id;
const [here, elsewhere] = [keysOf('machine').id, keysOf('mallory').id];

const contact = (trustLevel: TrustLevel, identityType: IdentityType, pinned = false): Contact => ({
  agentId: other,
  trustLevel,
  identityType,
  label: undefined,
  addedAt: 0,
  lastSeen: undefined,
  machines: [{ machineId: here, label: undefined, firstSeen: 0, lastSeen: 0, pinned }],
});

describe('trust evaluation, as x0x has it (src/trust.rs lines 91-142)', () => {
  test('no contact is Unknown', () => expect(evaluateTrust(undefined, here)).toBe('Unknown'));

  test.each<[TrustLevel, IdentityType, string, string, string]>([
    // level, type, decision on the machine that is pinned, on another one, and where the machine is not known
    ['blocked', 'anonymous', 'RejectBlocked', 'RejectBlocked', 'RejectBlocked'],
    ['blocked', 'pinned', 'RejectBlocked', 'RejectBlocked', 'RejectBlocked'],
    ['unknown', 'anonymous', 'Unknown', 'Unknown', 'Unknown'],
    ['unknown', 'pinned', 'Accept', 'RejectMachineMismatch', 'RejectMachineMismatch'],
    ['known', 'known', 'AcceptWithFlag', 'AcceptWithFlag', 'AcceptWithFlag'],
    ['known', 'pinned', 'Accept', 'RejectMachineMismatch', 'RejectMachineMismatch'],
    ['trusted', 'trusted', 'Accept', 'Accept', 'Accept'],
    ['trusted', 'pinned', 'Accept', 'RejectMachineMismatch', 'RejectMachineMismatch'],
  ])('%s, %s', (level, type, on, off, unknown) => {
    const known = contact(level, type, type === 'pinned');
    expect([here, elsewhere, undefined].map((machine) => evaluateTrust(known, machine))).toEqual([
      on,
      off,
      unknown,
    ]);
  });

  test('a machine that is listed and not pinned is another one', () => {
    expect(evaluateTrust(contact('trusted', 'pinned'), here)).toBe('RejectMachineMismatch');
  });

  test('levels have an order, and no others', () => {
    const levels: TrustLevel[] = ['blocked', 'unknown', 'known', 'trusted'];
    expect(levels.map(rankOf)).toEqual([0, 1, 2, 3]);
    expect(parseTrustLevel('Trusted')).toBe('trusted');
    for (const wrong of ['', 'friend', 2, null])
      expect(() => parseTrustLevel(wrong)).toThrow('no such trust level');
  });
});

describe('contacts', () => {
  const opened = async () => {
    const path = join(await temporaryFolder(), 'contacts.json');
    return { path, contacts: await Contacts.open(path, () => 1000) };
  };

  test('changes that come together are all kept', async () => {
    const { path, contacts } = await opened();
    const ids = Array.from({ length: 40 }, (_, at) => at.toString(16).padStart(64, '0'));
    await Promise.all(ids.map((id) => contacts.setTrust(id, 'known')));
    expect((await Contacts.open(path)).list()).toHaveLength(40);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a level that names somebody is no longer anonymous; the last pin takes the rule with it', async () => {
    const { contacts } = await opened();
    expect((await contacts.addMachine(other, here)).identityType).toBe('anonymous');
    expect((await contacts.setTrust(other, 'known')).identityType).toBe('known');
    await contacts.addMachine(other, elsewhere, 'Laptop');
    await contacts.pin(other, here);
    expect((await contacts.pin(other, elsewhere)).identityType).toBe('pinned');
    expect((await contacts.unpin(other, here)).identityType).toBe('pinned');
    expect((await contacts.removeMachine(other, elsewhere)).identityType).toBe('known');
    expect((await failureOf(() => contacts.pin(other, elsewhere))).id).toBe('CONTACT_UNKNOWN');
  });

  test('a change that could not be written did not happen, and the next one goes on', async () => {
    const { path, contacts } = await opened();
    await contacts.setTrust(other, 'known');
    const folder = join(path, '..');
    await rename(folder, `${folder}-away`);
    await writeFile(folder, 'no folder');
    await failureOf(() => contacts.setTrust(other, 'blocked'));
    expect(contacts.get(other)?.trustLevel).toBe('known');
    await rm(folder);
    await rename(`${folder}-away`, folder);
    await contacts.setTrust(other, 'trusted');
    expect(await readFile(path, 'utf8')).toContain('"trusted"');
  });
});
