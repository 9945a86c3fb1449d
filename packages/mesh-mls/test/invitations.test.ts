import { expect, test } from '@jest/globals';
import { MemoryOperationsStore } from '@private.me/xlink';
import { Invitations } from '../src/delivery/invitations.js';
import { KeyPackageDirectory } from '../src/delivery/key-packages.js';
import { LIMITS } from '../src/delivery/wire.js';

test('who floods somebody with invitations pushes out its own', async () => {
  const invitations = new Invitations(new MemoryOperationsStore());
  const invite = (by: string, group: string) =>
    invitations.add('did:key:victim', { group, server: 'https://id.example', by, seq: 1 });
  await invite('did:key:friend', 'friends');
  for (let count = 0; count < LIMITS.invitations + 50; count++) await invite('did:key:stranger', `${count}`);
  const waiting = await invitations.list('did:key:victim');
  expect(waiting).toHaveLength(LIMITS.invitations);
  expect(waiting.map(({ group }) => group)).toContain('friends');
});

test('key packages that are refused leave nothing in the store', async () => {
  const store = new MemoryOperationsStore();
  const packages = new KeyPackageDirectory(store, { take: async () => ({ count: 1, resetsAt: 0 }) } as never);
  const publish = (count: number) =>
    packages.publish('did:key:a', 'x25519-aes128', { packages: Array.from({ length: count }, () => 'AA') });
  await publish(LIMITS.keyPackages);
  const before = (await store.list('mls-key-package')).length;
  await expect(publish(5)).rejects.toMatchObject({ id: 'KEY_PACKAGE_INVALID:FULL' });
  await expect(Promise.all([publish(1), publish(1)])).rejects.toMatchObject({
    id: 'KEY_PACKAGE_INVALID:FULL',
  });
  expect((await store.list('mls-key-package')).length).toBe(before);
});
