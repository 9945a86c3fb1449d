// npm run bench [-- --quick]: about four minutes, or 40 seconds. `--smoke` only shows that all of it runs.
import { cpus } from 'node:os';
import { generateIdentity } from '@private.me/xlink';
import { benchAgents } from './agent.mjs';
import { benchAudit } from './audit.mjs';
import { benchHttp } from './http.mjs';
import { benchKeyPath } from './key-path.mjs';
import { benchLoopDelay } from './loop-delay.mjs';
import { benchMessages } from './messages.mjs';
import { benchRefusals } from './refusals.mjs';
import { benchSharing } from './sharing.mjs';
import { benchSignatures } from './signatures.mjs';
import { benchWatching } from './watching.mjs';

const length = ['quick', 'smoke'].find((name) => process.argv.includes(`--${name}`)) ?? 'full';
/** Seconds of a section, or how many of something it makes. */
const lasting = (full, quick, smoke = 0.3) => ({ full, quick, smoke })[length];
const { crypto } = (await generateIdentity()).value;

console.log(
  `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}, ${cpus().length} x ${cpus()[0].model}`,
);
for (const [primitive, implementation] of Object.entries(crypto.implementations))
  console.log(`  ${primitive.padEnd(10)} ${implementation}`);
console.log(`
Absolute numbers depend on the machine and on what else it does; compare the ratios.
Rounds are interleaved in random order; shown are medians, and the 95th percentile in brackets.
`);

console.log('1. Agent: microseconds per message (createEnvelope; receive from JSON bytes)\n');
console.log(await benchAgents(lasting(45, 7)));

console.log('\n2. One Express route, 1 KiB of JSON, over loopback; requests/s with 16 connections\n');
const { text, failed } = await benchHttp(lasting(35, 6));
console.log(text);
console.log('\n3. Watching: microseconds for each v2 request of 1 KiB, and memory\n');
console.log(await benchWatching(lasting(20, 3), lasting(10_000_000, 1_000_000, 10_000)));
console.log('\n4. Sharing: microseconds\n');
console.log(await benchSharing(lasting(30, 8)));
console.log('\n5. Refusals: microseconds of CPU of the server for each; 1 KiB unless it says otherwise\n');
console.log(await benchRefusals(lasting(20, 4)));
console.log('\n6. The key path: microseconds of CPU of the server for each GET of a trivial Express route\n');
console.log(await benchKeyPath(lasting(20, 4)));
console.log('\n7. Signed requests (RFC 9421): microseconds of CPU for each POST of 1 KiB, without HTTP\n');
console.log(await benchSignatures(lasting(20, 4)));
console.log('\n8. Audit log\n');
console.log(await benchAudit(lasting(1_000_000, 50_000, 2000)));
console.log('\n9. Messages over HTTP: microseconds of CPU for each of 1 KB, of both sides together\n');
console.log(await benchMessages(lasting(40, 8)));
console.log(
  '\n10. Delay of the event loop of the server, 1 KiB; medians of the bursts, 1 ms of which is the clock itself\n',
);
console.log(await benchLoopDelay(lasting(30, 6)));
if (failed) {
  console.error('\nSome requests were refused: the numbers of their rows mean nothing.');
  process.exitCode = 1;
}
