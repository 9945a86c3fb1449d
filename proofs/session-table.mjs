// What is claimed of sessions.
import { countersigned, isShown, signedByCaller } from './claims/checkpoints.mjs';
import { grantTaken, offerTaken, samePeers, sessionKeys, sessionOpens } from './claims/handshake.mjs';
import {
  kindTaken,
  messageArrives,
  replyTaken,
  requestTaken,
  sessionArrives,
  sessionSecrecy,
} from './claims/sessions.mjs';
import {
  alice,
  bob,
  bothKems,
  bothSignatures,
  claim,
  control,
  ed25519,
  limit,
  mlKem768,
  mutation,
  spare,
  v2,
  v3,
  without,
  x25519,
} from './rows.mjs';
import { masterOf, OPEN, sessionOf } from './sessions.mjs';
import { supersede } from './supersede.mjs';
import { ticketKey } from './tickets.mjs';

const bothLater = { leakedLater: ['alice', 'bob'] };
const caller = { of: ['caller'] };
const service = { of: ['service'] };
const NAMES = ['sessionMaster.from', 'sessionMaster.to'];

const handshakes = [
  control('session opens, version 2', sessionOpens, v2),
  control('session opens, version 3', sessionOpens, v3),

  claim('session keys, version 2, both seeds leaked later', sessionKeys, { ...v2, ...bothLater }),
  claim('session keys, version 2, X25519 broken', sessionKeys, { ...v2, ...x25519 }),
  claim('session keys, version 2, ML-KEM broken', sessionKeys, { ...v2, ...mlKem768 }),
  claim('session keys, version 2, X25519 broken, both seeds leaked later', sessionKeys, {
    ...v2,
    ...x25519,
    ...bothLater,
  }),
  claim('session keys, version 2, ML-KEM broken, both seeds leaked later', sessionKeys, {
    ...v2,
    ...mlKem768,
    ...bothLater,
  }),
  limit('session keys, version 2, both KEMs broken', sessionKeys, { ...v2, ...bothKems }),
  claim('session keys, version 3, Ed25519 and X25519 broken', sessionKeys, {
    ...v3,
    broken: ['ed25519', 'x25519'],
  }),
  limit('session keys, version 2, Ed25519 broken', sessionKeys, { ...v2, ...ed25519 }),
  limit('session keys, version 3, both signatures broken', sessionKeys, { ...v3, ...bothSignatures }),
  limit("session keys of the caller, service's seed leaked during the handshake", sessionKeys, {
    ...v2,
    ...bob,
    ...caller,
  }),
  claim("session keys of the service, service's seed leaked", sessionKeys, { ...v2, ...bob, ...service }),
  limit("session keys of the service, caller's seed leaked during the handshake", sessionKeys, {
    ...v2,
    ...alice,
    ...service,
  }),
  claim("session keys of the caller, caller's seed leaked", sessionKeys, { ...v2, ...alice, ...caller }),
  mutation('session keys, shares not erased, both seeds leaked later', sessionKeys, {
    ...v2,
    ...bothLater,
    keepsShares: true,
  }),
  mutation('session keys of the service, offer not verified', sessionKeys, {
    ...v2,
    ...service,
    checksOffer: false,
  }),
  mutation('session keys of the caller, grant not verified', sessionKeys, {
    ...v2,
    ...caller,
    checksGrant: false,
  }),
  mutation('session keys, scope of offers not checked', sessionKeys, { ...v2, checksScope: false }),
  mutation('session keys, signature without payload', sessionKeys, {
    ...v2,
    ...without('signed.hash_payload'),
  }),
  mutation('session keys, X25519 broken, without the ML-KEM secret', sessionKeys, {
    ...v2,
    ...x25519,
    ...without('sessionIkm.kemSecret'),
  }),
  mutation('session keys, ML-KEM broken, without the X25519 secret', sessionKeys, {
    ...v2,
    ...mlKem768,
    ...without('sessionIkm.x25519Secret'),
  }),
  mutation('session keys, version 3, Ed25519 broken, without co-signatures', sessionKeys, {
    ...v3,
    ...ed25519,
    coSigned: false,
  }),

  claim("session offers are taken as made, version 2, KEMs broken, service's seed leaked", offerTaken, {
    ...v2,
    ...bothKems,
    ...bob,
  }),
  claim('session offers are taken as made, version 3, Ed25519 broken', offerTaken, { ...v3, ...ed25519 }),
  limit("session offers are taken as made, caller's seed leaked", offerTaken, { ...v2, ...alice }),
  mutation('session offers are taken as made, header without to', offerTaken, {
    ...v2,
    ...without('header.to'),
  }),
  claim("session grants are for this offer, version 2, KEMs broken, caller's seed leaked", grantTaken, {
    ...v2,
    ...bothKems,
    ...alice,
  }),
  claim('session grants are for this offer, version 3, Ed25519 broken', grantTaken, { ...v3, ...ed25519 }),
  limit("session grants are for this offer, service's seed leaked", grantTaken, { ...v2, ...bob }),
  mutation('session grants, inReplyTo not checked', grantTaken, { ...v2, checksReply: false }),
  spare('session grants, hash of the offer not checked', grantTaken, { ...v2, checksHash: false }),
  mutation("session grants, hash of the offer not checked, caller's seed leaked", grantTaken, {
    ...v2,
    ...alice,
    checksHash: false,
  }),
  mutation("session grants, without the hash of the offer, caller's seed leaked", grantTaken, {
    ...v2,
    ...alice,
    ...without('grant.offerHash'),
  }),

  claim('session with one pair of peers, both KEMs broken', samePeers, { ...v2, ...bothKems }),
  spare('session with one pair of peers, keys without the names', samePeers, { ...v2, ...without(...NAMES) }),
  spare('session with one pair of peers, keys without the hash of the offer', samePeers, {
    ...v2,
    ...without('sessionSalt.hash_offer'),
  }),
  mutation('session with one pair of peers, keys without names and hash of the offer', samePeers, {
    ...v2,
    ...without(...NAMES, 'sessionSalt.hash_offer'),
  }),
];

