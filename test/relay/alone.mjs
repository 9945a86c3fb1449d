// An agent with nothing else in its process that could keep it alive: node alone.mjs send|receive|receive-socket RELAY-URL RELAY-DID
import { Agent, GatewayTransport, MemoryTrustRegistry } from '@private.me/xlink';
import { WebSocket } from 'ws';

const [task, relayUrl, relayDid] = process.argv.slice(2);
let failures = 0;
const transport = new GatewayTransport({
  relayUrl,
  relayDid,
  backoff: () => 100,
  retries: 2,
  onError: () => console.log(`failed ${++failures}`),
  ...(task === 'receive-socket' ? { webSocket: WebSocket } : {}),
  fetch: (...args) => {
    if (task === 'send') console.log(`tried ${++failures}`);
    return fetch(...args);
  },
});
const registry = new MemoryTrustRegistry();
const seed = crypto.getRandomValues(new Uint8Array(32));
const created = await Agent.fromSeed({ seed, registry, transport });
if (!created.ok) throw created.error;
const agent = created.value;
if (task === 'send') {
  const sent = await agent.send({ to: agent.did, payload: 1 });
  console.log(sent.ok ? 'sent' : `not sent: ${sent.error.id}`);
} else {
  agent.onMessage(() => {});
  process.once('SIGTERM', () => agent.dispose());
  console.log('receiving');
}
