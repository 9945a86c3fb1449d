import { MeshError } from '../../errors/mesh-error.js';

/** Reads a message from front to back. Throws `SIGNAL_MESSAGE_INVALID` where it ends too early. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length); // slice() of a Buffer copies nothing
  }

  /** So many bytes. */
  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MeshError('SIGNAL_MESSAGE_INVALID');
    const part = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  /** Big-endian. */
  u16(): number {
    const [high, low] = this.take(2);
    return high! * 256 + low!;
  }

  /** Big-endian. */
  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }

  /** Big-endian, up to 2^53 - 1. */
  u64(): number {
    const value = this.u32() * 2 ** 32 + this.u32();
    if (!Number.isSafeInteger(value)) throw new MeshError('SIGNAL_MESSAGE_INVALID');
    return value;
  }

  /** Everything that is left. */
  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new MeshError('SIGNAL_MESSAGE_INVALID');
  }
}

/** u8 and u16, big-endian. */
export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
export const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value);
