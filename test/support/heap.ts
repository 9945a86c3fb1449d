import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are still reachable: heap and buffers, after garbage was collected. */
export async function reachableBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** How much more is reachable after `work` than before, in bytes. */
export async function growthOf(work: () => Promise<void>): Promise<number> {
  const before = await reachableBytes();
  await work();
  return (await reachableBytes()) - before;
}
