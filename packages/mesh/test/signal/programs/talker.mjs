// One who talks, and dies at a given place: argv is a JSON object { folder, bundle, bob, dieAt, after }. What leaves is a line
// `sent HEX` on stdout, what is handed out a line `got TEXT`; what comes is a line of HEX on stdin.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { Agent, MemoryTrustRegistry } from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { SignalProvider } from '../../../dist/signal/index.js';

const { folder, bundle, seeds, dieAt, after } = JSON.parse(process.argv[2]);
const registry = new MemoryTrustRegistry();
const agentOf = async (seed) =>
  (await Agent.fromSeed({ seed: new Uint8Array(Buffer.from(seed, 'hex')), registry })).value;
const [agent, bob] = [await agentOf(seeds.alice), await agentOf(seeds.bob)];

let counted = 0;
let isArmed = false;
function at(place) {
  if (isArmed && place === dieAt && ++counted > after) process.kill(process.pid, 'SIGKILL');
}

/** A file, with places to die in front of a write and behind it. */
function file(name) {
  const store = new FileOperationsStore(join(folder, name));
  return {
    load: (id) => store.load(id),
    remove: (id, version) => store.remove(id, version),
    async save(id, json, version) {
      at(`before ${name}`);
      const saved = await store.save(id, json, version);
      at(`after ${name}`);
      return saved;
    },
  };
}

let take;
const carrier = {
  async send(_, message) {
    at('before sending');
    process.stdout.write(`sent ${Buffer.from(message).toString('hex')}\n`);
    await setImmediate();
    at('after sending');
  },
  onMessage(listener) {
    take = listener;
    return () => {};
  },
};
const directory = { publish: async () => 10, count: async () => 10, fetch: async () => bundle };
const tell = (event) => process.stdout.write(`event ${event.type}\n`);
const provider = await SignalProvider.start({
  ...{ agent, directory, carrier, state: file('state'), revisions: file('revisions') },
  ...{ prekeyPoolSize: 10, maintenanceMs: 0, observers: [tell] },
});
const channel = await provider.open({ did: bob.did });
channel.onMessage((data) => void process.stdout.write(`got ${Buffer.from(data).toString('utf8')}\n`));
createInterface({ input: process.stdin }).on(
  'line',
  (line) => void take(bob.did, new Uint8Array(Buffer.from(line, 'hex'))),
);
isArmed = true;
for (let n = 0; ; n++) {
  await channel.send(new Uint8Array(Buffer.from(`${process.pid} ${n}`)));
  await setImmediate();
}
