import { concat } from '../crypto/bytes.js';

/** All bytes of a body, counted as they arrive: beyond `maxBytes` it is dropped and `tooLarge()` thrown. */
export async function readAtMost(
  { body }: Pick<Response | Request, 'body'>,
  maxBytes: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (!reader) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concat(chunks);
    size += value.length;
    if (size > maxBytes) {
      void reader.cancel().catch(() => {});
      throw tooLarge();
    }
    chunks.push(value);
  }
}
