import { Agent, ENVELOPE_TYPE, MemoryTrustRegistry, requestBinding } from '@private.me/xlink';
import { RedisTrustRegistry, redisClientOptions } from '@private.me/xlink/redis';
import { Connection, httpRequest, load } from '../load.mjs';
import { BODY, xlinkCaller } from '../xlink-caller.mjs';

const PATH = '/xlink/orders';

/** So many agents with an identity each, known to the service. */
export async function agentsOf({ did, keys, prefix }, redis, count) {
  const client = await redis.connect(redisClientOptions.ioredis);
  const shared = new RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:` });
  const registry = new MemoryTrustRegistry();
  await registry.register({ did, keys });
  const agents = [];
  for (let i = 0; i < count; i++) {
    const agent = await Agent.quickstart({ registry, maxVersion: 2 });
    await shared.register({ did: agent.did, keys: await agent.keyRecord() });
    agents.push(() => seal(agent, did));
  }
  client.disconnect();
  return agents;
}

async function seal(agent, to) {
  const envelope = await agent.createRequest({
    to,
    request: requestBinding('POST', PATH),
    content: BODY,
    contentType: 'application/json',
  });
  return httpRequest('POST', PATH, { 'Content-Type': ENVELOPE_TYPE }, Buffer.from(JSON.stringify(envelope)));
}

/** All of them at one moment, each over a connection of its own. What is sealed was sealed before: agents have CPUs of their own. */
export async function allAtOnce({ port }, agents) {
  const requests = [];
  for (const make of agents) requests.push(await make());
  const connections = [];
  for (const _ of agents) connections.push(await Connection.open(port));
  const { failed, perSecond } = await load(connections, requests);
  for (const connection of connections) connection.close();
  return { last: (1000 * requests.length) / perSecond, share: 1 - failed / requests.length };
}

/** What the service and a new caller take for a first session, each in ms: CPU of the service, and time until it may be used. */
export async function handshakeCosts(fleet, redis, count) {
  const client = await redis.connect(redisClientOptions.ioredis);
  const shared = new RedisTrustRegistry({ client, keyPrefix: `${fleet.prefix}registry:` });
  const costs = [];
  for (let i = 0; i < count; i++) {
    const cpuBefore = await cpuOf(fleet);
    const start = performance.now();
    await xlinkCaller({
      port: fleet.port,
      registry: new MemoryTrustRegistry(),
      register: (entry) => shared.register(entry),
      sealedAnswers: false,
    });
    costs.push({ time: performance.now() - start, cpu: ((await cpuOf(fleet)) - cpuBefore) / 1000 });
  }
  client.disconnect();
  return costs;
}

const cpuOf = async ({ ask }) => (await ask({})).reduce((sum, { cpu }) => sum + cpu, 0);
