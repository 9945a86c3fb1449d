import { setTimeout as wait } from 'node:timers/promises';

const BATCH = 10;
const TARGET = '/orders';
const SCOPE = 'orders:write';
const PAYLOAD = { text: 'x'.repeat(1024 - 11) };

/** What is compared: each cell has one task for each build, which resolves to what one message took: microseconds, and of CPU. */
export async function cellsOf(builds, redis) {
  const cells = [];
  for (const version of [1, 2, 3]) {
    const sides = await Promise.all(builds.map((build) => memorySide(build, version)));
    const cell = (name, task, among = sides) => ({
      name: `v${version} ${name}`,
      pairs: [],
      tasks: among.map(task),
      close: () => Promise.all(among.map(({ close }) => close?.())),
    });
    cells.push(
      cell('send a message', (side) => () => send(side, message)),
      cell('send a request', (side) => () => send(side, request)),
      cell('receive a message', (side) => () => receive(side)),
      cell('receive a request', (side) => () => verify(side)),
      cell(
        'receive a request, Redis',
        (side) => () => verify(side),
        await redisSides(builds, version, redis),
      ),
      cell(
        'receive a request, Redis with clients',
        (side) => () => verify(side),
        await redisSides(builds, version, redis, { clients: true }),
      ),
    );
  }
  return cells;
}

async function memorySide({ xlink }, version) {
  const registry = new xlink.MemoryTrustRegistry();
  return sideOf(xlink, { registry, maxVersion: version });
}

const redisSides = async (builds, version, redis, options) => {
  const sides = builds.map((build, at) => redisSide(build, version, redis, { at, ...options }));
  return Promise.all(sides);
};

let prefixes = 0;

/** All stores over one client, as an API has them. */
export async function redisSide({ xlink, redis: stores }, version, redis, { clients = false, port } = {}) {
  const client = await redis.connect(stores.redisClientOptions.ioredis, port);
  const prefix = `build${prefixes++}:`;
  const registry = new stores.RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:` });
  const nonceStore = new stores.RedisNonceStore({ client, keyPrefix: `${prefix}nonce:` });
  const store = clients ? new stores.RedisClientStore({ client, keyPrefix: `${prefix}clients:` }) : undefined;
  const side = await sideOf(xlink, { registry, nonceStore, maxVersion: version }, store);
  await store?.link(side.caller.did, 'acme');
  await firstAccepted(side);
  return {
    ...side,
    async close() {
      await side.adapter.close(); // what was counted for clients is written
      client.disconnect();
    },
  };
}

/** Nonces date from a moment ago: what was sealed before it is refused. */
async function firstAccepted(side) {
  for (let left = 20; ; left--) {
    await wait(20);
    const { action } = await side.adapter.decide(inbound(side.xlink, await request(side)));
    if (action === 'pass') return;
    if (left === 0) throw new Error('Nothing was accepted');
  }
}

async function sideOf(xlink, options, clients) {
  const api = await xlink.Agent.quickstart(options);
  const caller = await xlink.Agent.quickstart({ registry: options.registry, maxVersion: options.maxVersion });
  const adapter = new xlink.DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    instances: 1,
    legacyKeyValidator: () => null,
    ...(clients ? { clients } : {}),
  });
  return { xlink, api, caller, adapter };
}

const message = ({ caller, api }) => caller.createEnvelope({ to: api.did, payload: PAYLOAD, scope: SCOPE });

/** Older builds make requests with `createEnvelope`, too. */
function request({ xlink, caller, api }) {
  const binding = xlink.requestBinding('POST', TARGET);
  const options = { to: api.did, payload: PAYLOAD, scope: SCOPE, request: binding };
  return caller.createRequest ? caller.createRequest(options) : caller.createEnvelope(options);
}

async function send(side, seal) {
  const taken = stopwatch();
  for (let i = 0; i < BATCH; i++) await seal(side);
  return taken();
}

/** Each message is received once, and shortly after it was made. */
async function receive(side) {
  const wire = await sealed(side, message);
  const taken = stopwatch();
  for (const bytes of wire) {
    const received = await side.api.receive(bytes);
    if (!received.ok) throw new Error('A message was not received', { cause: received.error });
  }
  return taken();
}

async function verify(side) {
  const requests = (await sealed(side, request)).map((bytes) => inboundOf(side.xlink, bytes));
  const taken = stopwatch();
  for (const one of requests) {
    const decision = await side.adapter.decide(one);
    if (decision.action !== 'pass')
      throw new Error('A request was refused', { cause: decision.outcome?.error });
  }
  return taken();
}

async function sealed(side, seal) {
  const wire = [];
  for (let i = 0; i < BATCH; i++) wire.push(Buffer.from(JSON.stringify(await seal(side))));
  return wire;
}

/** For a batch: all threads of the process count, so nothing else may run in it meanwhile. */
function stopwatch() {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const time = (performance.now() - start) * 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { time: time / BATCH, cpu: (user + system) / BATCH };
  };
}

const inbound = (xlink, envelope) => inboundOf(xlink, Buffer.from(JSON.stringify(envelope)));

/** A request with its body at hand, as the adapter sees it. */
const inboundOf = ({ ENVELOPE_TYPE }, body) => ({
  method: 'POST',
  target: TARGET,
  hasBody: true,
  raw: {},
  header: (name) => (name === 'content-type' ? ENVELOPE_TYPE : undefined),
  readBody: async () => body,
});
