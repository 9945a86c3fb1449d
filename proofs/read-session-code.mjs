// What sessions hash, sign and derive, part by part, read off the code as in read-code.mjs.
import { bytes, crypto, integer, mark, marked, name, split, text } from './marks.mjs';
import { code } from './read-code.mjs';

/** The name of the suite is a constant: it is marked where it stands. */
const SUITE = code.SESSION_SUITE;

/** Parts of a list behind its label. */
function behind(label, list, ...names) {
  const [first, ...rest] = split(Buffer.from(list));
  if (first !== label) throw new Error(`the label is ${first}`);
  const withSuite = rest.map((part) => (part === SUITE ? mark('suite') : part));
  return ['label', ...name(withSuite, rest.includes(SUITE) ? ['suite', ...names] : names)];
}

const TAG_BYTES = 32;
/** A mark as long as a tag is. */
const tagOf = (one) => Buffer.concat([one, Buffer.alloc(TAG_BYTES - one.length)]);

/** A provider that remembers what it is asked, in order, and answers with marks of its own. */
function recorder() {
  const asked = [];
  const saw = (what, key, input) => {
    asked.push({ what, key: Buffer.from(key).toString('latin1'), input: Buffer.from(input) });
    return bytes(`${what}${asked.length}`);
  };
  const recording = {
    sha256: (input) => {
      asked.push({ what: 'sha256', input: Buffer.from(input) });
      return crypto.sha256(input);
    },
    hmac: (key) => ({ key: Buffer.from(key), tag: (input) => tagOf(saw('hmac', key, input)) }),
    hkdf: (key, info) => saw('hkdf', key, info),
    randomBytes: () => bytes('salt'),
    aes256gcm: {
      seal(key, iv, aad, plaintext) {
        if (Buffer.from(iv).some((byte) => byte !== 0)) throw new Error('an IV that is not zero');
        asked.push({ what: 'seal', key, input: Buffer.from(aad), plaintext: Buffer.from(plaintext) });
        return bytes('sealed');
      },
    },
  };
  return { asked, recording, last: (what) => asked.findLast((one) => one.what === what) };
}

/** HKDF-Expand of one block or two: the info, and the number of the block behind it. */
const infoOf = ({ input }) => {
  if (input.at(-1) !== 1) throw new Error('the number of a block');
  return input.subarray(0, -1);
};

const PARTIES = { sid: bytes('sid'), from: mark('from'), to: mark('to') };

async function master() {
  const { recording, asked } = recorder();
  const secrets = ['kemSecret', 'kemCiphertext', 'x25519Secret', 'callerX25519', 'serviceX25519'];
  const shared = marked([...secrets, 'callerMlKem768'], bytes);
  await code.sessionMaster(recording, PARTIES, { ...shared, offerTranscript: bytes('offer') });
  const [, salt, extract, expand] = asked;
  if (asked.length !== 4 || extract.key !== crypto.sha256(salt.input).toString('latin1'))
    throw new Error('the salt of a session');
  if (expand.key !== tagOf(bytes('hmac3')).toString('latin1'))
    throw new Error('the master is derived from something else');
  const [label] = split(salt.input);
  const ikm = extract.input
    .toString('latin1')
    .replace(label, mark('label'))
    .match(/<.{4}>/g);
  return {
    sessionSalt: behind(label, salt.input, 'offer', 'serviceX25519', 'kemCiphertext', 'sid'),
    sessionIkm: name(ikm, [...Object.keys(shared), 'label']),
    sessionMaster: behind('xlink/1 session master', infoOf(expand), 'from', 'to', 'sid'),
  };
}

const sessionIn = (recording) => code.sessionOf(recording, PARTIES, bytes('master'));

/** The two directions have one list and two labels. */
async function directions() {
  const { recording, asked } = recorder();
  await sessionIn(recording);
  const [request, answer] = asked.map(infoOf);
  const said = behind('xlink/1 session request', request, 'sid');
  if (said.join() !== behind('xlink/1 session answer', answer, 'sid').join()) throw new Error('directions');
  return { sessionDirection: said };
}

async function messages() {
  const { recording, last } = recorder();
  const session = await sessionIn(recording);
  const open = { salt: bytes('salt'), scope: mark('scope'), ...marked(['seq', 'timestamp'], integer) };
  await code.requestDigest(recording, session, open, mark('request'));
  const names = ['from', 'to', 'sid', 'seq', 'salt', 'timestamp', 'scope', 'request'];
  const sessionRequest = behind('xlink/1 session request', last('sha256').input, ...names);
  await code.requestCipher(recording, session, bytes('digest'));
  const sessionKey = behind('xlink/1 session request key', twoBlocks(last('hmac').input), 'digest');
  await code.requestDigest(recording, session, open, mark('request'), 'message');
  const message = behind('xlink/1 session message', last('sha256').input, ...names);
  await code.requestCipher(recording, session, bytes('digest'), 'message');
  const messageKey = behind('xlink/1 session message key', twoBlocks(last('hmac').input), 'digest');
  if (message.join() !== sessionRequest.join() || messageKey.join() !== sessionKey.join())
    throw new Error('requests and messages');
  const tie = marked(['digest', 'tag'], bytes);
  const [answer, refusal] = await Promise.all(
    ['answer', 'refusal'].map(async (kind) => {
      const { recording: own, last: lastOf } = recorder();
      await code.answerCipher(own, await sessionIn(own), tie, kind, bytes('salt'));
      return behind(`xlink/1 session ${kind}`, lastOf('sha256').input, 'digest', 'tag', 'salt');
    }),
  );
  if (answer.join() !== refusal.join()) throw new Error('answers and refusals');
  return { sessionRequest, sessionKey, sessionAnswer: answer };
}

