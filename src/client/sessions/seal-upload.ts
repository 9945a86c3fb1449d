import { concat, EMPTY } from '../../crypto/bytes.js';
import { type Content, framePlaintext, isJsonType } from '../../envelope/plaintext.js';
import { encodeFrames, FRAME } from '../../http/answer-frames.js';
import type { PlaintextHash } from '../../session/checkpoint/leaf.js';
import type { MessageCipher } from '../../session/schedule/message-cipher.js';
import { streamOf } from '../../util/stream-of.js';
import type { Upload } from '../upload.js';

type Bytes = Uint8Array<ArrayBuffer>;

/** What handlers get parsed is read whole, so that nobody waits for a part of it. */
export const isReadWhole = (headers: Headers): boolean => isJsonType(headers.get('content-type') ?? '');

/** What is sealed as it comes: its first chunk, and all of it as it travels. */
export interface SealedUpload {
  readonly first: Uint8Array;
  readonly body: ReadableStream<Bytes>;
}

/**
 * Seals the chunks of a body as they come; an empty one says that it was the last. `onEnd` is told the hash of what was sealed, or nothing if the body
 * broke off; more than once then.
 */
export async function sealUpload(
  cipher: MessageCipher,
  from: string,
  { contentType, headers }: Omit<Content, 'bytes'>,
  upload: Upload,
  hash: PlaintextHash | undefined,
  onEnd: (plaintext: Uint8Array | undefined) => void,
): Promise<SealedUpload> {
  const pieces = upload.pieces(isJsonType(contentType));
  const { value: bytes = EMPTY } = await pieces.next();
  const frame = framePlaintext('request', from, { bytes, contentType, headers });
  hash?.more(frame, false);
  const first = await cipher.sealFirst(frame, false);

  async function* frames(): AsyncGenerator<Bytes> {
    let whole: Uint8Array | undefined;
    try {
      yield encoded(FRAME.chunk, first);
      for await (const piece of pieces) {
        hash?.more(piece, false);
        yield encoded(FRAME.chunk, await cipher.seal(piece, false));
      }
      const last = await cipher.seal(EMPTY, true);
      whole = hash?.more(EMPTY, true);
      yield encoded(FRAME.finalChunk, last);
    } finally {
      onEnd(whole);
    }
  }
  const all = frames();
  const cancel = (reason: unknown) => {
    upload.cancel(reason);
    void all.return(undefined).catch(() => {});
    onEnd(undefined); // a generator that was not started yet ends without a word
  };
  return { first, body: streamOf(all, cancel) };
}

/** In memory of its own: a `fetch` may hand it to another thread. */
const encoded = (type: number, bytes: Uint8Array): Bytes => concat(encodeFrames([{ type, bytes }])) as Bytes;
