/** Shorter pieces come and go without it. */
const WORTH_IT = 16_384;

/** Memory of long pieces of bytes that is used again, for a stream of them that are all about as long. */
export class ReusedMemory {
  /** Made with the first long piece: most answers are short. */
  #out: WeakSet<object> | undefined;
  #free: Uint8Array[] = [];

  /** Memory for so many bytes, with anything in it. */
  readonly take = (length: number): Uint8Array => {
    if (length < WORTH_IT) return new Uint8Array(length);
    const free = this.#free.pop();
    const taken = free && free.length >= length ? free : new Uint8Array(length);
    (this.#out ??= new WeakSet()).add(taken.buffer);
    return taken.subarray(0, length);
  };

  /** Only when nobody reads it any more. What is not out from here is left alone. */
  readonly give = (bytes: Uint8Array): void => {
    if (bytes.length < WORTH_IT) return; // to ask short ones for their `buffer` would make them one
    const { buffer } = bytes;
    if (this.#out?.delete(buffer)) this.#free.push(new Uint8Array(buffer));
  };
}
