import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  GatewayTransport,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type Result,
} from '@private.me/xlink';
import { WebSocket } from 'ws';
import { type StartedRelay, startRelay } from './program.js';

const seedOf = (name: string) => new Uint8Array(createHash('sha256').update(`cli ${name}`).digest());

function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

// Needs the built packages: `npm run build`.
describe('xlink relay, as a program', () => {
  let folder: string;
  const closers: (() => unknown)[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xlink-cli-'));
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(...args: string[]): Promise<StartedRelay> {
    const who = args.includes('--allow') ? [] : ['--open'];
    const started = await startRelay('--data', join(folder, 'data'), ...who, ...args);
    closers.push(() => started.end('SIGKILL'));
    return started;
  }

  const agentOf = async (name: string, options: AgentOptions) =>
    unwrap(await Agent.fromSeed({ seed: seedOf(name), ...options }));

  test('delivers, keeps its DID and its messages over a restart, and ends in good order', async () => {
    const first = await start();
    expect([first.serves, first.socket]).toEqual(['anybody, within the quotas', 'yes']);
    const registry = new MemoryTrustRegistry();
    const agent = (name: string, relayUrl: string) => {
      const transport = new GatewayTransport({ relayUrl, webSocket: WebSocket, backoff: () => 20 });
      closers.push(() => transport.dispose());
      const nonceStore = new MemoryNonceStore({ coldStart: 'accept' }); // the message is older than this bob
      return agentOf(name, { registry, transport, nonceStore });
    };
    const alice = await agent('alice', first.url);
    const { did: bobDid } = await agent('bob', first.url);
    unwrap(await alice.send({ to: bobDid, payload: 'over a restart' }));
    expect(await first.end('SIGTERM')).toBe(0);
    expect(first.output()).toMatch(/stopped\n$/);

    const second = await start();
    expect(second.did).toBe(first.did);
    const bob = await agent('bob', second.url);
    const payload = await new Promise((resolve) => bob.onMessage((message) => resolve(message.payload)));
    expect(payload).toBe('over a restart');
    expect(await second.end('SIGINT')).toBe(0); // with a socket that is open
    const data = join(folder, 'data');
    for (const name of ['identity.pkcs8', 'messages.jsonl'])
      expect((await stat(join(data, name))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(data, 'messages.jsonl'), 'utf8')).includes('over a restart')).toBe(false);
  });

  test('ends in good order, too, when it is told several times', async () => {
    const relay = await start();
    const agent = await agentOf('alice', { registry: new MemoryTrustRegistry() });
    const transport = new GatewayTransport({ relayUrl: relay.url, webSocket: WebSocket, backoff: () => 20 });
    closers.push(() => transport.dispose());
    const { did: to } = await agentOf('bob', { registry: agent.registry });
    const sends = Array.from({ length: 50 }, async () =>
      transport.send(await agent.createEnvelope({ to, payload: 1 }), to),
    );
    await Promise.race(sends);
    expect(await relay.end('SIGTERM', 'SIGINT')).toBe(0);
    expect(relay.output()).toMatch(/stopped\n$/);
    await Promise.all(sends);
  });

  test('serves those on its list only, within the quotas it is given', async () => {
    const registry = new MemoryTrustRegistry();
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => agentOf(name, { registry })),
    );
    const allow = join(folder, 'allow');
    await writeFile(allow, `${alice!.did} # one\n${bob!.did}\n`);
    const relay = await start('--allow', allow, '--sender-messages', '1');
    expect(relay.serves).toBe('2 DIDs');
    const transport = new GatewayTransport({ relayUrl: relay.url });
    closers.push(() => transport.dispose());
    const send = async (from: Agent, to: string) => {
      const sent = await transport.send(await from.createEnvelope({ to, payload: 1 }), to);
      return sent.ok ? 'ok' : sent.error.id;
    };
    expect(await send(alice!, bob!.did)).toBe('ok');
    expect(await send(alice!, bob!.did)).toBe('SEND_FAILED:QUOTA');
    expect(await send(carol!, bob!.did)).toBe('RELAY_NOT_ALLOWED');
    expect(await send(bob!, carol!.did)).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
  });

  test('follows its list: who is put on it may send at once, and who is taken off may not', async () => {
    const registry = new MemoryTrustRegistry();
    const [alice, bob, next] = await Promise.all(
      ['alice', 'bob', 'next'].map((name) => agentOf(name, { registry })),
    );
    const allow = join(folder, 'allow');
    await writeFile(allow, `${alice!.did}\n${bob!.did}\n`);
    const relay = await start('--allow', allow);
    const transport = new GatewayTransport({ relayUrl: relay.url, retries: 0 });
    closers.push(() => transport.dispose());
    const send = async (from: Agent, to: string) => {
      const sent = await transport.send(await from.createEnvelope({ to, payload: 1 }), to);
      return sent.ok ? 'ok' : sent.error.id;
    };
    const becomes = async (what: string, holds: () => Promise<boolean>) => {
      for (const deadline = performance.now() + 10_000; !(await holds()); await pause(100))
        if (performance.now() > deadline) throw new Error(`waited for ${what} in vain`);
    };
    const sends = async (from: Agent) => send(from, bob!.did);
    expect(await sends(next!)).toBe('RELAY_NOT_ALLOWED');
    await writeFile(allow, `${alice!.did}\n${bob!.did}\n${next!.did} # takes the place of alice\n`);
    await becomes('next', async () => (await sends(next!)) === 'ok');
    await writeFile(join(folder, 'new'), `${bob!.did}\n${next!.did}\n`);
    await rename(join(folder, 'new'), allow);
    await becomes('no alice', async () => (await sends(alice!)) === 'RELAY_NOT_ALLOWED');
    await writeFile(allow, 'nobody\n');
    const mistake = /serves 3 DIDs.*serves 2 DIDs.*line 1 of .*allow is not a did:key; the list stays/s;
    await becomes('the mistake', async () => (await sends(next!)) === 'ok' && mistake.test(relay.output()));
    expect(await sends(next!)).toBe('ok');
  });

  test('[E7] at a path of its own, and nowhere else', async () => {
    const relay = await start('--path', '/x/relay');
    expect((await fetch(`${relay.url}/x/relay`)).status).toBe(200);
    for (const path of ['/relay', '/y/x/relay', '/x/relay/', '/?x=/x/relay'])
      expect((await fetch(relay.url + path)).status).toBe(404);
  });

  test('does not start a second time on the same data', async () => {
    await start();
    await expect(start()).rejects.toThrow(
      /is held by process \d+; .*; waiting for 10 s\n.*xlink relay: .*is held by process/s,
    );
  });
});
