// Discovery documents with one fault each (section 12.6). Where only signing makes the fault, it is signed as well.
import { identityOf } from '../reference/identity.mjs';
import { b64u, utf8 } from '../reference/notation.mjs';
import { fixed, mallory, NOW, weakDid } from '../world.mjs';
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

const INVALID = 'DISCOVERY_FAILED:INVALID';
const OTHER = 'DISCOVERY_FAILED:OTHER_IDENTITY';
const EXPIRED = 'DISCOVERY_FAILED:EXPIRED';
const LONE = '\ud800';

export function badDocuments() {
  const [small, medium, full] = services;
  const cases = [];
  const add = (name, document, error = INVALID, rules = {}) =>
    cases.push({ name, ...rules, document, error });
  const signed = (name, more, error, rules, by) =>
    add(`${name}, properly signed`, sign(small, more, by).document, error, rules);
  noDocuments(add);
  members(add, sign(small, { name: 'Payments', succession: [move(former, small)] }).document);
  signedFaults(signed);
  keys(add, { small, medium, full });
  signatures(add, { small, full });
  time(signed);
  successions(add, signed, small);
  return cases;
}

function noDocuments(add) {
  for (const value of [null, 7, 'text', []]) add(`not an object: ${JSON.stringify(value)}`, value);
  add('empty', {});
}

/** Each member of a signed document taken away, of another type, and changed. */
function members(add, document) {
  const changed = {
    ...{ name: 'Bank', versions: [1, 2], mode: 'observe', acceptsEnvelopes: false },
    ...{ hosts: ['api.example.com', 'evil.example'], endpoints: { enroll: '/mine' }, publicPaths: ['/*'] },
    ...{ issuedAt: NOW - 1, notAfter: NOW + LIFETIME - 1, did: stranger.did },
    succession: [move(former, services[0], { next: utf8('x'.repeat(32)) })],
    signature: `${document.signature.slice(0, -9)}AAAAAAAAA`,
    keyRecord: recordOf(services[0], {}, 0),
  };
  for (const [name, value] of Object.entries(document)) {
    add(`${name}: removed`, { ...document, [name]: undefined });
    add(`${name}: null`, { ...document, [name]: null });
    add(`${name}: wrong type`, { ...document, [name]: typeof value === 'string' ? 7 : String(value) });
    add(`${name}: changed`, { ...document, [name]: changed[name] });
  }
  const { endpoints, publicPaths } = document;
  add('endpoints: one that is not known added', { ...document, endpoints: { ...endpoints, later: '/x' } });
  add('publicPaths: in another order', { ...document, publicPaths: publicPaths.toReversed() });
  add('versions: one twice', { ...document, versions: [1, 1] });
  add('name: empty in place of none', { ...sign(services[0]).document, name: '' });
}

function signedFaults(signed) {
  const [version1] = services;
  signed('name: 257 code points', { name: 'x'.repeat(257) });
  signed('name: with a line feed', { name: 'a\nb' });
  signed('name: with a mark for writing direction', { name: 'a\u202eb' });
  signed('name: with a lone surrogate', { name: `a${LONE}` });
  for (const versions of [[], [1, 1], [0], [4], [1, 2]])
    signed(`versions: ${JSON.stringify(versions)}`, { versions });
  signed('mode: another word', { mode: 'open' });
  signed('hosts: none', { hosts: [] });
  signed('hosts: 65', { hosts: ['api.example.com', ...Array.from({ length: 64 }, (_, n) => `h${n}`)] });
  signed('hosts: one of 1025 characters', { hosts: ['api.example.com', 'h'.repeat(1025)] });
  signed('hosts: with a lone surrogate', { hosts: ['api.example.com', LONE] });
  signed('publicPaths: 1001', { publicPaths: Array.from({ length: 1001 }, () => '/') });
  signed('publicPaths: one of 1025 characters', { publicPaths: ['/'.repeat(1025)] });
  signed('publicPaths: with a lone surrogate', { publicPaths: [`/${LONE}`] });
  for (const path of [
    'relative',
    '//evil.example/e',
    '/\\evil.example/e',
    'https://evil.example/e',
    '/e#x',
    '/e#',
    '',
  ])
    signed(`endpoints: ${JSON.stringify(path)}`, { endpoints: { enroll: path } });
  signed('endpoints: one of 2049 characters', { endpoints: { key: `/${'k'.repeat(2048)}` } });
  signed('endpoints: 33', {
    endpoints: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`e${n}`, '/'])),
  });
  signed('endpoints: a name with a lone surrogate', { endpoints: { [LONE]: '/e' } });
  const hosts = ['example.com', 'other.example.com', 'api.example.com:8443', 'API.EXAMPLE.COM'];
  for (const host of hosts) signed(`hosts: ${host} alone`, { hosts: [host] }, 'DISCOVERY_FAILED:OTHER_HOST');
  signed('read at another port', {}, 'DISCOVERY_FAILED:OTHER_HOST', { origin: `${ORIGIN}:8443` });
  signed('did: with a weak key', { did: weakDid });
  signed('did: that of somebody else, with the record of the service', { did: stranger.did });
  signed('keyRecord: that of somebody else', { keyRecord: recordOf(stranger) });
  signed('keyRecord: with a signature of somebody else', {
    keyRecord: { ...recordOf(version1), signature: recordOf(stranger).signature },
  });
}

