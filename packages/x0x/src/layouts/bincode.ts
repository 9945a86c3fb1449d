import { utf8ToBytes } from '@noble/hashes/utils.js';

// bincode 1.3 with fixed integers, little endian: what `bincode::serialize` of Rust writes. Lengths are u64, an Option is a byte
// in front, a variant of an enum a u32.

/** Not in the layout, or longer or shorter than it. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';
}

/** Writes one value after the other. */
export class BincodeWriter {
  readonly #parts: Uint8Array[] = [];

  /** Bytes without a length: fixed arrays, and what is written already. */
  raw(bytes: Uint8Array): this {
    this.#parts.push(Uint8Array.from(bytes));
    return this;
  }

  bool(value: boolean): this {
    return this.raw(Uint8Array.of(value ? 1 : 0));
  }

  u16(value: number): this {
    return this.#number(2, (view) => view.setUint16(0, value, true));
  }

  u32(value: number): this {
    return this.#number(4, (view) => view.setUint32(0, value, true));
  }

  u64(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new LayoutError('no u64');
    return this.#number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  bytes(value: Uint8Array): this {
    return this.u64(value.length).raw(value);
  }

  text(value: string): this {
    return this.bytes(utf8ToBytes(value));
  }

  option<T>(value: T | undefined, write: (value: T) => void): this {
    this.bool(value !== undefined);
    if (value !== undefined) write(value);
    return this;
  }

  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.u64(values.length);
    for (const value of values) write(value);
    return this;
  }

  done(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #number(length: number, set: (view: DataView) => void): this {
    const bytes = new Uint8Array(length);
    set(new DataView(bytes.buffer));
    return this.raw(bytes);
  }
}

/** Reads what {@link BincodeWriter} writes. Throws {@link LayoutError} for anything else, and before it takes memory for it. */
export class BincodeReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  raw(length: number): Uint8Array {
    return this.#bytes.slice(this.#take(length), this.#at);
  }

  bool(): boolean {
    const [byte] = this.raw(1);
    if (byte! > 1) throw new LayoutError('no bool');
    return byte === 1;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new LayoutError('a number above 2^53');
    return Number(value);
  }

  bytes(): Uint8Array {
    return this.raw(this.u64());
  }

  text(): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes());
  }

  option<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }

  /** `least`: bytes that each of them has at least, so that a length alone cannot claim memory. */
  list<T>(least: number, read: () => T): T[] {
    const length = this.u64();
    if (length * least > this.#bytes.length - this.#at) throw new LayoutError('too short');
    return Array.from({ length }, read);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new LayoutError('too long');
  }

  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new LayoutError('too short');
    this.#at = start + length;
    return start;
  }
}

/** Reads all of the bytes. Throws {@link LayoutError}. */
export function readAll<T>(bytes: Uint8Array, read: (reader: BincodeReader) => T): T {
  const reader = new BincodeReader(bytes);
  const value = read(reader);
  reader.end();
  return value;
}

/** `bytes` behind a marker of four letters; `undefined` if they begin in another way. */
export function behindMarker(bytes: Uint8Array, marker: string): Uint8Array | undefined {
  const begins = [...marker].every((letter, at) => bytes[at] === letter.charCodeAt(0));
  return begins && bytes.length >= marker.length ? bytes.subarray(marker.length) : undefined;
}
