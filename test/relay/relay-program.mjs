// A relay that is killed: node relay-program.mjs FOLDER PORT
import { once } from 'node:events';
import { createServer } from 'node:http';
import { identityFromFile } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';

const [folder, port] = process.argv.slice(2);
const identity = await identityFromFile(`${folder}/identity.pkcs8`);
const store = await FileRelayStore.open({ path: `${folder}/messages.jsonl` });
const relay = await createRelay({
  identity,
  store,
  open: true,
  requestsPerAddress: 100_000_000,
  sendsPerMinute: 1_000_000,
});
const server = createServer(relay.handler).on('upgrade', relay.upgrade);
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');
console.log(`relay ${relay.did} port ${server.address().port}`);
