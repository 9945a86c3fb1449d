// A member of a group, to be killed: sends numbered messages, now and then gives itself new keys, and says what it has sent and heard.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, HttpTrustRegistry } from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { MlsClient } from '../dist/index.js';

const [url, path, seed, id, name] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);
const registry = new HttpTrustRegistry({ baseUrl: url });
// The registry knows it: an agent that is put together from its parts registers nothing.
const { Identity } = await import('@private.me/xlink');
const identity = await Identity.fromSeed(Buffer.from(seed, 'hex'));
const agent = new Agent({ identity, registry });
const client = await MlsClient.start({
  agent,
  server: url,
  store: new FileOperationsStore(path, { lockWaitMs: 20_000 }),
  keyPackages: 4,
  onEvent: (event) => {
    if (event.type === 'refused') say(`refused ${event.id}`);
    if (event.type === 'fault')
      say(`fault ${event.error.id ?? event.error} ${event.error.cause?.message ?? ''}`);
  },
});
const group = client.group(id);
group.onMessage(({ data }) => say(`heard ${Buffer.from(data)}`));
/** It is faster than a caller may be. */
async function patiently(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (error.id !== 'TOO_MANY') throw error;
      await pause(200);
    }
  }
}
for (let n = 0; ; n++) {
  const text = `b${name}.${n}`;
  await patiently(() => group.send(Buffer.from(text)));
  say(`sent ${text}`);
  if (n % 3 === 2) await patiently(() => group.rekey());
  await pause(30);
}
