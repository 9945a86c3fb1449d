import { randomBytes } from 'node:crypto';
import { FileWrappingKeyStore } from '@private.me/xlink/file';

// A process that puts and destroys wrapping keys until it is killed, and says in which order it was acknowledged: `writer <path>`

const store = new FileWrappingKeyStore(process.argv[2]!);
const kept: string[] = [];
for (let number = 0; ; number++) {
  const id = `${process.pid}.${number}`;
  const key = randomBytes(32);
  process.stdout.write(`begin ${id}\n`);
  await store.put(id, key);
  kept.push(id);
  process.stdout.write(`put ${id} ${key.toString('base64url')}\n`);
  if (kept.length < 4) continue;
  const [old] = kept.splice(Math.floor(Math.random() * kept.length), 1);
  process.stdout.write(`end ${old}\n`);
  await store.destroy(old!);
  process.stdout.write(`destroyed ${old}\n`);
}
