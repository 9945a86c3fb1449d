import { MessageChannel } from 'node:worker_threads';

/** Smaller ones lie in memory that is shared, or are not worth it. */
const WORTH_IT = 16_384;

let nowhere: InstanceType<typeof MessageChannel>['port1'] | undefined;

/**
 * Gives the memory of bytes back at once; they are empty afterwards. Memory that is left to the garbage collector comes back
 * late, for it lies outside the heap: a long answer would leave dozens of megabytes of it.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < WORTH_IT || byteLength !== buffer.byteLength) return;
  const { transfer } = buffer as { transfer?: (length: number) => unknown };
  if (transfer) transfer.call(buffer, 0);
  else toNowhere().postMessage(null, [buffer as ArrayBuffer]); // Node 20
}

/** A port whose other end is closed: what goes there is gone. */
function toNowhere() {
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    port1.unref();
    nowhere = port1;
  }
  return nowhere;
}
