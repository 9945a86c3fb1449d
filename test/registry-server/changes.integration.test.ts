import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { CachedTrustRegistry, type Did, HttpTrustRegistry, MemoryTrustRegistry } from '@private.me/xlink';
import { createRegistryServer, type FeedState, type RegistryServerOptions } from '@private.me/xlink/server';
import { identityOf } from '../support/agents.js';
import { listen, openWire, send } from '../support/http.js';
import { describeWith } from '../support/needs-program.js';
import { NginxServer } from '../support/nginx-server.js';
import { thrownBy, unwrap } from '../support/results.js';
import { until } from '../support/until.js';

const [ALICE, BOB] = [(await identityOf('alice', 1)).did, (await identityOf('bob', 1)).did];
const TOKEN = 'token-canary-2b8e61f0';

/** Memory that other servers share, and whose own feed can be down. */
class Shared extends MemoryTrustRegistry {
  changeFeed: FeedState | undefined = undefined;
  missed(): void {
    this.announce(undefined);
  }
}

interface Changes {
  readonly server: string;
  readonly position: number;
  readonly changed?: readonly string[];
}

async function serve(options: Partial<RegistryServerOptions> = {}, registry = new Shared()) {
  const handler = createRegistryServer({ registry, adminToken: TOKEN, ...options });
  const requests: string[] = [];
  const server = createServer((req, res) => {
    requests.push(req.url!);
    handler(req, res);
  });
  const { port } = await listen(server);
  const ask = (after = '', wait = 0) => send(port, { path: `/registry/changes?wait=${wait}&after=${after}` });
  const changes = async (after = '', wait = 0): Promise<Changes> => JSON.parse((await ask(after, wait)).text);
  return { registry, handler, server, port, requests, ask, changes };
}
const since = ({ server, position }: Changes) => `${server}.${position}`;
const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
  const began = performance.now();
  return [await work, performance.now() - began];
};

/** A client that listens; closed with the server it is connected to. */
function listener(port: number, options: { readonly heartbeatMs?: number } = {}) {
  const registry = new HttpTrustRegistry({
    baseUrl: `http://127.0.0.1:${port}`,
    authToken: TOKEN,
    timeoutMs: 1000,
    ...options,
  });
  const heard: (Did | undefined)[] = [];
  registry.onChange((did) => heard.push(did));
  return { registry, heard, isLive: () => until(() => registry.changeFeed === 'live') };
}

