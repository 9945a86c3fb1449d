import { createHash } from 'node:crypto';
import { Identity } from '../../src/identity/identity.js';
import type { Version } from '../../src/types/protocol.js';

/** A seed that is the same in every run, another one for every name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(name).digest());

const identities = new Map<string, Promise<Identity>>();

/** The identity of a name. Made once per file: keys cost more than all else in most tests. */
export function identityOf(name: string, maxVersion: Version = 2): Promise<Identity> {
  const key = `${maxVersion} ${name}`;
  const made = identities.get(key) ?? Identity.fromSeed(seedOf(name), { maxVersion });
  identities.set(key, made);
  return made;
}
