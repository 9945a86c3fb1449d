// An agent in CommonJS, as a process: without an address it listens and sends everything back, with one it asks and prints the answer.
const { createKeyRecord, Identity, MemoryTrustRegistry } = require('@private.me/xlink');
const { NoiseProvider, SecureMeshRouter } = require('../../dist/index.js'); // require('@private.me/mesh')

async function main([address]) {
  const [server, client] = await Promise.all(
    [1, 2].map((byte) => Identity.fromSeed(new Uint8Array(32).fill(byte))),
  );
  const registry = new MemoryTrustRegistry();
  for (const identity of [server, client])
    await registry.register({ did: identity.did, keys: await createKeyRecord(identity) });
  const noise = new NoiseProvider({ identity: address ? client : server, registry });
  const router = new SecureMeshRouter({ providers: [noise] });
  if (address) {
    const channel = await router.establishChannel(server.did, { addresses: [address] });
    const answer = new Promise((resolve) => channel.onMessage(resolve));
    await channel.send(Buffer.from('hello from require()'));
    process.send(Buffer.from(await answer).toString());
    await router.close();
    process.disconnect();
  } else {
    router.onChannel((channel) => channel.onMessage((data) => channel.send(data)));
    const listener = await noise.listen('tcp://127.0.0.1:0', (channel) => router.accept(channel));
    process.send(listener.address);
    process.once('disconnect', () => process.exit());
  }
}

void main(process.argv.slice(2));
