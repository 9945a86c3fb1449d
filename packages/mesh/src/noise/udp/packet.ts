import { concat, u32 } from '../../util/bytes.js';

/** Largest datagram, in bytes: what IPv6 carries everywhere, less room for tunnels. */
export const MAX_DATAGRAM = 1_200;
/** Length of a cookie, in bytes. */
export const COOKIE_LENGTH = 16;
/** Bytes in front of the ciphertext: type, receiver index, number. */
export const DATA_HEADER = 13;
const MAX_FRAGMENTS = 32;

/** First byte of a datagram. */
export const TYPE = { first: 1, second: 2, third: 3, data: 4, cookie: 5 } as const;

/** A piece of a handshake message. */
export interface FragmentPacket {
  readonly type: 1 | 2 | 3;
  /** Of the second and third message: the index that the receiver chose. */
  readonly receiver: number | undefined;
  /** Of the first and second message: the index that the sender chose. */
  readonly sender: number | undefined;
  /** Of the first message; zeros where the sender has none. */
  readonly cookie: Uint8Array | undefined;
  readonly index: number;
  readonly count: number;
  readonly data: Uint8Array;
}

/** Bytes in front of the data of a fragment. */
const HEADER = { 1: 7 + COOKIE_LENGTH, 2: 11, 3: 7 } as const;

/** The datagrams of a handshake message. `head`: the indices, for `first` with the cookie. */
export function fragmentsOf(
  type: 1 | 2 | 3,
  indices: readonly number[],
  message: Uint8Array,
  cookie: Uint8Array = new Uint8Array(),
): Uint8Array[] {
  const room = MAX_DATAGRAM - HEADER[type];
  const count = Math.max(1, Math.ceil(message.length / room));
  return Array.from({ length: count }, (_, index) =>
    concat(
      Uint8Array.of(type),
      ...indices.map(u32),
      Uint8Array.of(index, count),
      cookie,
      message.subarray(index * room, (index + 1) * room),
    ),
  );
}

/** Reads a datagram of the handshake; `undefined` if it is none. */
export function readFragment(packet: Buffer): FragmentPacket | undefined {
  const type = packet[0];
  if (type !== 1 && type !== 2 && type !== 3) return undefined;
  const header = HEADER[type];
  if (packet.length <= header || packet.length > MAX_DATAGRAM) return undefined;
  const at = type === 2 ? 9 : 5;
  const [index, count] = [packet[at]!, packet[at + 1]!];
  if (count === 0 || count > MAX_FRAGMENTS || index >= count) return undefined;
  return {
    type,
    receiver: type === 1 ? undefined : packet.readUInt32BE(1),
    sender: type === 1 ? packet.readUInt32BE(1) : type === 2 ? packet.readUInt32BE(5) : undefined,
    cookie: type === 1 ? packet.subarray(7, header) : undefined,
    index,
    count,
    data: packet.subarray(header),
  };
}

/** Puts one message together. */
export class Assembler {
  readonly #parts: (Uint8Array | undefined)[] = [];
  #missing: number | undefined;

  /** The message once it is whole; the first piece with a number counts. */
  add({ index, count, data }: FragmentPacket): Uint8Array | undefined {
    this.#missing ??= count;
    if (this.#parts.length === 0) this.#parts.length = count;
    if (count !== this.#parts.length || this.#parts[index]) return undefined;
    this.#parts[index] = Uint8Array.from(data);
    this.#missing--;
    return this.#missing === 0 ? concat(...(this.#parts as Uint8Array[])) : undefined;
  }
}
