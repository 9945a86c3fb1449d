import { MeshError } from '../../errors/mesh-error.js';
import { concat, equalBytes, lengthPrefixed } from '../../util/bytes.js';
import type { Kem } from '../crypto/kem.js';
import { agree, type KeyPair, newKeyPair, open, seal } from '../crypto/primitives.js';
import { chainStep, messageKey, rootStep } from './chains.js';
import { encodeHeader, type Header } from './header.js';
import { skipTo, trimmed } from './skipped.js';
import type { RatchetLimits, RatchetState } from './state.js';

/** What a ratchet begins with. */
export interface Beginning {
  /** From the handshake, 32 bytes. */
  readonly secret: Uint8Array;
  readonly associated: Uint8Array;
  readonly kem: boolean;
  readonly now: number;
}

/** Fresh keys of a turn. */
export interface Fresh {
  readonly kem: Kem;
  /** Default: fresh ones. */
  readonly newKeyPair?: () => KeyPair;
}

/** Messages under one ratchet key; a turn begins anew. */
const MAX_NUMBER = 2 ** 32 - 1;
/** Ratchet keys of the peer that are remembered. */
const SEEN = 8;

/** The side that began the handshake: `peer` is the signed prekey of the other one. It can send at once. */
export const beginSending = (
  { secret, associated, kem, now }: Beginning,
  peer: Uint8Array,
): RatchetState => ({
  ...{ kem, associated, root: secret, peer: { public: peer }, previous: 0, skipped: [], seen: [peer] },
  own: { secret: new Uint8Array(32), public: new Uint8Array(32) }, // replaced by the first turn, before it is used
  turnedAt: now,
});

/** The other side: `own` is its signed prekey. */
export const beginReceiving = ({ secret, associated, kem, now }: Beginning, own: KeyPair): RatchetState => ({
  ...{ kem, associated, root: secret, own, previous: 0, skipped: [], seen: [], turnedAt: now },
});

/** Seals a message; `state` is what counts from then on, and has to be written before the message leaves. */
export async function encrypt(
  before: RatchetState,
  plaintext: Uint8Array,
  fresh: Fresh,
): Promise<{ readonly state: RatchetState; readonly header: Uint8Array; readonly sealed: Uint8Array }> {
  const state = before.sending ? before : await turn(before, fresh);
  const { sending, own } = state;
  if (sending!.next >= MAX_NUMBER) throw new MeshError('SIGNAL_TOO_FAR');
  const step = chainStep(sending!.key);
  const { ciphertext } = sending!;
  const header = encodeHeader({
    ...{ key: own.public, previous: state.previous, number: sending!.next },
    ...(own.kem ? { kem: { key: own.kem.public, ...(ciphertext ? { ciphertext } : {}) } } : {}),
  });
  const { key, iv } = messageKey(step.message);
  return {
    state: { ...state, sending: { ...sending!, key: step.chain, next: sending!.next + 1 } },
    header,
    sealed: seal(key, iv, concat(state.associated, lengthPrefixed(header)), plaintext),
  };
}

/** A new ratchet key of our own, and the sending chain that follows from it. */
async function turn(
  state: RatchetState,
  { kem, newKeyPair: make = newKeyPair }: Fresh,
): Promise<RatchetState> {
  const { peer, root } = state;
  if (!peer) throw new MeshError('SIGNAL_UNKNOWN_SESSION'); // who did not begin has to wait for the first message
  const pair = make();
  const own = state.kem ? { ...pair, kem: await kem.newPair() } : pair;
  const toPeer = peer.kem && (await kem.encapsulate(peer.kem));
  if (peer.kem && !toPeer) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  const step = rootStep(root, agreed(pair.secret, peer.public), toPeer?.secret);
  const sending = { key: step.chain, next: 0, ...(toPeer ? { ciphertext: toPeer.ciphertext } : {}) };
  return { ...state, root: step.root, own, sending };
}

/**
 * Opens a message. Throws `SIGNAL_DUPLICATE`, `SIGNAL_TOO_FAR` or `SIGNAL_DECRYPT_FAILED`; what was known before still counts then.
 */
export async function decrypt(
  before: RatchetState,
  header: Header,
  sealed: Uint8Array,
  limits: RatchetLimits,
  now: number,
  kem: Kem,
): Promise<{ readonly state: RatchetState; readonly plaintext: Uint8Array }> {
  if (before.kem !== (header.kem !== undefined)) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  const openWith = (message: Uint8Array): Uint8Array => {
    const { key, iv } = messageKey(message);
    const aad = concat(before.associated, lengthPrefixed(encodeHeader(header)));
    const plaintext = open(key, iv, aad, sealed);
    if (!plaintext) throw new MeshError('SIGNAL_DECRYPT_FAILED');
    return plaintext;
  };
  const late = before.skipped.findIndex(
    ({ chain, number, at }) =>
      number === header.number && now - at < limits.skippedMs && equalBytes(chain, header.key),
  );
  if (late >= 0) {
    const plaintext = openWith(before.skipped[late]!.key);
    return { state: { ...before, skipped: before.skipped.filter((_, at) => at !== late) }, plaintext };
  }
  const isCurrent = before.receiving !== undefined && equalBytes(before.peer!.public, header.key);
  if (!isCurrent && before.seen.some((key) => equalBytes(key, header.key)))
    throw new MeshError('SIGNAL_DUPLICATE');
  const state = isCurrent ? before : await follow(before, header, limits, now, kem);
  if (header.number < state.receiving!.next) throw new MeshError('SIGNAL_DUPLICATE');
  const { chain, skipped } = skipTo(state.receiving!, header.key, header.number, limits, now);
  const step = chainStep(chain.key);
  const plaintext = openWith(step.message);
  return {
    state: {
      ...state,
      receiving: { key: step.chain, next: chain.next + 1 },
      skipped: trimmed([...state.skipped, ...skipped], limits, now),
    },
    plaintext,
  };
}

/** The peer has a new ratchet key: the receiving chain that follows from it. The next message to send begins a turn. */
async function follow(
  before: RatchetState,
  header: Header,
  limits: RatchetLimits,
  now: number,
  kem: Kem,
): Promise<RatchetState> {
  const { receiving, peer, own, root, sending } = before;
  const { sending: _ended, ...state } = before;
  const missing = receiving ? header.previous - receiving.next : 0;
  const late =
    receiving && missing > 0 && missing <= limits.maxJump // a gap that is wider is given up, so that the session goes on
      ? skipTo(receiving, peer!.public, header.previous, limits, now).skipped
      : [];
  const ciphertext = header.kem?.ciphertext;
  if ((own.kem !== undefined) !== (ciphertext !== undefined)) throw new MeshError('SIGNAL_DECRYPT_FAILED');
  const kemSecret = ciphertext && (await kem.decapsulate(own.kem!.seed, ciphertext));
  const step = rootStep(root, agreed(own.secret, header.key), kemSecret);
  return {
    ...state,
    root: step.root,
    peer: { public: header.key, ...(header.kem ? { kem: header.kem.key } : {}) },
    receiving: { key: step.chain, next: 0 },
    previous: sending?.next ?? before.previous,
    skipped: trimmed([...state.skipped, ...late], limits, now),
    seen: [...state.seen, header.key].slice(-SEEN),
    turnedAt: now,
  };
}

function agreed(secret: Uint8Array, peer: Uint8Array): Uint8Array {
  const shared = agree(secret, peer);
  if (!shared) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  return shared;
}
