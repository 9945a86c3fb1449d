import { setTimeout as wait } from 'node:timers/promises';
import { Agent, MemoryTrustRegistry, xlinkFetch } from '@private.me/xlink';
import { RedisTrustRegistry, redisClientOptions } from '@private.me/xlink/redis';
import { median, rounds } from '../stats.mjs';
import { BODY, JSON_TYPE } from '../xlink-caller.mjs';
import { handshakeCosts } from './agents.mjs';

const HANDSHAKES = 5;
const REQUEST = { method: 'POST', headers: JSON_TYPE, body: BODY };

/** One call each, as a program makes it, answer included. */
export async function callsOf(fleet, tokens, redis, apiKey) {
  const base = `http://127.0.0.1:${fleet.port}`;
  const post = async (call, path, headers = {}) => {
    const answer = await call(base + path, { ...REQUEST, headers: { ...JSON_TYPE, ...headers } });
    if (answer.status !== 201)
      throw new Error(`A call was refused (${answer.status}: ${await answer.text()})`);
    await answer.arrayBuffer();
  };
  const ours = async (options) => {
    const call = await callerOf(fleet, redis, base, options);
    return () => post(call, '/xlink/orders');
  };
  const kept = await tokens.token('agent');
  return {
    open: () => post(fetch, '/open/orders'),
    key: () => post(fetch, '/xlink/orders', { 'X-API-Key': apiKey }),
    jwt: () => tokens.order(kept),
    token: () => tokens.token('agent'),
    v2: await ours({ version: 2, session: false }),
    session: await ours({}),
  };
}

async function callerOf({ prefix }, redis, baseUrl, options) {
  const client = await redis.connect(redisClientOptions.ioredis);
  const agent = await Agent.quickstart({
    registry: new MemoryTrustRegistry(),
    maxVersion: options.version ?? 3,
  });
  const shared = new RedisTrustRegistry({ client, keyPrefix: `${prefix}registry:` });
  await shared.register({ did: agent.did, keys: await agent.keyRecord() });
  client.disconnect();
  return xlinkFetch({ agent, baseUrl, sealedAnswers: false, ...options });
}

/** Medians in ms. A proof costs what its call takes more than one without. */
export async function measureCosts(fleet, calls, redis, { seconds }) {
  const times = Object.fromEntries(Object.keys(calls).map((kind) => [kind, []]));
  const run = (time, atLeast) =>
    rounds(time, atLeast, Object.entries(calls), async ([kind, call]) => {
      const start = performance.now();
      await call();
      times[kind].push(performance.now() - start);
    });
  await run(seconds / 4, 5);
  for (const kind of Object.keys(times)) times[kind] = [];
  await run(seconds, 10);
  const call = Object.fromEntries(Object.entries(times).map(([kind, taken]) => [kind, median(taken)]));
  const proof = (kind) => Math.max(0, call[kind] - call.open);
  const handshakes = await handshakeCosts(fleet, redis, HANDSHAKES);
  return {
    call,
    proof: { key: proof('key'), jwt: proof('jwt'), v2: proof('v2'), session: proof('session') },
    handshake: {
      time: median(handshakes.map(({ time }) => time)),
      cpu: median(handshakes.map(({ cpu }) => cpu)),
    },
  };
}

/** Walks of `hops` calls, one after the other, each behind a wait of `rtt` for the network; medians in ms, interleaved. */
export async function measureHops(calls, { hops, walks, rtt }) {
  const each = (kinds) => async () => {
    for (let i = 0; i < hops; i++)
      for (const kind of kinds) {
        await wait(rtt);
        await calls[kind]();
      }
  };
  const walksOf = {
    session: each(['session']),
    v2: each(['v2']),
    jwt: each(['jwt']),
    tokens: each(['token', 'jwt']),
  };
  const times = Object.fromEntries(Object.keys(walksOf).map((kind) => [kind, []]));
  await rounds(0, walks, Object.entries(walksOf), async ([kind, walk]) => {
    const start = performance.now();
    await walk();
    times[kind].push(performance.now() - start);
  });
  return Object.fromEntries(Object.entries(times).map(([kind, taken]) => [kind, median(taken)]));
}
