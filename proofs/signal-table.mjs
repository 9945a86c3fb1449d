// What is claimed of Signal-style channels.
import {
  signalAnswered,
  signalArrives,
  signalRecovers,
  signalSecrecy,
  signalTaken,
} from './claims/signal.mjs';
import {
  alice,
  bob,
  bothKems,
  claim,
  control,
  ed25519,
  limit,
  mlKem768,
  mutation,
  spare,
  without,
  x25519,
} from './rows.mjs';
import { lastResortOf, prekeyOf } from './signal.mjs';

const bothLater = { leakedLater: ['alice', 'bob'] };
const lastResort = { oneTime: false };
const kemRatchet = { kemRatchet: true };
/** The signed prekey and the last resort of bob, read while they are kept. */
const prekeysLater = { lateSecrets: [prekeyOf('bob'), lastResortOf('bob')] };
const prekeysNow = { secrets: [prekeyOf('bob'), lastResortOf('bob')] };
const DH = ['identityPrekey', 'ephemeralIdentity', 'ephemeralPrekey', 'ephemeralOneTime'];

const handshakes = [
  control('signal: a first message arrives, and the answer', signalArrives),
  control('signal: the same by the last resort', signalArrives, lastResort),
  control('signal: the same with a KEM step', signalArrives, kemRatchet),

  claim('signal: first message, both seeds leaked later', signalSecrecy, bothLater),
  claim('signal: first message, both seeds and the state of alice read later', signalSecrecy, {
    ...bothLater,
    stateLater: true,
  }),
  claim('signal: first message, X25519 broken', signalSecrecy, x25519),
  claim('signal: first message, ML-KEM broken', signalSecrecy, mlKem768),
  claim('signal: first message, X25519 broken, both seeds leaked later', signalSecrecy, {
    ...x25519,
    ...bothLater,
  }),
  claim('signal: first message, ML-KEM broken, both seeds leaked later', signalSecrecy, {
    ...mlKem768,
    ...bothLater,
  }),
  claim('signal: first message by the last resort, both seeds leaked later', signalSecrecy, {
    ...lastResort,
    ...bothLater,
  }),
  claim("signal: first message, the caller's seed leaked", signalSecrecy, alice),
  claim('signal: first message, one-time keys erased, seeds and prekeys read later', signalSecrecy, {
    ...bothLater,
    ...prekeysLater,
  }),
  limit(
    'signal: first message by the last resort, seeds and prekeys read while they are kept',
    signalSecrecy,
    {
      ...lastResort,
      ...bothLater,
      ...prekeysLater,
    },
  ),
  limit('signal: first message, both KEMs broken', signalSecrecy, bothKems),
  limit("signal: first message, the owner's seed leaked", signalSecrecy, bob),
  limit('signal: first message, Ed25519 broken', signalSecrecy, ed25519),
  mutation('signal: first message, prekeys not verified', signalSecrecy, { checksPrekeys: false }),
  mutation('signal: first message, X25519 broken, without the KEM secret', signalSecrecy, {
    ...x25519,
    ...without('signalSecret.kemSecret'),
  }),
  mutation('signal: first message, ML-KEM broken, without X25519', signalSecrecy, {
    ...mlKem768,
    ...without(...DH.map((one) => `signalSecret.${one}`), 'signalRoot.dh'),
  }),
  mutation(
    'signal: first message, signatures without the key',
    signalSecrecy,
    without('signalPrekey.key', 'signalBatch.root', 'signalPrekey.identity', 'signalBatch.identity'),
  ),
  spare(
    'signal: first message, signatures without the identity key',
    signalSecrecy,
    without('signalPrekey.identity', 'signalBatch.identity'),
  ),

  claim('signal: who begins, ML-KEM broken', signalTaken, mlKem768),
  claim("signal: who begins, the owner's seed leaked", signalTaken, bob),
  claim('signal: who begins, by the last resort', signalTaken, lastResort),
  limit('signal: who begins, X25519 broken', signalTaken, x25519),
  limit("signal: who begins, the caller's seed leaked", signalTaken, alice),
  limit("signal: who begins, the owner's prekeys read while they are current", signalTaken, prekeysNow),
  mutation('signal: who begins, identity key not signed for', signalTaken, { checksIdentity: false }),
  mutation(
    'signal: who begins, without identity key and prekey in the secret',
    signalTaken,
    without('signalSecret.identityPrekey'),
  ),
  mutation(
    'signal: who begins, without names',
    signalTaken,
    without('signalAssociated.caller', 'signalAssociated.owner'),
  ),
  spare(
    'signal: who begins, without the hash of the KEM key',
    signalTaken,
    without('signalAssociated.hash_kemPrekey'),
  ),
  spare(
    'signal: who begins, without the identity keys beside the names',
    signalTaken,
    without('signalAssociated.callerIdentity', 'signalAssociated.ownerIdentity'),
  ),

  claim("signal: answer, the caller's seed leaked", signalAnswered, alice),
  claim('signal: answer, ML-KEM broken', signalAnswered, mlKem768),
  claim('signal: answer, X25519 broken', signalAnswered, x25519),
  limit("signal: answer, the owner's seed leaked", signalAnswered, bob),
  limit('signal: answer, both KEMs broken', signalAnswered, bothKems),
  mutation('signal: answer, prekeys not verified', signalAnswered, { checksPrekeys: false }),
];

const recovery = [
  claim('signal: after a break-in, both have turned', signalRecovers, bothLater),
  claim('signal: after a break-in, with a KEM step', signalRecovers, { ...bothLater, ...kemRatchet }),
  claim('signal: after a break-in, with a KEM step, X25519 broken', signalRecovers, {
    ...bothLater,
    ...kemRatchet,
    ...x25519,
  }),
  claim('signal: after a break-in, with a KEM step, ML-KEM broken', signalRecovers, {
    ...bothLater,
    ...kemRatchet,
    ...mlKem768,
  }),
  limit('signal: after a break-in, before both have turned', signalRecovers, { ...bothLater, says: 'third' }),
  limit('signal: after a break-in, X25519 broken', signalRecovers, { ...bothLater, ...x25519 }),
  limit('signal: after a break-in, who has the keys takes part', signalRecovers, {
    ...bothLater,
    interferes: true,
  }),
  mutation('signal: after a break-in, turns without X25519', signalRecovers, {
    ...bothLater,
    ...without('signalRoot.dh'),
  }),
  mutation(
    'signal: after a break-in, with a KEM step, X25519 broken, without the KEM secret',
    signalRecovers,
    {
      ...bothLater,
      ...kemRatchet,
      ...x25519,
      ...without('signalKemRoot.kemSecret'),
    },
  ),
];

export const signalTable = [...handshakes, ...recovery];
