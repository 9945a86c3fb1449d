// What one offline guess of a password costs who holds the record and all other signals: `node measure/guess-cost.mjs`.
import { randomBytes } from 'node:crypto';
import { DEFAULT_ARGON2 } from '@private.me/xfuse/fusion';
import { nobleArgon2, nodeArgon2, wasmArgon2 } from '../dist/signals/argon2.js';

const costs = { default: DEFAULT_ARGON2, floor: { memoryKiB: 19_456, passes: 2, parallelism: 1 } };
const implementations = {
  'node:crypto': nodeArgon2(),
  'hash-wasm': await wasmArgon2(),
  '@noble/hashes': await nobleArgon2(),
};
const rounds = Number(process.argv[2] ?? 5);

console.log('| argon2id | by | ms a guess | guesses a day and core |\n|---|---|---|---|');
for (const [name, cost] of Object.entries(costs))
  for (const [by, argon2id] of Object.entries(implementations)) {
    if (!argon2id) continue;
    await argon2id(Buffer.from('warm'), randomBytes(16), cost);
    const times = [];
    for (let at = 0; at < rounds; at++) {
      const started = performance.now();
      await argon2id(Buffer.from(`guess ${at}`), randomBytes(16), cost);
      times.push(performance.now() - started);
    }
    // The fastest: an attacker's machine is not busy with other things.
    const ms = Math.min(...times);
    const perDay = Math.round(86_400_000 / ms).toLocaleString('en-US');
    console.log(
      `| ${name}: ${cost.memoryKiB / 1024} MiB, ${cost.passes} passes | ${by} | ${ms.toFixed(0)} | ${perDay} |`,
    );
  }
