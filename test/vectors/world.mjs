// Who and when: the same in all vector files.
import { hkdfSha256, identityOf, signRecord, utf8 } from './reference.mjs';

/** 2026-01-01T00:00:00Z in ms. */
export const NOW = 1767225600000;
/** Unix seconds. */
export const EPOCH = 1767225000;

/** 32 bytes (or more) that depend on the label alone. */
export const fixed = (label, length = 32) => hkdfSha256(utf8(label), utf8('xlink test vectors'), length);

const seedFrom = (first) => Uint8Array.from({ length: 32 }, (_, i) => first + i);

export const alice = identityOf(seedFrom(0x00));
export const bob = identityOf(seedFrom(0x20));
export const mallory = identityOf(seedFrom(0x40));
export const carol = identityOf(seedFrom(0x60));
export const dave = identityOf(seedFrom(0x80), 3);

export const SCOPES = ['orders:read', 'orders:write', 'unwanted'];

const entry = (identity, more = {}) => ({
  did: identity.did,
  status: 'active',
  sendScopes: SCOPES,
  keys: signRecord(identity, EPOCH).record,
  ...more,
});

/** Who is who for the receiver: carol is not registered, dave's record lacks an ML-DSA key, erin is revoked. */
export const erin = identityOf(seedFrom(0xa0));
export const registry = [
  entry(alice),
  entry(bob),
  entry(mallory),
  entry(dave, { keys: signRecord(dave, EPOCH, { mlDsa65: undefined }).record }),
  entry(erin, { status: 'revoked' }),
];

export const receiver = {
  seed: bob.seed,
  did: bob.did,
  maxVersion: 3,
  minVersion: 1,
  timestampWindowMs: 30000,
  receiveScopes: ['orders:read', 'orders:write'],
};