describe('[E18] changes over HTTP', () => {
  test('who asks for the first time is told that anything may have changed, then what did, in its order', async () => {
    const { registry, changes } = await serve();
    const first = await changes();
    expect(first.changed).toBeUndefined();
    expect((await changes(since(first))).changed).toEqual([]);
    unwrap(await registry.add(ALICE));
    unwrap(await registry.add(BOB));
    const second = await changes(since(first));
    expect(second.changed).toHaveLength(2);
    unwrap(await registry.revoke(ALICE));
    expect((await changes(since(second))).changed).toEqual([second.changed![0]]);
    expect((await changes(since(first))).changed).toHaveLength(3); // asked again: the answer was lost
  });

  test('a request waits for a change as long as it says, and is answered at once when there is one', async () => {
    const { registry, changes } = await serve();
    const first = await changes();
    const [none, waitedMs] = await timed(changes(since(first), 300));
    expect(none.changed).toEqual([]);
    expect(waitedMs).toBeGreaterThan(290);
    const waiting = timed(changes(since(first), 25_000));
    unwrap(await registry.add(ALICE));
    const [some, tookMs] = await waiting;
    expect(some.changed).toHaveLength(1);
    expect(tookMs).toBeLessThan(2000);
  });

  test('no DID is told to those who do not know it', async () => {
    const { registry, ask } = await serve();
    const first = JSON.parse((await ask()).text) as Changes;
    unwrap(await registry.add(ALICE, { name: 'name-canary' }));
    const { text, headers } = await ask(since(first));
    expect(text).not.toMatch(new RegExp(`did:|canary|${ALICE.slice(8)}`));
    expect(headers['cache-control']).toBe('no-store');
  });

  test.each(['nonsense', 'x.1', '.', ',,,', 'x'.repeat(5000), '%00', '-1'])(
    'a position that is not of this server, such as %j, is none',
    async (position) => {
      const { changes } = await serve();
      expect((await changes(position, 25_000)).changed).toBeUndefined();
    },
  );

  test('who was away for more changes than are remembered, or is of another run, is told that anything may have changed', async () => {
    const { registry, changes } = await serve();
    const first = await changes();
    unwrap(await registry.add(ALICE));
    for (let at = 0; at < 2048; at++) {
      unwrap(await registry.revoke(ALICE));
      unwrap(await registry.add(ALICE));
    }
    expect((await changes(since(first))).changed).toBeUndefined();
    const last = await changes();
    for (const position of [last.position + 1, last.position - 5000, 0.5, 'NaN'])
      expect((await changes(`${last.server}.${position}`)).changed).toBeUndefined();
    const { changes: other } = await serve();
    expect((await other(since(last))).changed).toBeUndefined();
  });

  test('a registry that may have missed something says so', async () => {
    const { registry, changes } = await serve();
    const first = await changes();
    unwrap(await registry.add(ALICE));
    registry.missed();
    expect((await changes(since(first))).changed).toBeUndefined();
    expect((await changes(since(await changes()))).changed).toEqual([]);
  });

  test('a registry that does not hear of changes itself does not say that there are none', async () => {
    const { registry, ask, changes, port } = await serve();
    const client = listener(port, { heartbeatMs: 100 });
    await client.isLive();
    const first = await changes();
    const waiting = ask(since(first), 200);
    registry.changeFeed = 'down';
    expect((await waiting).status).toBe(503);
    await until(() => client.registry.changeFeed === 'down');
    registry.changeFeed = 'live';
    await client.isLive();
    client.registry.close();
  });

  test('a registry without onChange has no feed, and one that cannot listen tells its operator why', async () => {
    const mute = Object.assign(new Shared(), { onChange: undefined as never });
    expect((await (await serve({}, mute)).ask()).status).toBe(501);
    const faults: unknown[] = [];
    const registry = Object.assign(new Shared(), {
      onChange() {
        throw new Error('max is 1');
      },
    });
    const { ask } = await serve({ onFault: ({ cause }) => faults.push(cause) }, registry);
    expect((await ask()).status).toBe(503);
    expect(faults).toEqual([new Error('max is 1')]);
  });
});

describe('[E18] those who wait', () => {
  test('are bounded, for each address and in all; the others are served, and places become free', async () => {
    const { port, ask, changes, registry } = await serve({
      waitersPerAddress: 2,
      maxWaiters: 3,
      addressOf: ({ headers }) => String(headers['x-real-ip']),
    });
    const first = await changes();
    const from = async (address: string) => {
      const wire = await openWire(port);
      await wire.write(
        `GET /registry/changes?wait=25000&after=${since(first)} HTTP/1.1\r\nhost: x\r\nx-real-ip: ${address}\r\n\r\n`,
      );
      return wire;
    };
    const waiting = [await from('a'), await from('a')];
    expect(await (await from('a')).answer()).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    waiting.push(await from('b'));
    expect((await (await from('c')).answer()).status).toBe(503);
    expect((await send(port, { path: `/registry/resolve/${ALICE}` })).status).toBe(404); // lookups go on
    waiting[0]!.socket.destroy();
    await until(async () => (await ask(since(first))).status === 200, { what: 'a place that is free again' });
    unwrap(await registry.add(ALICE));
    for (const wire of waiting.slice(1)) expect((await wire.answer()).status).toBe(200);
  });

  test('are told by the /64 of an IPv6 address, as a customer has all of it', async () => {
    const { ask, changes } = await serve({
      waitersPerAddress: 1,
      addressOf: () => `2001:db8::${(nth++).toString(16)}`,
    });
    let nth = 1;
    const first = await changes();
    void ask(since(first), 25_000).catch(() => {});
    await until(async () => (await ask(since(first))).status === 503, { what: 'the place to be taken' });
  });

  test('are answered where addressOf is wrong about a request, and its operator hears of it', async () => {
    const faults: unknown[] = [];
    const { changes } = await serve({
      onFault: ({ cause }) => faults.push(cause),
      addressOf: () => {
        throw new Error('no such header');
      },
    });
    expect(await changes()).toMatchObject({ position: expect.any(Number) });
    expect(faults).toEqual([new Error('no such header')]);
  });

  test('are answered when the handler is closed, so that the server can end', async () => {
    const { handler, server, changes, ask } = await serve();
    const first = await changes();
    const waiting = ask(since(first), 25_000);
    await until(async () => (await connectionsOf(server)) > 0);
    const ended = new Promise((resolve) => server.close(resolve));
    handler.close();
    handler.close();
    expect(await waiting).toMatchObject({ status: 503, headers: { connection: 'close' } });
    await ended;
  });

  test('a client that listens sends no more than a few requests a second, whatever the server answers', async () => {
    const { port, requests } = await serve();
    const client = listener(port);
    await client.isLive();
    const before = requests.length;
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(requests.length - before).toBeLessThanOrEqual(5);
    expect(client.registry.changeFeed).toBe('live');
    client.registry.close();

    let asked = 0;
    const { port: hasty } = await listen(
      createServer((_, res) => {
        asked += 1;
        res
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ server: `s-${asked % 50}`, position: 1 }));
      }),
    );
    const other = listener(hasty);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(asked).toBeLessThan(50);
    other.registry.close();
  });
});

