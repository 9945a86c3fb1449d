import { describe, expect, test } from '@jest/globals';
import { createKeyRecord } from '@private.me/xlink';
import { parseEntry } from '@private.me/xlink/server';
import { identityOf } from '../support/agents.js';
import { thrownBy } from '../support/results.js';

const alice = await identityOf('alice');
const did = alice.did;
const keys = await createKeyRecord(alice);
const entry = {
  did,
  name: 'Ada',
  keys,
  capabilities: ['c'],
  sendScopes: [],
  receiveScopes: ['r'],
  status: 'revoked',
  revision: 3,
} as const;

test('an entry comes back as it was, frozen through and through', () => {
  const parsed = parseEntry(JSON.stringify(entry), did);
  expect(parsed).toStrictEqual(entry);
  const { keys: own, capabilities, sendScopes, receiveScopes } = parsed;
  expect([parsed, own, capabilities, sendScopes, receiveScopes].every(Object.isFrozen)).toBe(true);
});

describe('what is no entry of the DID is LOOKUP_FAILED, and quotes nothing', () => {
  const changed = (members: object) => JSON.stringify({ ...entry, ...members });
  test.each<[string, string]>([
    ['nothing', ''],
    ['half of it', JSON.stringify(entry).slice(0, -1)],
    ['more of it', `${JSON.stringify(entry)} x`],
    ['null', 'null'],
    ['a number', '5'],
    ['a list', JSON.stringify([entry])],
    ['no members', '{}'],
    ['another DID', changed({ did: 'did:key:z6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP' })],
    ['no status', changed({ status: undefined })],
    ['another status', changed({ status: 'suspended' })],
    ['a name that is no text', changed({ name: 5 })],
    ['scopes that are text', changed({ sendScopes: '*' })],
    ['scopes that are null', changed({ receiveScopes: null })],
    ['scopes that are no texts', changed({ sendScopes: [['*']] })],
    ['keys that are text', changed({ keys: 'x' })],
    ['keys that are null', changed({ keys: null })],
    ['keys of another DID', changed({ keys: { ...keys, did: 'x' } })],
    ['keys with another epoch', changed({ keys: { ...keys, epoch: '5' } })],
    ['keys with half an epoch', changed({ keys: { ...keys, epoch: 0.5 } })],
    ['keys without a signature', changed({ keys: { ...keys, signature: undefined } })],
    ['keys that are numbers', changed({ keys: { ...keys, mlKem768: 5 } })],
    ['no revision that could be', changed({ revision: 0 })],
    ['a negative revision', changed({ revision: -1 })],
    ['half a revision', changed({ revision: 1.5 })],
    ['a revision as text', changed({ revision: '3' })],
    ['a revision beyond counting', changed({ revision: 2 ** 53 })],
    ['null for a revision', changed({ revision: null })],
    ['a member more', changed({ canary: 1 })],
    ['a prototype', JSON.stringify(entry).replace('"name":"Ada"', '"__proto__":{"canary":1}')],
  ])('%s', async (_, text) => {
    const error = await thrownBy(() => parseEntry(text, did));
    expect(error.id).toBe('LOOKUP_FAILED');
    expect(error.cause).toBeInstanceOf(Error);
    expect(JSON.stringify([error, error.message, String(error.cause)])).not.toMatch(/canary|Ada/);
  });
});
