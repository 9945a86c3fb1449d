import { MeshError } from '../../errors/mesh-error.js';
import { concat, u32 } from '../../util/bytes.js';
import { KEM_CIPHERTEXT_BYTES } from '../crypto/kem.js';
import { Reader, u8, u16 } from '../crypto/reader.js';
import type { NamedKeys } from '../prekeys/pool.js';

/** What the first messages of a session carry, until the peer has answered. */
export interface Preamble extends NamedKeys {
  /** Identity key of the sender, 32 bytes. */
  readonly identity: Uint8Array;
  /** What its DID signed about that, 64 bytes. */
  readonly signature: Uint8Array;
  /** Ephemeral X25519 key, 32 bytes. */
  readonly ephemeral: Uint8Array;
  /** Encapsulation to the ML-KEM-768 prekey, 1088 bytes. */
  readonly ciphertext: Uint8Array;
  /** Whether the ratchet of the session has a KEM step in each turn. */
  readonly kemRatchet: boolean;
}

/** One message as it travels. */
export interface WireMessage {
  /** Name of the session, 16 bytes. */
  readonly session: Uint8Array;
  readonly preamble?: Preamble;
  /** Of the ratchet, as it was encoded. */
  readonly header: Uint8Array;
  readonly sealed: Uint8Array;
}

const VERSION = 1;
const PLAIN = 0;
const WITH_PREAMBLE = 1;
const LAST_RESORT = 1;
const ONE_TIME = 2;
const KEM_RATCHET = 4;

export const SESSION_BYTES = 16;

/** Version, kind, session, preamble of 1,225 bytes where there is one, header behind its length, and the ciphertext. */
export function encodeMessage({ session, preamble, header, sealed }: WireMessage): Uint8Array {
  const head = [u8(VERSION), u8(preamble ? WITH_PREAMBLE : PLAIN), session];
  return concat(...head, ...(preamble ? encodePreamble(preamble) : []), u16(header.length), header, sealed);
}

function encodePreamble(preamble: Preamble): Uint8Array[] {
  const flags =
    (preamble.lastResort ? LAST_RESORT : 0) |
    (preamble.oneTime ? ONE_TIME : 0) |
    (preamble.kemRatchet ? KEM_RATCHET : 0);
  const { identity, signature, ephemeral, ciphertext, signedPrekey, kem } = preamble;
  return [u8(flags), u32(signedPrekey), u32(kem), identity, signature, ephemeral, ciphertext];
}

/** Throws `SIGNAL_MESSAGE_INVALID`. */
export function decodeMessage(bytes: Uint8Array): WireMessage {
  const reader = new Reader(bytes);
  const version = reader.u8();
  const kind = reader.u8();
  if (version !== VERSION || kind > WITH_PREAMBLE) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  const session = reader.take(SESSION_BYTES);
  const preamble = kind === WITH_PREAMBLE ? decodePreamble(reader) : undefined;
  const header = reader.take(reader.u16());
  return { session, ...(preamble ? { preamble } : {}), header, sealed: reader.rest() };
}

function decodePreamble(reader: Reader): Preamble {
  const flags = reader.u8();
  if (flags > 7) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  return {
    lastResort: (flags & LAST_RESORT) !== 0,
    oneTime: (flags & ONE_TIME) !== 0,
    kemRatchet: (flags & KEM_RATCHET) !== 0,
    signedPrekey: reader.u32(),
    kem: reader.u32(),
    identity: reader.take(32),
    signature: reader.take(64),
    ephemeral: reader.take(32),
    ciphertext: reader.take(KEM_CIPHERTEXT_BYTES),
  };
}

/** What a message is, inside of the seal. */
export const KINDS = ['data', 'heartbeat', 'heartbeat-answer', 'rekey', 'close'] as const;
export type Kind = (typeof KINDS)[number];

export const encodeContent = (kind: Kind, data: Uint8Array): Uint8Array =>
  concat(u8(KINDS.indexOf(kind)), data);

/** Throws `SIGNAL_MESSAGE_INVALID`. */
export function decodeContent(bytes: Uint8Array): { readonly kind: Kind; readonly data: Uint8Array } {
  const kind = KINDS[bytes[0] ?? KINDS.length];
  if (!kind) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  return { kind, data: bytes.subarray(1) };
}
