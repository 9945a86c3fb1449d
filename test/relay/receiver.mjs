// A recipient behind a relay, to be killed: notes what it was handed, and what it has done, in files.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, GatewayTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { FileNonceStore } from '@private.me/xlink/file';
import { WebSocket } from 'ws';

const { folder, relayUrl, relayDid, seed, entries, socket } = JSON.parse(process.argv[2]);
const registry = new MemoryTrustRegistry();
for (const entry of entries) registry.register(entry);
const transport = new GatewayTransport({
  relayUrl,
  relayDid,
  waitMs: 2000,
  backoff: () => 50,
  ...(socket ? { webSocket: WebSocket } : {}),
});
const nonceStore = await FileNonceStore.open({ path: join(folder, 'nonces.jsonl') });
const created = await Agent.fromSeed({
  seed: Uint8Array.from(seed),
  registry,
  transport,
  nonceStore,
  maxAgeMs: 7 * 86_400_000,
});
if (!created.ok) throw created.error;

const begun = join(folder, 'begun.log');
const done = join(folder, 'done.log');
const known = new Set(existsSync(done) ? readFileSync(done, 'utf8').split('\n') : []);
created.value.onMessage(
  async ({ envelopeId, payload }) => {
    appendFileSync(begun, `${envelopeId}\n`);
    await new Promise((resolve) => setTimeout(resolve, 1)); // somewhere to be killed
    const line = `${envelopeId} ${payload}`;
    if (known.has(line)) return; // done before the process was killed, though that was not noted as received yet
    appendFileSync(done, `${line}\n`);
    known.add(line);
  },
  { onRefused: ({ id }) => appendFileSync(join(folder, 'refused.log'), `${id}\n`) },
);
process.stdout.write('ready\n');
