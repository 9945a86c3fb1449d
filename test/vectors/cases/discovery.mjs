// Discovery documents (section 12.6): good ones, and what a client says to one after another.
import { sha256, utf8 } from '../reference/notation.mjs';
import { EPOCH, NOW } from '../world.mjs';
import { badDocuments } from './bad-documents.mjs';
import {
  before,
  former,
  LIFETIME,
  move,
  ORIGIN,
  recordOf,
  services,
  sign,
  stranger,
} from './document-maker.mjs';

const HOUR = 3_600_000;
const [small, medium, full] = services;

export function discoveryFile() {
  return {
    about: 'Discovery documents, good and bad, and what a client with a memory says to one after another.',
    now: NOW,
    origin: ORIGIN,
    good: goodDocuments(),
    bad: badDocuments(),
    sequences: sequences(),
  };
}

function goodDocuments() {
  const chain = [move(before, former), move(former, small)];
  const cases = [
    ['keys for version 1', small, {}],
    ['keys for version 2', medium, {}],
    ['keys for version 3', full, {}],
    ['version 3 alone', full, { versions: [3] }],
    ['named', small, { name: 'Zahlungen ☃ 𝔸' }],
    ['a name of 256 code points', small, { name: '𝔸'.repeat(256) }],
    ['without endpoints and public paths', small, { endpoints: {}, publicPaths: [] }],
    ['endpoints left out', small, { endpoints: undefined }],
    [
      'an endpoint that nobody knows yet, sorted',
      small,
      { endpoints: { later: 'any text', enroll: '/e?x=1' } },
    ],
    ['names sorted by UTF-16 code units', small, { endpoints: { '\uff5a': '/1', 𝔸: '/2', a: '/3' } }],
    ['keys decide', small, { mode: 'observe', acceptsEnvelopes: false }],
    ['no keys', small, { mode: 'xlink-only' }],
    ['several hosts', small, { hosts: ['other.example', 'api.example.com:8443', 'api.example.com'] }],
    ['another port', small, { hosts: ['api.example.com:8443'] }, { origin: `${ORIGIN}:8443` }],
    ['good for no time', small, { notAfter: NOW }],
    ['not after 300 000 ms ago', small, {}, { now: NOW + 2 * LIFETIME }],
    ['issued 300 000 ms ahead', small, {}, { now: NOW - LIFETIME }],
    ['a record of another key epoch that ends', small, { keyRecord: ofEpoch(small) }],
    ['the pinned DID', small, {}, { pinnedDid: small.did }],
    ['it took the place of the pinned DID', small, { succession: chain }, { pinnedDid: former.did }],
    ['that of the one before', small, { succession: chain }, { pinnedDid: before.did }],
    ['successions that nobody asked for', small, { succession: chain }],
    ['a step that is not needed is not signed', small, ...unneededStep()],
  ];
  return cases.map(([name, identity, more, rules = {}]) => {
    const { document, transcript, mlDsaRandom } = sign(identity, more);
    const randomness = mlDsaRandom && { mlDsaRandom };
    return {
      ...{ name, ...rules, seed: identity.seed, version: identity.maxVersion, randomness },
      ...{ transcript, document },
    };
  });
}

const ofEpoch = (identity) =>
  recordOf(identity, { keyEpoch: 7, notBefore: NOW - HOUR, notAfter: NOW + HOUR, x25519: former.x25519 });

/** Steps before the first one that counts are not verified (3.4). */
const unneededStep = () => [
  { succession: [move(before, former, {}, { from: stranger }), move(former, small)] },
  { pinnedDid: former.did },
];

/** Each step: a document, the error, and the clock of the client where it is not `now`. */
function sequences() {
  const at = (offset, more = {}, identity = small) =>
    sign(identity, { issuedAt: NOW + offset, notAfter: NOW + offset + LIFETIME, ...more }).document;
  const [BACK, OTHER] = ['DISCOVERY_FAILED:ROLLED_BACK', 'DISCOVERY_FAILED:OTHER_IDENTITY'];
  const INVALID = 'DISCOVERY_FAILED:INVALID';
  const SAID = {
    versions: { keyRecord: recordOf(medium), versions: [2] },
    mode: { mode: 'observe' },
    acceptsEnvelopes: { acceptsEnvelopes: false },
    'the enroll endpoint': { endpoints: { key: '/.well-known/xlink/key' } },
    publicPaths: { publicPaths: ['/*'] },
  };
  const whole = { keyRecord: recordOf(medium), versions: [1, 2] };
  const moved = { succession: [move(former, small)] };
  const committed = (next, epoch) => ({
    keyRecord: recordOf(small, { next: sha256(utf8(next.did)) }, epoch),
  });
  const late = { keyRecord: recordOf(small, { x25519: former.x25519 }, EPOCH + 1) };
  const cases = {
    'one after the other': [[at(0)], [at(1)], [at(2)]],
    'an older one that says the same': [[at(1)], [at(0)], [at(1)]],
    'an older one with another name and host': [
      [at(1)],
      [at(0, { name: 'x', hosts: ['api.example.com', 'b'] })],
    ],
    ...Object.fromEntries(
      Object.entries(SAID).map(([name, more]) => [
        `an older one with other ${name}`,
        [[at(1, name === 'versions' ? whole : {})], [at(0, more), BACK]],
      ]),
    ),
    'an older one, after one that said something else': [
      [at(0)],
      [at(2, { mode: 'xlink-only' })],
      [at(1), BACK],
      [at(3)],
    ],
    'another one of the same time': [[at(0)], [at(0, { mode: 'observe' })]],
    'one that is bad changes nothing': [[at(0)], [{ ...at(5), mode: 'observe' }, INVALID], [at(1)]],
    'the own clock was set back': [[at(0)], [at(LIFETIME), undefined, NOW - HOUR]],
    'set back, and too old by the time that is known': [
      [at(HOUR), undefined, NOW + HOUR],
      [at(0), 'DISCOVERY_FAILED:EXPIRED', NOW],
    ],
    'another DID': [[at(0)], [at(1, {}, stranger), OTHER], [at(1)]],
    'a DID that took its place': [[at(0, {}, former)], [at(1, moved)], [at(2)]],
    'the one before it, once more': [[at(0, {}, former)], [at(1, moved)], [at(2, {}, former), OTHER]],
    'the new DID in an older document': [[at(1, {}, former)], [at(0, moved), BACK]],
    'a DID other than the record committed to': [
      [at(0, committed(stranger))],
      [at(1, { succession: [move(small, former)] }, former), OTHER],
    ],
    'a record that commits to another DID': [
      [at(0, committed(stranger))],
      [at(1, committed(former, EPOCH + 1)), 'KEY_RECORD_INVALID'],
    ],
    'an older record': [[at(0, late)], [at(1), 'KEY_RECORD_ROLLED_BACK']],
    'a newer record without the ML-KEM key': [
      [at(0, whole)],
      [at(1, { keyRecord: recordOf(small, {}, EPOCH + 1) }), 'KEY_RECORD_DOWNGRADED'],
    ],
  };
  return Object.entries(cases).map(([name, steps]) => ({
    name,
    steps: steps.map(([document, error, now]) => ({ now, error, document })),
  }));
}
