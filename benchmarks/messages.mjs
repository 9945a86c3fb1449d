// Messages from agent to agent over HTTP: in envelopes of each version and in sessions, sender and receiver in one process.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, HttpsTransportAdapter, MemoryNonceStore, MemoryTrustRegistry } from '@private.me/xlink';
import express from 'express';
import { ratioInterval, rounds, spread, table } from './stats.mjs';

const PAYLOAD = { text: 'x'.repeat(1000) };
const AT_ONCE = 8;
const PER_ROUND = 80;
const MIN_ROUNDS = 8;

async function pair(version, session) {
  const registry = new MemoryTrustRegistry();
  const options = { registry, maxVersion: version, ...(version === 3 ? { postQuantumSig: true } : {}) };
  const nonceStore = new MemoryNonceStore({ coldStart: 'accept', maxEntries: 2 ** 20 });
  const inbox = await Agent.quickstart({ ...options, nonceStore });
  const app = express();
  app.post('/xlink', inbox.middleware({ sessions: true }), (_req, res) => res.status(204).end());
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${server.address().port}/xlink`;
  const transport = new HttpsTransportAdapter({ baseUrl, session });
  const sender = await Agent.quickstart({ ...options, transport });
  const send = async () => {
    const sent = await sender.send({ to: inbox.did, payload: PAYLOAD });
    if (!sent.ok) throw sent.error;
    return sent.value.inSession === true;
  };
  for (let i = 0; i < 2; i++) await send();
  if ((await send()) !== session) throw new Error('not in the form that is measured');
  return { send, close: () => server.close() };
}

/** The same bytes without an agent at either end. */
async function plain() {
  const app = express();
  app.post('/plain', express.json(), (_req, res) => res.status(204).end());
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${server.address().port}/plain`;
  const headers = { 'Content-Type': 'application/json' };
  const send = async () => {
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(PAYLOAD) });
    await answer.text();
  };
  return { send, close: () => server.close() };
}

/** Microseconds of CPU for each message, of both sides together with HTTP. */
export async function benchMessages(seconds) {
  const contenders = {
    'plain HTTP': await plain(),
    'envelopes, version 1': await pair(1, false),
    'envelopes, version 2': await pair(2, false),
    'envelopes, version 3': await pair(3, false),
    'a session, opened in version 2': await pair(2, true),
    'a session, opened in version 3': await pair(3, true),
  };
  const items = Object.entries(contenders).map(([name, { send }]) => ({ name, send, results: [] }));
  const measure = async ({ send, results }) => {
    const started = process.cpuUsage(); // what others do on the machine does not count
    let left = PER_ROUND;
    const worker = async () => {
      while (left-- > 0) await send();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const { user, system } = process.cpuUsage(started);
    results.push((user + system) / PER_ROUND);
  };
  await rounds(seconds / 4, 1, items, measure);
  for (const item of items) item.results = [];
  await rounds((seconds * 3) / 4, MIN_ROUNDS, items, measure);
  for (const { close } of Object.values(contenders)) close();
  const floor = items[4];
  return table([
    ['', 'us', 'of a session of version 2'],
    ...items.map(({ name, results }) => {
      const { ratio, low, high } = ratioInterval(results.map((time, at) => [time, floor.results[at]]));
      return [name, spread(results), `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`];
    }),
  ]);
}

if (process.argv[1]?.endsWith('messages.mjs')) console.log(await benchMessages(40));