/** The second block has the first one in front, a tag, and the number 2 behind. */
function twoBlocks(input) {
  if (input.at(-1) !== 2) throw new Error('the number of a block');
  if (input.subarray(0, TAG_BYTES).every((byte) => byte === 0)) throw new Error('the block before');
  return input.subarray(TAG_BYTES, -1);
}

/** No mark fits into four bytes: these two numbers are marked where they stand. */
const SHORT = { next: 0x80818283, count: 0x84858687 };
const stateParts = (state) =>
  Object.entries(SHORT)
    .reduce((text, [name, number]) => text.replace(shortText(number), mark(name)), state.toString('latin1'))
    .match(/<.{4}>/g);
const shortText = (number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(number);
  return four.toString('latin1');
};

async function tickets() {
  const { recording, last } = recorder();
  const key = { id: bytes('keyId'), hmac: recording.hmac(bytes('ticketKey')) };
  const state = { ...marked(['sid', 'master'], bytes), ...marked(['from', 'to'], mark), version: 3 };
  const times = marked(['issuedAt', 'notAfter'], integer);
  const signed = { ...SHORT, at: integer('at'), head: bytes('head') };
  await code.sealTicket(recording, key, { ...state, ...times, mark: signed });
  const { input, plaintext } = last('seal');
  const head = (label, list) => {
    const [first, ids, ...more] = split(list);
    if (first !== label || more.length > 0) throw new Error(`the label is ${first}`);
    return ['label', ...name(ids.match(/<.{4}>/g), ['keyId', 'salt'])];
  };
  return {
    ticketAad: head('xlink/1 session ticket', input),
    ticketKey: head('xlink/1 session ticket key', infoOf(last('hmac'))),
    ticketState: name(stateParts(plaintext), [
      ...['sid', 'from', 'to', 'master', 'issuedAt', 'notAfter'],
      ...['next', 'count', 'at', 'head'],
    ]),
  };
}

/** How a service keeps the keys of its tickets where several instances share them. */
async function kept() {
  const { recording, last } = recorder();
  const identity = { did: mark('did'), crypto: recording, privateKey: bytes('seed') };
  const store = { keep: (name) => Promise.reject(new Error(name)) };
  const ring = new code.TicketRing({ identity, clock: () => 600_000, lifetimeMs: 600_000, store });
  await ring.current().catch(() => {});
  if (last('hkdf').key !== mark('seed')) throw new Error('not sealed under the seed');
  const label = 'xlink/1 session ticket kek';
  const named = split(last('seal').input);
  if (named[1] !== `${mark('did')}:1`) throw new Error(`kept under ${named[1]}`);
  return {
    keptKey: behind(label, last('hkdf').input, 'salt'),
    keptAad: ['label', 'did', 'slot'],
  };
}

/** The byte strings of an offer and of a grant. */
function payloads() {
  const offer = marked(['x25519', 'mlKem768'], bytes);
  const grant = marked(['sid', 'x25519', 'kemCiphertext', 'offerHash', 'ticket'], bytes);
  const inOrder = (payload, given) =>
    Object.keys(payload).filter((one) => given[one] && payload[one] === text(one));
  const read = { offer: inOrder(code.offerPayload(offer), offer), grant: [] };
  read.grant = inOrder(code.grantPayload({ ...grant, lifetimeMs: 1, never: [] }), grant);
  for (const [one, given] of Object.entries({ offer, grant }))
    if (read[one].length !== Object.keys(given).length) throw new Error(`the members of an ${one}`);
  return read;
}

/** The members of a checkpoint, behind its format. */
function checkpoint() {
  const given = { ...marked(['sid', 'ticket', 'previous'], bytes), ...marked(['from', 'to'], integer) };
  const { checkpoint: _, ...said } = code.statementPayload({ ...given, leaves: [mark('leaves')] });
  const values = { ...marked(['sid', 'ticket', 'previous'], text), ...marked(['from', 'to'], integer) };
  for (const [one, value] of Object.entries({ ...values, leaves: mark('leaves') }))
    if (String(said[one]) !== String(value)) throw new Error(`${one} of a checkpoint`);
  if (Object.keys(said).length !== 6) throw new Error('the members of a checkpoint');
  return { checkpoint: Object.keys(said) };
}

/** Each list of sessions as the list of its parts. */
export const sessionTranscripts = {
  ...(await master()),
  ...(await directions()),
  ...(await messages()),
  ...(await tickets()),
  ...(await kept()),
  ...payloads(),
  ...checkpoint(),
};
