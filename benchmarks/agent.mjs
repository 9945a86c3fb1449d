import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { primitives } from './primitives.mjs';
import { median, rounds, spread, table } from './stats.mjs';

const SIZES = { '256 B': 256, '1 KiB': 1024, '8 KiB': 8192 };
const BATCH = 10;
const MIN_ROUNDS = 5;

/** Agents against bare primitives for `seconds`, after a quarter of that to warm up. Resolves to a table. */
export async function benchAgents(seconds) {
  const cells = [];
  for (const version of [1, 2, 3]) cells.push(...(await cellsOf(version)));
  const tasks = cells.flatMap(({ ours, bare }) => [...tasksOf(ours), ...tasksOf(bare)]);
  for (const prime of tasks.filter((task) => task.makes)) await prime();
  const run = (time, atLeast) => rounds(time, atLeast, tasks, (task) => task());
  await run(seconds / 4, 1);
  for (const { ours, bare } of cells) for (const side of [ours, bare]) side.times = { send: [], receive: [] };
  await run((seconds * 3) / 4, MIN_ROUNDS);
  return report(cells);
}

/** One pair of agents per version: a receiver refuses less than what a sender has shown before. */
async function cellsOf(version) {
  const registry = new MemoryTrustRegistry();
  const options = { registry, maxVersion: version };
  const [sender, receiver] = await Promise.all([Agent.quickstart(options), Agent.quickstart(options)]);
  return Object.entries(SIZES).map(([size, bytes]) => ({
    version,
    size,
    ours: side(
      () => sender.createEnvelope({ to: receiver.did, payload: payloadOf(bytes), scope: 'orders:write' }),
      (message) => receiver.receive(message),
      (envelope) => Buffer.from(JSON.stringify(envelope)),
      (received) => received.ok && received.value.payload.text.length === bytes - 11,
    ),
    bare: bareSide(version, bytes),
  }));
}

function bareSide(version, bytes) {
  const { send, receive } = primitives(version, bytes);
  return side(
    send,
    receive,
    (message) => message,
    (opened) => opened.length === bytes + 60,
  );
}

/** A value whose JSON takes exactly that many bytes. */
const payloadOf = (bytes) => ({ text: 'x'.repeat(bytes - 11) });

const side = (send, receive, toWire, isGood) => ({
  send,
  receive,
  toWire,
  isGood,
  stock: [],
  times: { send: [], receive: [] },
});

/** What the one task makes the other takes: every message is received once, and shortly after it was made. */
function tasksOf(side) {
  const send = async () => {
    for (let i = 0; i < BATCH; i++) {
      const start = performance.now();
      const pending = side.send();
      const message = pending instanceof Promise ? await pending : pending;
      side.times.send.push((performance.now() - start) * 1000);
      side.stock.push(side.toWire(message));
    }
  };
  const receive = async () => {
    for (const message of side.stock.splice(0, BATCH)) {
      const start = performance.now();
      const pending = side.receive(message);
      const received = pending instanceof Promise ? await pending : pending;
      side.times.receive.push((performance.now() - start) * 1000);
      if (!side.isGood(received)) throw new Error('A message was not received', { cause: received?.error });
    }
  };
  return [Object.assign(send, { makes: true }), receive];
}

function report(cells) {
  const rows = [['', 'agent', 'bare primitives', 'ratio', '']];
  for (const name of ['send', 'receive']) {
    for (const { version, size, ours, bare } of cells) {
      const ratio = median(ours.times[name]) / median(bare.times[name]);
      const target = name === 'receive' && version >= 2 ? 'target 1.5, then 1.2' : '';
      rows.push([
        `${name.padEnd(7)} v${version} ${size}`,
        spread(ours.times[name]),
        spread(bare.times[name]),
        ratio.toFixed(2),
        target,
      ]);
    }
  }
  return table(rows);
}
