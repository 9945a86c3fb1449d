import { FileTrustRegistry } from '@private.me/xlink';
import { told } from '../../support/told.js';
import { writeNumber } from './numbered-writes.js';

// A process that writes to a registry until it is killed, and says what was acknowledged: `writer <path> <first> <did>…`

const [path, first, ...dids] = process.argv.slice(2);
const registry = new FileTrustRegistry({ path: path! });
for (let next = Number(first); ; next += 3) {
  const writes = [next, next + 1, next + 2].map(async (number) => {
    const result = await writeNumber(registry, dids, number);
    if (!result.ok) throw result.error.cause ?? result.error;
    await told(number);
  });
  await Promise.all(writes);
}
