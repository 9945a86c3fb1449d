import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { createKeyRecord, type Did, encodeDidKey } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { recordOf } from '../support/forge.js';

export const alice = await identityOf('alice');
export const bob = await identityOf('bob');
export const stranger = (await identityOf('stranger', 1)).did;
export const keysOfAlice = await createKeyRecord(alice, { epoch: 10 });
/** Other keys that Alice signed. */
export const otherKeys = async (epoch: number, name = 'bob') =>
  recordOf(alice, await identityOf(name), epoch);

export const HOSTILE_DIDS = [
  '',
  ' ',
  '*',
  '__proto__',
  'constructor',
  'toString',
  `${alice.did}\n`,
  `${alice.did} `,
  alice.did.toUpperCase(),
  alice.did.slice(0, -1),
  `${alice.did}#key`,
  '../../etc/passwd',
  '..%2f..%2f',
  "' OR '1'='1",
  "'; DROP TABLE entries; --",
  'did:key:z6Mk*',
  'did:key:z6Mk%',
  '\u0000',
  '\ud800',
  'did:web:example.com',
  'x'.repeat(100_000),
];

export const HOSTILE_TEXTS = [
  '',
  '\u0000',
  '\n{"did":"x"}\r\n',
  '"\\',
  '\u2028\u2029',
  '\ud800',
  '😀 ﷽ e\u0301',
  '$1 %s $x {{y}}',
  "'; DROP TABLE entries; --",
  '__proto__',
  'x'.repeat(20_000),
];

export const entryOfAlice = {
  did: alice.did,
  name: 'Alice',
  keys: keysOfAlice,
  capabilities: ['search'],
  sendScopes: ['chat'],
  receiveScopes: ['in'],
} as const;

/**
 * 1 000 DIDs of real keys, made by Node: whole identities would take seconds. The generator exports the public key itself:
 * on Node 20, exporting a generated key afterwards can hang for good (see `crypto/native/classic.ts`).
 */
export const thousandDids = (): Did[] =>
  Array.from({ length: 1000 }, () => {
    const options = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
    const { publicKey } = generateKeyPairSync('ed25519', options as object);
    return encodeDidKey(Buffer.from((publicKey as unknown as JsonWebKey).x!, 'base64url'));
  });

/** What a change says of a DID that is not there. */
export const NOT_THERE = 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY';
