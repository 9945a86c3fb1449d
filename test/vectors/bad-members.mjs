import { base64urlnopad } from '@scure/base';
import { b64u, concat, envelopeText } from './reference.mjs';
import {
  flipError,
  flipMember,
  labelText,
  NUMBERS,
  payloadCut,
  removedError,
  TEXT_MEMBERS,
  unusedBitsSet,
} from './text-edits.mjs';
import { alice, bob, fixed } from './world.mjs';

/** Each member changed, and members that do not belong. */
export function memberFaults({ version, sealed, full, minimal, members, names, edited, bare, forbidden }) {
  // Each member: changed, removed, repeated, of another type, in another spelling.
  for (const name of names) {
    const flipped = flipMember(name, members[name]);
    edited(
      `${name}: one bit flipped`,
      envelopeText({ ...members, [name]: flipped.value }),
      flipped.error ?? flipError(name),
    );
    const removed = envelopeText({ ...members, [name]: undefined });
    edited(`${name}: removed`, removed, removedError(name, sealed));
    edited(
      `${name}: given twice`,
      full.envelope.replace(`"${name}":`, `"${name}":${JSON.stringify(members[name])},"${name}":`),
      'PARSE_FAILED:DUPLICATE_FIELD',
    );
    const other = NUMBERS.includes(name) ? String(members[name]) : 7;
    edited(`${name}: wrong type`, envelopeText({ ...members, [name]: other }), 'PARSE_FAILED');
    edited(`${name}: null`, envelopeText({ ...members, [name]: null }), 'PARSE_FAILED:SYNTAX');
    if (NUMBERS.includes(name)) continue;
    edited(
      `${name}: empty text`,
      envelopeText({ ...members, [name]: '' }),
      name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : 'PARSE_FAILED',
    );
    if (TEXT_MEMBERS.includes(name)) continue;
    const value = members[name];
    const spelled = (text) => envelopeText({ ...members, [name]: text });
    edited(
      `${name}: with padding`,
      spelled(`${value}${'='.repeat((4 - (value.length % 4)) % 4 || 4)}`),
      'PARSE_FAILED',
    );
    edited(`${name}: base64 alphabet`, spelled(`+/${value.slice(2)}`), 'PARSE_FAILED');
    edited(
      `${name}: last character cut`,
      spelled(value.slice(0, -1)),
      name === 'payload' ? payloadCut(value) : 'PARSE_FAILED',
    );
    if (value.length % 4 !== 0)
      edited(`${name}: unused bits set`, spelled(unusedBitsSet(value)), 'PARSE_FAILED');
    if (name === 'payload') continue;
    const bytes = base64urlnopad.decode(value);
    edited(`${name}: one byte too short`, spelled(b64u(bytes.slice(0, -1))), 'PARSE_FAILED');
    edited(`${name}: one byte too long`, spelled(b64u(concat(bytes, Uint8Array.of(0)))), 'PARSE_FAILED');
  }

  // Values that no signature can make good.
  const invalid = {
    version: [0, 4, 255],
    suite: ['none', 'ED25519', labelText(version, sealed)],
    from: [
      alice.did.slice(0, -1),
      `${alice.did}a`,
      alice.did.replace('z6Mk', 'z6LS'),
      `${alice.did}#key-1`,
      'did:web:example.com',
    ],
    to: [bob.did.toUpperCase(), bob.did.slice(0, -1)],
    timestamp: [0, 2 ** 53],
    scope: ['-read', 'a b', 'orders:*', 'a'.repeat(129)],
    request: [
      'get /orders',
      'GET',
      'GET ',
      'GET  /orders',
      '/orders',
      ...(version === 1 && sealed ? [`GET /${'a'.repeat(8192)}`] : []),
      `${'A'.repeat(33)} /`,
    ],
    contentType: ['a'.repeat(257)],
  };
  for (const [name, values] of Object.entries(invalid)) {
    for (const value of values) {
      const error = name === 'version' || name === 'suite' ? 'PARSE_FAILED:UNKNOWN_VERSION' : 'PARSE_FAILED';
      const shown = String(value).length > 60 ? `${String(value).length} characters` : value;
      edited(`${name}: ${shown}`, envelopeText({ ...members, [name]: value }), error);
    }
  }

  // Members added after signing.
  const added = {
    request: 'GET /orders',
    contentDigest: b64u(fixed('a digest')),
    contentType: 'text/plain',
    inReplyTo: b64u(fixed('a nonce', 16)),
  };
  for (const [name, value] of Object.entries(added)) {
    edited(
      `${name}: added after signing`,
      envelopeText({ ...bare, [name]: value }),
      name === 'contentType' ? 'PARSE_FAILED:MISSING_FIELD' : 'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      {},
      minimal,
    );
  }
  const moved = { ...members, request: undefined, contentType: members.request };
  edited('request moved to contentType', envelopeText(moved), 'VERIFICATION_FAILED:SIGNATURE_MISMATCH', {
    request: undefined,
    requireRequestBinding: undefined,
  });
  const foreign = {
    unknown: '"colour":"blue"',
    'unknown, with another case': '"From":"x"',
    __proto__: '"__proto__":"x"',
    constructor: '"constructor":"x"',
    toString: '"toString":"x"',
    'key record member': '"epoch":1',
  };
  for (const [name, value] of Object.entries(forbidden)) {
    if (!(name in members)) foreign[`${name}, which this suite does not have`] = `"${name}":"${value}"`;
  }
  for (const [name, member] of Object.entries(foreign)) {
    edited(
      `member ${name}`,
      `{${member},${minimal.envelope.slice(1)}`,
      'PARSE_FAILED:UNKNOWN_FIELD',
      {},
      minimal,
    );
  }
}