/** Keys of the record that are said to be there, are not, or are somebody else's. */
function keys(add, { small, medium, full }) {
  const { document } = sign(full);
  add('version 3 without its ML-DSA signature', { ...document, pqSignature: undefined });
  const stripped = { keyRecord: recordOf(medium), versions: [1, 2] };
  add('version 3 with the record of version 2, unsigned', { ...document, ...stripped });
  add('version 2 with an ML-DSA signature', { ...sign(medium).document, pqSignature: document.pqSignature });
  add('version 1 with an empty ML-DSA signature', { ...sign(small).document, pqSignature: '' });
  const keyRecord = { ...document.keyRecord, pqSignature: undefined };
  add('version 3 with a record that is not co-signed', { ...document, keyRecord });
}

function signatures(add, { small, full }) {
  const by = (name, identity, how) => add(name, sign(identity, {}, how).document);
  by('signed by another key', small, { signer: stranger });
  by('version 3, signed by another Ed25519 key', full, { signer: stranger });
  by('version 3, co-signed by another ML-DSA key', full, { pqSigner: mallory });
  by('label of key records', small, { label: utf8('xlink/1 key-record') });
  by('version 3, co-signed without context', full, { pqContext: new Uint8Array(0) });
  by('version 3, co-signed with the context of key records', full, { pqContext: utf8('xlink/1 key-record') });
  const { document } = sign(small);
  add('signature: of another document', {
    ...document,
    signature: sign(small, { issuedAt: NOW - 1 }).document.signature,
  });
  add('signature: that of the record', { ...document, signature: document.keyRecord.signature });
  add('signature: with padding', { ...document, signature: `${document.signature}=` });
  add('signature: too long', { ...document, signature: b64u(new Uint8Array(65)) });
  const both = sign(full).document;
  add('pqSignature: too short', { ...both, pqSignature: both.pqSignature.slice(0, -4) });
  add('pqSignature: that of the record', { ...both, pqSignature: both.keyRecord.pqSignature });
}

function time(signed) {
  const from = (issuedAt, notAfter) => ({ issuedAt, notAfter });
  signed('good for one millisecond too long', from(NOW, NOW + LIFETIME + 1));
  signed('over before it was made', from(NOW, NOW - 1));
  for (const issuedAt of [-1, 0.5, 2 ** 53]) signed(`issuedAt: ${issuedAt}`, from(issuedAt, NOW));
  signed('notAfter: 2^53', from(2 ** 53 - 1, 2 ** 53));
  signed('over for 300 001 ms', {}, EXPIRED, { now: NOW + 2 * LIFETIME + 1 });
  signed('issued 300 001 ms ahead', {}, EXPIRED, { now: NOW - LIFETIME - 1 });
  signed('of the day before', {}, EXPIRED, { now: NOW + 86_400_000 });
}

function successions(add, signed, small) {
  const [first, last] = [move(before, former), move(former, small)];
  const pinned = { pinnedDid: former.did };
  signed('another DID than the pinned one', {}, OTHER, pinned);
  signed('a chain that the pinned DID is not in', { succession: [last] }, OTHER, { pinnedDid: before.did });
  const byHalf = move(former, small, {}, { from: stranger });
  signed('a succession that the pinned DID did not sign', { succession: [byHalf] }, OTHER, pinned);
  signed('no succession', { succession: [] });
  signed('a succession to somebody else', { succession: [first] });
  signed('successions in the wrong order', { succession: [last, first] });
  signed('a loop of successions', { succession: [move(small, former), last] });
  signed('successions to the service twice', { succession: [last, last] });
  signed('17 successions', { succession: longChain(small) });
  const { document } = sign(small, { succession: [first, last] });
  add('successions cut off after signing', { ...document, succession: [last] }, INVALID, pinned);
  add('successions taken away', { ...document, succession: undefined }, OTHER, pinned);
}

/** One step more than a chain may have. */
function longChain(last) {
  const dids = Array.from({ length: 17 }, (_, n) => identityOf(fixed(`discovery chain ${n}`), 1));
  return dids.map((from, n) => move(from, dids[n + 1] ?? last));
}
