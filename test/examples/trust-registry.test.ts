import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createKeyRecord } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { idOf } from '../support/results.js';
import { example, temporaryFolder } from './api.js';

const { openDatabase } = await example('database.mjs');
const { SqlTrustRegistry } = await example('trust-registry.mjs');

let folder: string;
let database: ReturnType<typeof openDatabase>;
let registry: InstanceType<typeof SqlTrustRegistry>;
beforeEach(() => {
  folder = temporaryFolder();
  database = openDatabase(folder);
  registry = new SqlTrustRegistry(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const recordOf = async (name: string, epoch: number, version: 1 | 2 = 2) =>
  createKeyRecord(await identityOf(name, version), { epoch });

test('gives back what was registered, once', async () => {
  const keys = await recordOf('ada', 1);
  const entry = { did: keys.did, name: 'Ada', keys, sendScopes: ['orders:read'] };
  expect(registry.lookup(keys.did)).toBeUndefined();
  expect(idOf(await registry.register(entry))).toBe('ok');
  expect(registry.lookup(keys.did)).toEqual({ ...entry, status: 'active' });
  expect(idOf(await registry.register(entry))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
});

test('takes only key records that their DID signed', async () => {
  const [ada, bea] = [await recordOf('ada', 1), await recordOf('bea', 1)];
  expect(idOf(await registry.register({ did: ada.did, keys: bea }))).toBe('KEY_RECORD_INVALID');
  expect(idOf(await registry.register({ did: ada.did, keys: { ...ada, epoch: 2 } }))).toBe(
    'KEY_RECORD_INVALID',
  );
  expect(idOf(await registry.register({ did: 'did:key:z6Mk' }))).toBe('INVALID_DID');
});

test('replaces keys by newer ones, and leaves the rest of the entry alone', async () => {
  const [old, renewed] = [await recordOf('ada', 1, 1), await recordOf('ada', 2)];
  expect(idOf(await registry.updateKeys(old))).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
  await registry.register({ did: old.did, keys: old, sendScopes: ['orders:read'] });
  expect(idOf(await registry.updateKeys({ ...renewed, epoch: 3 }))).toBe('KEY_RECORD_INVALID');
  expect(idOf(await registry.updateKeys(renewed))).toBe('ok');
  expect(registry.lookup(old.did)).toMatchObject({ keys: renewed, sendScopes: ['orders:read'] });
  expect(idOf(await registry.updateKeys(old))).toBe('KEY_RECORD_ROLLED_BACK');
  expect(registry.lookup(old.did)).toMatchObject({ keys: renewed });
});

test('a revoked identity stays revoked, new keys or not', async () => {
  const keys = await recordOf('ada', 1);
  expect(registry.revoke(keys.did)).toBe(false);
  await registry.register({ did: keys.did, keys });
  expect(registry.revoke(keys.did)).toBe(true);
  await registry.updateKeys(await recordOf('ada', 2));
  expect(registry.lookup(keys.did)).toMatchObject({ status: 'revoked' });
});