const ofSlot = (slot) => ({ leaks: [ticketKey('bob', slot)] });
const another = { leaks: [masterOf(sessionOf('alice', 'bob', 'slot1', 'run2'))] };
const kept = { kept: 'sealed' };
const replies = { replies: true };
const ivAgain = { ivAgain: true };

const tickets = [
  claim('session content, what is kept of ticket keys seen', sessionSecrecy, kept),
  claim('session content, a ticket key of another time leaked', sessionSecrecy, ofSlot('slot2')),
  limit('session content, the ticket key leaked in its time', sessionSecrecy, ofSlot('slot1')),
  claim('session content, ticket key erased: seeds and the next key leaked later', sessionSecrecy, {
    ...ofSlot('slot2'),
    ...bothLater,
  }),
  limit('session content, what was kept seen, and seeds leaked later', sessionSecrecy, {
    ...kept,
    ...bothLater,
  }),
  claim('session content, the keys of another session leaked', sessionSecrecy, another),
  mutation('session content, one ticket key for all times, leaked', sessionSecrecy, {
    ...ofSlot('all'),
    slots: false,
  }),
  mutation('session content, ticket keys kept in the open', sessionSecrecy, { kept: 'open' }),
  claim('session content, no key and IV twice', sessionSecrecy, ivAgain),
  mutation('session content, one key for all tickets of a time', sessionSecrecy, {
    ...ivAgain,
    ...without('ticketKey.salt'),
  }),
];

const messages = [
  control('a request in a session arrives, and the answer', sessionArrives),
  claim('session content, requests and answers', sessionSecrecy, replies),
  claim("session content, a caller's memory set back", sessionSecrecy, { ...ivAgain, setBack: true }),
  mutation("session content, a caller's memory set back, requests without salt", sessionSecrecy, {
    ...ivAgain,
    setBack: true,
    ...without('sessionRequest.salt'),
  }),
  claim('session content, a request answered twice', sessionSecrecy, {
    ...replies,
    ...ivAgain,
    twice: true,
  }),
  mutation('session content, a request answered twice, answers without salt', sessionSecrecy, {
    ...replies,
    ...ivAgain,
    twice: true,
    ...without('sessionAnswer.salt'),
  }),

  claim('session requests, both seeds leaked', requestTaken, { leaked: ['alice', 'bob'] }),
  limit('session requests, the keys of a session leaked', requestTaken, another),
  limit('session requests, a ticket key leaked in its time', requestTaken, ofSlot('slot1')),
  ...OPEN.map((part) =>
    mutation(`session requests, without ${part}`, requestTaken, without(`sessionRequest.${part}`)),
  ),
  ...['label', 'suite', 'from', 'to', 'sid'].map((part) =>
    spare(`session requests, without ${part}`, requestTaken, without(`sessionRequest.${part}`)),
  ),
  mutation('session requests, IV without the final flag', requestTaken, without('chunkIv.final')),

  control('session message arrives', messageArrives),
  claim('session messages are no requests, both seeds leaked', kindTaken, { leaked: ['alice', 'bob'] }),
  limit('session messages are no requests, a ticket key leaked in its time', kindTaken, ofSlot('slot1')),
  mutation(
    'session messages, under the labels of requests',
    kindTaken,
    without('sessionRequest.label', 'sessionKey.label'),
  ),
  ...['sessionRequest', 'sessionKey'].map((list) =>
    spare(`session messages, ${list} under the label of requests`, kindTaken, without(`${list}.label`)),
  ),

  claim('session answers', replyTaken),
  mutation(
    'session answers, without digest and tag of the request',
    replyTaken,
    without('sessionAnswer.digest', 'sessionAnswer.tag'),
  ),
  ...['digest', 'tag'].map((part) =>
    spare(`session answers, without ${part}`, replyTaken, without(`sessionAnswer.${part}`)),
  ),
  mutation('session answers, refusals under the same label', replyTaken, without('sessionAnswer.label')),
  mutation('session answers, IV without the final flag', replyTaken, without('chunkIv.final')),
];

