// Who and when: the same in all vector files.
import { didOf, identityOf, signRecord } from './reference/identity.mjs';
import { fromHex, hkdfSha256, utf8 } from './reference/notation.mjs';

/** 2026-01-01T00:00:00Z in ms. */
export const NOW = 1767225600000;
/** Unix seconds. */
export const EPOCH = 1767225000;

/** 32 bytes (or more) that depend on the label alone. */
export const fixed = (label, length = 32) => hkdfSha256(utf8(label), utf8('xlink test vectors'), length);

const seedFrom = (first) => Uint8Array.from({ length: 32 }, (_, i) => first + i);
/** A sender of each version, because what is below the version of the own record is refused. */
const ofEachVersion = (seedOf) =>
  Object.fromEntries([1, 2, 3].map((version) => [version, identityOf(seedOf(version), version)]));

export const alice = identityOf(seedFrom(0x00));
export const bob = identityOf(seedFrom(0x20));
export const mallory = identityOf(seedFrom(0x40));
export const carol = identityOf(seedFrom(0x60));
export const dave = identityOf(seedFrom(0x80));
export const erin = identityOf(seedFrom(0xa0));
export const frank = identityOf(seedFrom(0xc0));
export const alices = {
  ...ofEachVersion((version) => fixed(`alice of version ${version}`)),
  3: alice,
};
export const mallories = {
  ...ofEachVersion((version) => fixed(`mallory of version ${version}`)),
  3: mallory,
};
/** A point of order 8, in its usual encoding. */
export const TORSION = fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
/** Anybody can make signatures of such a key. */
export const weakDid = didOf(TORSION);

export const SCOPES = ['orders:read', 'orders:write', 'unwanted'];

const entry = (identity, more = {}) => ({
  did: identity.did,
  status: 'active',
  sendScopes: SCOPES,
  keys: signRecord(identity, EPOCH).record,
  ...more,
});

/**
 * Who is who for the receiver: carol is not registered, dave's record lacks an ML-DSA key, erin is revoked, frank has no
 * record.
 */
export const registry = [
  ...Object.values(alices).map((identity) => entry(identity)),
  ...Object.values(mallories).map((identity) => entry(identity)),
  entry(bob),
  entry(dave, { keys: signRecord(dave, EPOCH, { mlDsa65: undefined }).record }),
  entry(erin, { keys: undefined, status: 'revoked' }),
  entry(frank, { keys: undefined }),
  { did: weakDid, status: 'active', sendScopes: SCOPES },
];

export const receiver = {
  seed: bob.seed,
  did: bob.did,
  maxVersion: 3,
  minVersion: 1,
  versionFloor: 'record',
  timestampWindowMs: 30000,
  receiveScopes: ['orders:read', 'orders:write'],
};
