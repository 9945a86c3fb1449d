// Envelopes passed off as another version or form, and versions that are too low (4.4).
import { envelopeText, SUITE } from '../reference/envelope.mjs';
import { signRecord } from '../reference/identity.mjs';
import { alice, alices, carol, EPOCH, frank, NOW } from '../world.mjs';
import { FORBIDDEN } from './members.mjs';

const MISMATCH = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';
const LOW = 'VERSION_TOO_LOW';
const SHOWN = { versionFloor: 'shown' };

export function relabelled(book) {
  const { version, sealed } = book;
  const bare = JSON.parse(book.minimal.envelope);
  const edit = (name, members, error, settings) =>
    book.refuseEdit(name, envelopeText(members), error, settings);
  const suites = sealed ? SUITE.sealed : SUITE.signedOnly;
  for (const v of [1, 2, 3].filter((v) => v !== version)) {
    const other = { ...bare, version: v, suite: suites[v] };
    const unchanged = relabelError(version, v, sealed);
    const settings = v < version ? SHOWN : {};
    edit(`relabelled version ${v}, members unchanged`, other, unchanged, settings);
    const fitted = {
      ...other,
      kemCiphertext: sealed && v >= 2 ? (bare.kemCiphertext ?? FORBIDDEN.kemCiphertext) : undefined,
      pqSignature: v >= 3 ? (bare.pqSignature ?? FORBIDDEN.pqSignature) : undefined,
    };
    edit(`relabelled version ${v}, members fitted to it`, fitted, MISMATCH, settings);
    if (v < version) edit(`relabelled version ${v}, below the record of the sender`, fitted, LOW);
  }
  const otherForm = {
    ...bare,
    suite: (sealed ? SUITE.signedOnly : SUITE.sealed)[version],
    keyEpoch: sealed ? undefined : 0,
    ephemeralPub: sealed ? undefined : FORBIDDEN.ephemeralPub,
    kemCiphertext: sealed || version < 2 ? undefined : FORBIDDEN.kemCiphertext,
  };
  const passedOff = sealed ? 'ciphertext passed off as signed-only' : 'cleartext passed off as ciphertext';
  edit(passedOff, otherForm, MISMATCH, { allowCleartext: true });
  if (!sealed)
    edit('where only ciphertext is wanted', bare, 'CLEARTEXT_NOT_ALLOWED', { allowCleartext: false });
  if (version === 3)
    edit('pqSignature stripped', { ...bare, pqSignature: undefined }, 'PARSE_FAILED:PQ_SIGNATURE_MISSING');
}

function relabelError(from, to, sealed) {
  if (to === 3)
    return sealed && from === 1 ? 'PARSE_FAILED:MISSING_FIELD' : 'PARSE_FAILED:PQ_SIGNATURE_MISSING';
  if (sealed && from === 1) return 'PARSE_FAILED:MISSING_FIELD';
  if (from === 3 || (sealed && to === 1)) return 'PARSE_FAILED:UNKNOWN_FIELD';
  return MISMATCH;
}

/** Of versions 1 and 2; nothing is above 3. */
export function floorCases(book) {
  const { version } = book;
  if (version === 3) return;
  book.refuseEdit('below the minimum version', book.minimal.envelope, LOW, { minVersion: version + 1 });
  const below = (name, more = {}) => book.make(`floor: ${name}`, { sender: alice, ...more });
  const refuse = (name, made, settings) => book.refuseText(`floor: ${name}`, made.text, LOW, settings);
  const accept = (name, made, settings) => book.accept(`floor: ${name}`, made, settings);

  const record = 'below the record of the sender';
  refuse(record, below(record));
  const first = 'below the record of the sender, where only the versions that were shown count';
  accept(first, below(first), SHOWN);
  const own = 'below the record of the sender, not below what the receiver has';
  accept(own, below(own), { maxVersion: version });

  const higher = book.makeAs(version + 1, 'shown before', { sender: alice });
  const shown = 'after a higher version of the same sender';
  refuse(shown, below(shown), { ...SHOWN, before: [{ envelope: higher.text }] });
  const unread = 'after a higher version of the same sender that was refused for its scope';
  const refused = book.makeAs(version + 1, 'shown, but refused', { sender: alice, scope: 'admin' });
  accept(unread, below(unread), { ...SHOWN, before: [{ envelope: refused.text, error: 'SCOPE_DENIED' }] });
  const another = 'after a higher version of another sender';
  accept(another, below(another, { sender: frank }), { ...SHOWN, before: [{ envelope: higher.text }] });
  if (version === 1) afterOtherRecords(book);
}

/** What was shown without a post-quantum signature key, under records of version 1. */
function afterOtherRecords(book) {
  const sender = alices[1];
  const shown = { envelope: book.makeAs(2, 'above the own record', { sender }).text };
  const newer = signRecord(sender, EPOCH + 1, { x25519: carol.x25519 }).record;
  const refuse = (name, before, error, more) => {
    const { text } = book.make(`floor: ${name}`, { sender, ...more });
    book.refuseText(`floor: ${name}`, text, error, { before });
  };
  refuse('after a version above the own record', [shown], LOW);
  refuse(
    'after a version above the own record, then a new record',
    [shown, { did: sender.did, record: newer }],
    LOW,
  );
  const lacking = { did: sender.did, record: null };
  const order = 'order: key record before floor';
  refuse(order, [shown, lacking], 'KEY_RECORD_DOWNGRADED');
  refuse('order: timestamp before key record', [shown, lacking], 'TIMESTAMP_EXPIRED', {
    timestamp: NOW - 60000,
  });
}
