// What makes the discovery documents of the vectors (section 12.6).
import { signDocument } from '../reference/discovery.mjs';
import { identityOf, signRecord } from '../reference/identity.mjs';
import { signSuccession } from '../reference/succession.mjs';
import { EPOCH, fixed, NOW } from '../world.mjs';

export const ORIGIN = 'https://api.example.com';
export const LIFETIME = 300_000;
const HOUR = 3_600_000;

/** The same service, of each version; and others. */
export const services = [1, 2, 3].map((version) => identityOf(fixed('discovery service'), version));
export const [before, former, stranger] = ['before', 'former', 'stranger'].map((name) =>
  identityOf(fixed(`discovery ${name}`), 1),
);

export const recordOf = (identity, more, epoch = EPOCH) => signRecord(identity, epoch, more).record;
export const move = (from, to, more, by) =>
  signSuccession(from, to, { issuedAt: NOW - HOUR, overlapMs: 0 }, more, by).succession;

/** What a service of the version says, unsigned. */
export const contentOf = (identity, more = {}) => ({
  did: identity.did,
  keyRecord: recordOf(identity),
  versions: [1, 2, 3].slice(0, identity.maxVersion),
  mode: 'hybrid',
  acceptsEnvelopes: true,
  hosts: ['api.example.com'],
  endpoints: { enroll: '/.well-known/xlink/enroll', key: '/.well-known/xlink/key' },
  publicPaths: ['/health', '/docs/*'],
  issuedAt: NOW,
  notAfter: NOW + LIFETIME,
  ...more,
});

export const sign = (identity, more, by) => signDocument(identity, contentOf(identity, more), by);