const numbers = [
  claim('session, at most once: copies, and an envelope in the place of the request', supersede),
  claim('session, at most once, slow claims', supersede, { B: 2 }),
  claim('session, at most once, clocks apart', supersede, { SKEW: 2 }),
  claim('session, at most once, the store loses everything', supersede, { ahead: 0, loses: true }),
  limit('session, at most once, the store loses everything, dated after that', supersede, { loses: true }),
  mutation('session, at most once, a claim is kept a second less', supersede, { extra: -1 }),
  mutation('session, at most once, slow claims not allowed for', supersede, { B: 1, extra: 0 }),
  mutation('session, at most once, clocks apart not allowed for', supersede, { SKEW: 1, extra: 0 }),
  mutation('session, at most once, accepted without a claim', supersede, { claims: false }),
  mutation('session, at most once, looking and claiming apart', supersede, { atomic: false }),
  mutation('session, at most once, the envelope does not take the number', supersede, { takes: false }),
  mutation('session, at most once, the envelope may name an old request', supersede, { looks: false }),
  mutation('session, at most once, a store that lost everything goes on', supersede, {
    ahead: 0,
    loses: true,
    cold: false,
  }),
];

/** A service that lies, or was broken into, has everything of its sessions. */
const lyingService = {
  ...v2,
  ...bob,
  leaks: [masterOf(sessionOf('A', 'bob', 'SLOT', 'R')), ticketKey('bob', 'SLOT')],
};
/** A caller that lies. */
const lyingCaller = { ...v2, ...alice };

const checkpoints = [
  control('session checkpoint is shown', isShown, v2),
  claim(
    "session checkpoints are the caller's, all that the service has leaked",
    signedByCaller,
    lyingService,
  ),
  claim("session checkpoints are the caller's, version 3, Ed25519 broken", signedByCaller, {
    ...v3,
    ...ed25519,
  }),
  limit("session checkpoints are the caller's, caller's seed leaked", signedByCaller, lyingCaller),
  limit("session checkpoints are the caller's, version 2, Ed25519 broken", signedByCaller, {
    ...v2,
    ...ed25519,
  }),
  mutation('session checkpoints, target not signed', signedByCaller, { ...v2, ...without('header.request') }),
  mutation('session checkpoints, without leaves', signedByCaller, { ...v2, ...without('checkpoint.leaves') }),
  mutation('session checkpoints, without the session', signedByCaller, {
    ...v2,
    ...without('checkpoint.sid'),
  }),
  mutation('session checkpoints, others do not look at the scope', signedByCaller, {
    ...v2,
    looksAtScope: false,
  }),

  claim(
    'session checkpoints are countersigned in their session, the caller lies',
    countersigned,
    lyingCaller,
  ),
  limit("session checkpoints are countersigned in their session, service's seed leaked", countersigned, {
    ...v2,
    leaked: ['alice', 'bob'],
  }),
  mutation('session checkpoints, the ticket may be of another session', countersigned, {
    ...lyingCaller,
    checksSid: false,
  }),
  mutation('session checkpoints, the ticket may be of another caller', countersigned, {
    ...lyingCaller,
    checksSender: false,
  }),
  mutation('session checkpoints, others do not look at the scope of the answer', countersigned, {
    ...lyingCaller,
    comparesScope: false,
  }),
  spare('session checkpoints, others do not look at inReplyTo', countersigned, {
    ...lyingCaller,
    looksAtReply: false,
  }),
  mutation('session checkpoints, others do not look at the target of the answer', countersigned, {
    ...lyingCaller,
    looksAtTarget: false,
  }),
];

export const sessionTable = [...handshakes, ...tickets, ...messages, ...numbers, ...checkpoints];