describe('[E18] HttpTrustRegistry', () => {
  test('hears of the DIDs it was asked for, and of no others', async () => {
    const { port, registry } = await serve();
    const { registry: client, heard, isLive } = listener(port);
    await isLive();
    await client.lookup(ALICE);
    heard.length = 0;
    unwrap(await registry.add(BOB));
    unwrap(await registry.add(ALICE));
    await until(() => heard.length > 0);
    expect(heard).toEqual([ALICE]);
    client.close();
    expect(client.changeFeed).toBe('off');
  });

  test('a server that has no such route is a feed that is down; so a cache asks again after a second', async () => {
    const registry = new Shared();
    const handler = createRegistryServer({ registry, adminToken: TOKEN });
    const server = createServer((req, res) =>
      req.url!.includes('/changes') ? void res.writeHead(404).end() : handler(req, res),
    );
    const { port } = await listen(server);
    const client = new HttpTrustRegistry({ baseUrl: `http://127.0.0.1:${port}` });
    const cached = new CachedTrustRegistry({ registry: client });
    unwrap(await registry.add(ALICE));
    expect((await cached.lookup(ALICE))?.status).toBe('active');
    unwrap(await registry.revoke(ALICE));
    await until(async () => (await cached.lookup(ALICE))?.status === 'revoked', { withinMs: 2000 });
    expect(cached.changeFeed).toBe('down');
    await cached.close();
  });

  test.each([
    ['no object', '[]'],
    ['no server', '{"position":1,"changed":[]}'],
    ['half a position', '{"server":"s","position":1.5,"changed":[]}'],
    ['tags that are none', '{"server":"s","position":1,"changed":[5]}'],
    ['a hostile server', '{"server":"s,t.1&x","position":1}'],
  ])('an answer with %s is none', async (_, body) => {
    const server = createServer((_, res) =>
      res.writeHead(200, { 'content-type': 'application/json' }).end(body),
    );
    let asked = 0;
    server.on('request', () => (asked += 1));
    const { registry, heard } = listener((await listen(server)).port);
    await until(() => asked > 2);
    expect([registry.changeFeed, heard]).toEqual(['down', []]);
    registry.close();
  });

  test('heartbeatMs is checked', async () => {
    const error = await thrownBy(
      () => new HttpTrustRegistry({ baseUrl: 'https://x.example', heartbeatMs: 60_000 }),
    );
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'heartbeatMs']);
  });
});

describeWith(['nginx'], '[E18] changes through nginx', () => {
  test('in front of several servers: told by whichever has the request, without delay, and only what changed', async () => {
    const registry = new Shared();
    const servers = await Promise.all([1, 2, 3].map(() => serve({}, registry)));
    const nginx = await NginxServer.start(servers.map(({ port }) => port));
    const { registry: client, heard, isLive } = listener(nginx.port, { heartbeatMs: 50 });
    await isLive();
    await until(() => servers.every(({ requests }) => requests.length > 3)); // each has told its position
    await client.lookup(ALICE);
    heard.length = 0;
    for (const change of [() => registry.add(ALICE), () => registry.revoke(ALICE)]) {
      unwrap(await change());
      const [, ms] = await timed(until(() => heard.length > 0));
      expect(ms).toBeLessThan(250);
      const rounds = servers.map(({ requests }) => requests.length + 2);
      await until(() => servers.every(({ requests }, at) => requests.length > rounds[at]!));
      expect(new Set(heard)).toEqual(new Set([ALICE])); // once by each of them
      heard.length = 0;
    }
    client.close();
    await nginx.stop();
  });
});

const connectionsOf = (server: { getConnections(done: (error: unknown, count: number) => void): unknown }) =>
  new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
