// Opens the state of an API, keeps what the README keeps of it, and collects the rest. Says how many files are open then.
import { readdir, readlink } from 'node:fs/promises';
import { openFileState } from '../../../src/file.js';

const folder = process.argv[2]!;

async function begin() {
  const { agent, clients, modes, operations } = await openFileState(folder);
  await Promise.all([modes.load(), operations.load('invitation/1')]);
  return { agent, clients };
}

const kept = await begin();
for (let round = 0; round < 5; round++) {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc!();
}
const names = await Promise.all(
  (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
);
console.log(names.filter((name) => name.startsWith(folder)).length, Object.keys(kept).join());
process.exit();
