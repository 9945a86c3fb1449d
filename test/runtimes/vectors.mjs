// The vector files that the suite goes through.
import { readFileSync } from 'node:fs';

const FILES = {
  identity: 'identity.json',
  keyRecord: 'key-record.json',
  requestBinding: 'request-binding.json',
  v1: 'v1.json',
  v2: 'v2.json',
  v3: 'v3.json',
  signedOnly: 'signed-only.json',
};

export function readVectors() {
  const read = (file) => JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8'));
  return Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, read(file)]));
}
