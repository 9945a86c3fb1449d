import { concat, put32 } from '../crypto/bytes.js';
import { COMMITMENT_BYTES } from '../crypto/key-schedule.js';
import { MAX_CHUNK_BYTES } from '../envelope/chunks.js';
import { passingMemory } from '../util/passing-memory.js';

/** What a frame of a sealed answer holds. */
export const FRAME = { head: 1, chunk: 2, finalChunk: 3, end: 4, sessionHead: 5 } as const;

export interface Frame {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Bytes in front of each frame: its type, and its length as 32 bits, big-endian. */
const PREFIX_BYTES = 5;
const TAG_BYTES = 16;

/** The longest frame of each type. The first chunk has a commitment, status and headers in front of its content. */
const MAX_BYTES: Readonly<Record<number, number>> = {
  [FRAME.head]: 32_768,
  [FRAME.chunk]: COMMITMENT_BYTES + 2 * MAX_CHUNK_BYTES + TAG_BYTES,
  [FRAME.finalChunk]: COMMITMENT_BYTES + 2 * MAX_CHUNK_BYTES + TAG_BYTES,
  [FRAME.end]: 64 + 3309,
  [FRAME.sessionHead]: 17,
};

/** Frames as they travel, in pieces: nothing of what they hold is copied. */
export const encodeFrames = (frames: readonly Frame[]): Uint8Array[] =>
  frames.flatMap(({ type, bytes }) => [prefixOf(type, bytes.length), bytes]);

function prefixOf(type: number, length: number): Uint8Array {
  const prefix = passingMemory(PREFIX_BYTES);
  prefix[0] = type;
  put32(prefix, 1, length);
  return prefix;
}

/** The frames that bytes are made of; `undefined` if they are not. */
export function framesIn(bytes: Uint8Array): Frame[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + PREFIX_BYTES > bytes.length) return undefined;
    const type = bytes[at]!;
    const length = view.getUint32(at + 1);
    at += PREFIX_BYTES;
    if (length > (MAX_BYTES[type] ?? -1) || at + length > bytes.length) return undefined;
    frames.push({ type, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return frames;
}

/** Reads frames from a stream, and holds no more than one of them. */
export class FrameReader {
  readonly #read: () => Promise<Uint8Array | undefined>;
  #held: Uint8Array[] = [];
  #size = 0;

  /** `read`: the next bytes; `undefined` at the end. */
  constructor(read: () => Promise<Uint8Array | undefined>) {
    this.#read = read;
  }

  /** The next frame: `undefined` at the end, `broken` if the stream ends within it, `malformed` if it is none. */
  async next(): Promise<Frame | undefined | 'broken' | 'malformed'> {
    if (!(await this.#fill(PREFIX_BYTES))) return this.#size === 0 ? undefined : 'broken';
    const prefix = this.#take(PREFIX_BYTES);
    const type = prefix[0]!;
    const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(1);
    if (length > (MAX_BYTES[type] ?? -1)) return 'malformed';
    return (await this.#fill(length)) ? { type, bytes: this.#take(length) } : 'broken';
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#size < length) {
      const bytes = await this.#read();
      if (!bytes) return false;
      this.#held.push(bytes);
      this.#size += bytes.length;
    }
    return true;
  }

  #take(length: number): Uint8Array {
    const all = this.#held.length === 1 ? this.#held[0]! : concat(this.#held);
    this.#held = all.length > length ? [all.subarray(length)] : [];
    this.#size = all.length - length;
    return all.subarray(0, length);
  }
}
