import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Agent, GatewayTransport, HttpTrustRegistry, Identity } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import { transformSync } from 'esbuild';
import { changed } from '../../../../test/support/changed.js';
import {
  agentCarrier,
  HttpPrekeyDirectory,
  type SignalEvent,
  SignalProvider,
} from '../../src/signal/index.js';
import { startIdentityServer, temporaryFolder, until } from './servers.js';
import { afterTest, bytes, idOf, Peer, seedOf, text } from './support.js';

async function startRelay(): Promise<string> {
  const store = await FileRelayStore.open({ path: join(await temporaryFolder(), 'messages.jsonl') });
  const relay = await createRelay({ identity: await Identity.fromSeed(seedOf('relay')), store, open: true });
  const server = createServer(relay.handler).on('upgrade', relay.upgrade).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(async () => {
    server.close();
    await relay.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const SCOPES = ['mesh:signal'];

interface Place {
  readonly server: { readonly url: string; readonly token: string };
  readonly relayUrl: string;
}

async function connect(place: Place, name: string, prekeyPoolSize = 200) {
  const registry = new HttpTrustRegistry({ baseUrl: place.server.url, authToken: place.server.token });
  const transport = new GatewayTransport({ relayUrl: place.relayUrl });
  const made = await Agent.fromSeed({
    seed: seedOf(name),
    registry,
    transport,
    sendScopes: SCOPES,
    receiveScopes: SCOPES,
  });
  if (!made.ok) throw made.error;
  const agent = made.value;
  afterTest(() => agent.dispose());
  const directory = new HttpPrekeyDirectory({ agent, baseUrl: place.server.url });
  const start = async () => {
    const events: SignalEvent[] = [];
    const observers = [(event: SignalEvent) => void events.push(event)];
    const carrier = agentCarrier({ agent });
    const provider = await SignalProvider.start({
      agent,
      directory,
      carrier,
      observers,
      prekeyPoolSize,
      maintenanceMs: 0,
    });
    afterTest(() => provider.close());
    return { provider, events };
  };
  return { agent, directory, start };
}

test('agents talk over a relay, by prekeys from an identity server, one of them being away', async () => {
  const place = { server: await startIdentityServer(), relayUrl: await startRelay() };
  const bobs = await connect(place, 'bob');
  const bob = await bobs.start();
  expect(await bobs.directory.count()).toBe(200);
  const alices = await connect(place, 'alice');
  const alice = await alices.start();
  const target = { did: bobs.agent.did };
  expect(await alice.provider.canReach(target)).toMatchObject({ state: 'offline', why: 'prekeys' });
  const channel = await alice.provider.open(target);
  expect(await bobs.directory.count()).toBe(199);
  await channel.send(bytes('task 1')); // the relay has it; bob does not listen yet
  await channel.send(bytes('task 2'));
  const inbox: string[] = [];
  bob.provider.onChannel((one) =>
    one.onMessage(async (data) => {
      inbox.push(text(data));
      await one.send(bytes(`done ${text(data)}`));
    }),
  );
  const answers: string[] = [];
  channel.onMessage((data) => void answers.push(text(data)));
  await until('the answers', () => answers.length === 2);
  expect([inbox, answers.sort()]).toEqual([
    ['task 1', 'task 2'],
    ['done task 1', 'done task 2'],
  ]);
  await channel.close('done');
  expect(await alice.provider.canReach({ did: changed(alices.agent.did, -1) })).toMatchObject({
    state: expect.stringMatching(/unsupported|unreachable/),
  });
}, 60_000);

test('a stranger cannot drain the prekeys: five an hour, then it gets the last resort, and others their share', async () => {
  const place = { server: await startIdentityServer(), relayUrl: await startRelay() };
  const bobs = await connect(place, 'bob', 20);
  await bobs.start();
  const stranger = await connect(place, 'stranger');
  const got = [];
  for (let n = 0; n < 12; n++) got.push(await stranger.directory.fetch(bobs.agent.did));
  expect(got.map((bundle) => bundle!.oneTime !== undefined)).toEqual(
    Array.from({ length: 12 }, (_, n) => n < 5),
  );
  expect(await bobs.directory.count()).toBe(15);
  const alices = await connect(place, 'alice');
  const alice = await alices.start();
  await alice.provider.open({ did: bobs.agent.did });
  expect(alice.events).toContainEqual(expect.objectContaining({ type: 'session-opened', lastResort: false }));
}, 60_000);

test('a directory that does not answer is SIGNAL_DIRECTORY_FAILED, and unreachable', async () => {
  const place = { server: await startIdentityServer(), relayUrl: await startRelay() };
  const alices = await connect(place, 'alice');
  const alice = await alices.start();
  const gone = new HttpPrekeyDirectory({
    agent: alices.agent,
    baseUrl: 'http://127.0.0.1:9',
    timeoutMs: 2000,
  });
  expect(await idOf(() => gone.count())).toBe('SIGNAL_DIRECTORY_FAILED');
  expect(await alice.provider.canReach({})).toEqual({ state: 'unsupported', why: 'no DID' });
  expect(await idOf(() => alice.provider.open({ did: alices.agent.did }))).toBe('SIGNAL_PEER_UNKNOWN');
  expect(new Peer(alices.agent.did, alice.provider, alice.events).refused).toEqual([]);
}, 60_000);

test('the shortest use of the docs runs as it stands there', async () => {
  const place = { server: await startIdentityServer(), relayUrl: await startRelay() };
  const bobs = await connect(place, 'bob', 10);
  const bob = await bobs.start();
  const inbox: string[] = [];
  bob.provider.onChannel((channel) =>
    channel.onMessage(async (data) => {
      inbox.push(text(data));
      await channel.send(bytes('done'));
    }),
  );
  const docs = readFileSync(new URL('../../docs/signal.md', import.meta.url), 'utf8');
  const folder = await temporaryFolder();
  const code = /```ts\n([\s\S]*?)```/
    .exec(docs)![1]!
    .replace('https://id.example.com', place.server.url)
    .replace('relayUrl: baseUrl', `relayUrl: '${place.relayUrl}'`)
    .replace('mesh-nonces.jsonl', join(folder, 'nonces.jsonl'))
    .replace('mesh-state.jsonl', join(folder, 'state.jsonl'))
    .replace('/var/lib/elsewhere/mesh-revisions.jsonl', join(folder, 'revisions.jsonl'))
    .replace('did:key:z6Mk…', bobs.agent.did);
  const file = new URL(`../../.snippet-${process.pid}.mjs`, import.meta.url); // where packages are found
  afterTest(() => rmSync(file, { force: true }));
  writeFileSync(file, transformSync(code, { loader: 'ts', format: 'esm' }).code);
  const env = { ...process.env, XLINK_TOKEN: place.server.token, XLINK_SEED: '07'.repeat(32) };
  const child = spawn(process.execPath, [fileURLToPath(file)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  afterTest(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const answered = () => {
    if (child.exitCode !== null) throw new Error(said);
    return said.includes('answer 4');
  };
  await until('the answer', answered, 45_000).catch((error: Error) => {
    throw new Error(`${error.message}; it said ${said}, and there came ${inbox}`);
  });
  expect(inbox).toEqual(['task']);
}, 90_000);
