/** Each chunk costs the service a call of its cipher, so their number is bounded by the bytes that their sender had to send. */
const BYTES_PER_CHUNK = 16_384;
/** Who writes as things happen sends small chunks: so many cost no more than a handful of requests. */
const FREE_CHUNKS = 256;

/** Whether a body of this size, as it travels, may be in so many chunks. */
export const mayBeInChunks = (count: number, bytes: number): boolean =>
  count <= FREE_CHUNKS + bytes / BYTES_PER_CHUNK;

/** The same of a body that is still coming, with one more for each second: whether another chunk may come, when so many bytes are there. */
export function chunkPace(): (bytes: number) => boolean {
  const started = performance.now();
  let count = 1; // the first one has come already
  return (bytes) => {
    count += 1;
    return mayBeInChunks(count - (performance.now() - started) / 1000, bytes);
  };
}
