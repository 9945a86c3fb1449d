import { told } from '../../support/told.js';
import { FILE_STORES } from './all-stores.js';

// A process that writes 1, 2, 3 … to a store until it is killed, and says what was acknowledged: `writer <store> <path> <width>`

const [name, path, width] = process.argv.slice(2);
const store = await FILE_STORES.find((kind) => kind.name === name)!.open({ path: path! });
const first = (await store.last()) + 1;
for (let next = first; ; next += Number(width)) {
  const writes = Array.from({ length: Number(width) }, async (_, at) => {
    await store.write(next + at);
    await told(next + at);
  });
  await Promise.all(writes);
}
