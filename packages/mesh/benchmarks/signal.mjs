// node packages/mesh/benchmarks/signal.mjs: what a handshake and a message of Signal-style channels cost, both sides together, in one
// process. Medians of interleaved rounds in a random order, warmed; µs of CPU, so that a busy machine counts little. --json prints the
// figures.
import { randomBytes } from 'node:crypto';
import { Agent, MemoryOperationsStore, MemoryTrustRegistry } from '@private.me/xlink';
import { MemoryPrekeyDirectory, SignalProvider } from '../dist/signal/index.js';

const quiet = { maintenanceMs: 0, heartbeatMs: 0, staleMs: 0 };

/** Two agents, joined by a carrier that delivers at once. */
async function pair(options = {}) {
  const registry = new MemoryTrustRegistry();
  const directory = new MemoryPrekeyDirectory();
  const listeners = new Map();
  const peer = async () => {
    const agent = await Agent.quickstart({ registry });
    const carrier = {
      send: (to, message) => listeners.get(to)(agent.did, message),
      onMessage: (listener) => listeners.set(agent.did, listener) && (() => {}),
    };
    const provider = await SignalProvider.start({
      ...{ agent, carrier, directory: directory.as(agent.did), prekeyPoolSize: 200, ...quiet },
      ...options,
      ...(options.state ? { state: options.state(), revisions: new MemoryOperationsStore() } : {}),
    });
    return { agent, provider };
  };
  return [await peer(), await peer()];
}

async function channels(options, bytes) {
  const [alice, bob] = await pair(options);
  const data = new Uint8Array(randomBytes(bytes));
  let received = 0;
  let back;
  bob.provider.onChannel((channel) => {
    back = channel;
    channel.onMessage(() => void received++);
  });
  const there = await alice.provider.open({ did: bob.agent.did });
  there.onMessage(() => void received++);
  await there.send(data);
  const counted = async (sends) => {
    const before = received;
    for (const send of sends) await send();
    if (received - before !== sends.length) throw new Error('a message was lost');
  };
  return {
    oneWay: () => counted([() => there.send(data)]),
    pingPong: () => counted([() => there.send(data), () => back.send(data)]),
  };
}

/** A handshake, the first message and the answer to it, with a one-time key of each kind. */
async function handshakes() {
  const [alice, bob] = await pair();
  let answers = 0;
  bob.provider.onChannel((channel) => channel.onMessage(() => channel.send(new Uint8Array(1))));
  const channel = await alice.provider.open({ did: bob.agent.did });
  channel.onMessage(() => void answers++);
  const one = new Uint8Array(1);
  return async () => {
    await alice.provider.rekey(bob.agent.did);
    await channel.send(one);
    if (answers === 0) throw new Error('no answer');
  };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** Runs all in turns, in another order each round; the median of each, in µs for one call. */
async function measure(works, { rounds, calls }) {
  const took = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    for (const name of Object.keys(works).sort(() => Math.random() - 0.5)) {
      const began = process.cpuUsage();
      for (let call = 0; call < calls; call++) await works[name]();
      const { user, system } = process.cpuUsage(began);
      if (round >= 0) took[name].push((user + system) / calls);
    }
  }
  return Object.fromEntries(Object.entries(took).map(([name, values]) => [name, median(values)]));
}

/** The figures, in µs: `quick` for a test. */
export async function measureSignal({ rounds = 15, calls = 100 } = {}) {
  const plain = await channels({}, 1024);
  const kem = await channels({ kemRatchet: true }, 1024);
  const stored = await channels({ state: () => new MemoryOperationsStore() }, 1024);
  const messages = await measure(
    {
      oneWay: plain.oneWay,
      oneWayWithRevisions: stored.oneWay,
      pingPong: plain.pingPong,
      pingPongWithKemStep: kem.pingPong,
    },
    { rounds, calls },
  );
  const { handshake } = await measure(
    { handshake: await handshakes() },
    { rounds, calls: Math.min(calls, 5) },
  );
  return { node: process.version, handshake, ...messages };
}

const LIBSIGNAL = { oneWay: { 20: 127, 24: 114 }, pingPong: { 20: 271, 24: 270 } };

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const figures = await measureSignal();
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures));
  else {
    const major = Number(process.version.slice(1).split('.')[0]);
    const others = (name) => LIBSIGNAL[name]?.[major < 24 ? 20 : 24];
    console.log(
      `Node ${figures.node}, µs of CPU (median), both sides together, 1 KB; state sealed and written to memory each time`,
    );
    const rows = [
      ['handshake, first message and answer', figures.handshake],
      ['message, one way', figures.oneWay, others('oneWay')],
      ['message, one way, revisions in a second place', figures.oneWayWithRevisions],
      ['message and answer, a turn each', figures.pingPong, others('pingPong')],
      ['the same with a KEM step in each turn', figures.pingPongWithKemStep],
    ];
    for (const [what, us, libsignal] of rows) {
      const rate = Math.round(1e6 / us);
      const beside = libsignal ? `   libsignal ${libsignal} (never stores its state)` : '';
      console.log(`${what.padEnd(48)} ${us.toFixed(0).padStart(7)}  ${String(rate).padStart(6)}/s${beside}`);
    }
  }
  process.exit(0);
}
