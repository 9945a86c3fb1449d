import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createKeyRecord, type Did, MemoryTrustRegistry } from '../../../src/index.js';
import {
  createEnterpriseTrustRegistry,
  createRegistryServer,
  type EnterpriseEvent,
  type EnterpriseRegistryOptions,
  type EnterpriseTrustRegistry,
} from '../../../src/server.js';
import { eventually } from '../../registry/conformance.js';
import { identityOf } from '../../support/agents.js';
import { listen } from '../../support/http.js';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';

const TOKEN = 'token-canary-2b8e61f0';
const alice = await identityOf('alice');
const [ALICE, BOB, CAROL] = [alice.did, (await identityOf('bob')).did, (await identityOf('carol')).did];

/** How the registry behaves: `deaf` does what it is asked and says nothing. */
type Mood = 'up' | 'down' | 'deaf' | 'broken' | 'page' | 'unauthorized';

let folder: string;
let central: MemoryTrustRegistry;
let mood: Mood;
let requests: string[];
/** What an answer waits for, after it was made. */
let held: { readonly path: RegExp; readonly until: Promise<void>; reached: () => void } | undefined;
let baseUrl: string;
let events: EnterpriseEvent[];
let skipMs: number;
let open: EnterpriseTrustRegistry[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xlink-enterprise-'));
  central = new MemoryTrustRegistry();
  [mood, requests, held, events, skipMs, open] = ['up', [], undefined, [], 0, []];
  const handler = createRegistryServer({ registry: central, adminToken: TOKEN });
  const server = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`);
    if (mood === 'down') return void req.socket.destroy();
    if (mood === 'broken') return void res.writeHead(500, { 'content-type': 'application/json' }).end('{}');
    if (mood === 'page') return void res.writeHead(404, { 'content-type': 'text/html' }).end('<p>');
    if (mood === 'unauthorized') delete req.headers.authorization;
    const { end } = res;
    const [silent, holding] = [mood === 'deaf', held?.path.test(req.url!) ? held : undefined];
    if (silent) res.end = (() => void req.socket.destroy()) as never;
    if (holding)
      res.end = ((body: string) => {
        holding.reached();
        void holding.until.then(() => end.call(res, body, 'utf8'));
      }) as never;
    handler(req, res);
  });
  baseUrl = `http://127.0.0.1:${await listen(server)}`;
});
afterEach(async () => {
  await Promise.all(open.map((registry) => registry.close()));
  await rm(folder, { recursive: true });
});

/** By default it is tried again after 10 ms. */
function start(options: Partial<EnterpriseRegistryOptions> = {}): EnterpriseTrustRegistry {
  const registry = createEnterpriseTrustRegistry({
    http: { baseUrl, authToken: TOKEN },
    file: { path: join(folder, 'fallback.jsonl') },
    retryMs: 10,
    clock: () => Date.now() + skipMs,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  open.push(registry);
  return registry;
}
/** As after a crash: another process finds what is on the disk. */
async function restarted(options: Partial<EnterpriseRegistryOptions> = {}): Promise<EnterpriseTrustRegistry> {
  const path = join(folder, `after-crash-${open.length}.jsonl`);
  await cp(join(folder, 'fallback.jsonl'), path);
  return start({ file: { path }, ...options });
}
const typesOf = () => events.map(({ type }) => type);
const backUp = (registry: EnterpriseTrustRegistry) => {
  mood = 'up';
  return eventually(() => registry.waiting === 0);
};
async function remembered(registry: EnterpriseTrustRegistry, ...dids: Did[]): Promise<void> {
  for (const did of dids) {
    unwrap(await central.register({ did, sendScopes: ['chat'] }));
    expect(await registry.lookup(did)).toBeDefined();
  }
  const path = join(folder, 'fallback.jsonl');
  await eventually(async () => {
    const text = await readFile(path, 'utf8');
    return dids.every((did) => text.includes(did));
  });
}

describe('a lookup', () => {
  test('asks the registry every time it is up', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await central.revoke(ALICE));
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect(await registry.lookup(BOB)).toBeUndefined();
    expect(events).toEqual([]);
  });

  test.each<Mood>(['down', 'broken', 'page', 'deaf'])(
    'takes the file while it is %s, after a crash too',
    async (how) => {
      const registry = start();
      await remembered(registry, ALICE);
      mood = how;
      for (const each of [registry, await restarted()])
        expect(await each.lookup(ALICE)).toStrictEqual({
          did: ALICE,
          sendScopes: ['chat'],
          status: 'active',
        });
      expect(typesOf()).toEqual(['down', 'down']);
      mood = 'up';
      unwrap(await central.revoke(ALICE));
      await eventually(async () => (await registry.lookup(ALICE))?.status === 'revoked');
      expect(typesOf()).toEqual(['down', 'down', 'up']);
    },
  );

  test('knows what was revoked and what is unknown when it goes down', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    unwrap(await central.revoke(ALICE));
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    Object.assign(central, { lookup: () => undefined });
    expect(await registry.lookup(BOB)).toBeUndefined();
    await eventually(async () => (await readFile(join(folder, 'fallback.jsonl'), 'utf8')).includes('"gone"'));
    mood = 'down';
    for (const each of [registry, await restarted()]) {
      expect((await each.lookup(ALICE))?.status).toBe('revoked');
      expect((await thrownBy(() => each.lookup(BOB))).id).toBe('LOOKUP_FAILED');
    }
  });

  test('of one that was never seen fails while it is down: that is not "unknown"', async () => {
    mood = 'down';
    const registry = start();
    expect(await thrownBy(() => registry.lookup(ALICE))).toMatchObject({ id: 'LOOKUP_FAILED', status: 503 });
    expect(await registry.list()).toEqual([]);
  });

  test('takes nothing from the file that was confirmed too long ago', async () => {
    const registry = start({ maxStaleMs: 60_000 });
    await remembered(registry, ALICE);
    mood = 'down';
    skipMs = 59_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    skipMs = 61_000;
    const later = await restarted({ maxStaleMs: 60_000 });
    for (const each of [registry, later])
      expect((await thrownBy(() => each.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    skipMs = -61_000; // a clock that was set back
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    mood = 'up';
    skipMs = 120_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    mood = 'down';
    expect(await registry.lookup(ALICE)).toBeDefined(); // confirmed anew
  });

  test('waits one hour by default, and not at all with 0', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    skipMs = 3_599_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    skipMs = 3_601_000;
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    skipMs = 0;
    expect((await thrownBy(async () => (await restarted({ maxStaleMs: 0 })).lookup(ALICE))).id).toBe(
      'LOOKUP_FAILED',
    );
  });

  test('leaves a registry alone that is down, but for one try at a time', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE);
    mood = 'down';
    await registry.lookup(ALICE);
    const before = requests.length;
    await Promise.all(Array.from({ length: 50 }, () => registry.lookup(ALICE)));
    expect(requests.length).toBe(before);
    skipMs = 60_001;
    await Promise.all(Array.from({ length: 50 }, () => registry.lookup(ALICE)));
    expect(requests.length).toBe(before + 1);
  });
});

describe('a change while the registry is down', () => {
  test('counts at once, is kept through a crash, and is made when it is back', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    mood = 'down';
    const heard: unknown[] = [];
    registry.onChange((did) => heard.push(did));
    unwrap(await registry.revoke(ALICE));
    expect(heard).toEqual([ALICE]);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await registry.lookup(BOB))?.status).toBe('active');
    const other = await restarted();
    expect((await other.lookup(ALICE))?.status).toBe('revoked');
    expect((await other.list()).map(({ status }) => status).sort()).toEqual(['active', 'revoked']);
    expect(central.lookup(ALICE)?.status).toBe('active');
    await other.close();
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(typesOf().filter((type) => type !== 'down' && type !== 'up')).toEqual(['queued', 'replayed']);
  });

  test('is made by the process that comes after, without being asked', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    unwrap(await registry.revoke(ALICE));
    await registry.close();
    mood = 'up';
    const next = start();
    await next.ready();
    await eventually(() => central.lookup(ALICE)?.status === 'revoked');
    await eventually(() => next.waiting === 0);
    await next.close();
    expect(await start().lookup(ALICE)).toMatchObject({ status: 'revoked' });
    expect(open.at(-1)!.waiting).toBe(0);
  });

  test('counts when the registry is back before it knows of it', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE);
    mood = 'down';
    unwrap(await registry.revoke(ALICE));
    mood = 'up';
    skipMs = 60_001; // lookups ask it again, what waits still does
    expect(registry.waiting).toBe(1);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await registry.list())[0]?.status).toBe('revoked');
    expect(central.lookup(ALICE)?.status).toBe('active');
  });

  test('is not undone by an answer that was on its way when it was made', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE, BOB);
    mood = 'down';
    unwrap(await registry.revoke(ALICE));
    mood = 'up';
    skipMs = 60_001;
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    const reached = new Promise<void>((resolve) => (held = { path: /resolve/, until, reached: resolve }));
    const lookup = registry.lookup(ALICE); // the registry says "active", and the answer is slow
    await reached;
    held = undefined;
    skipMs = 120_002;
    unwrap(await registry.add(BOB, { name: 'Bob' })); // makes what waits before it
    expect(registry.waiting).toBe(0);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    letGo();
    expect((await lookup)?.status).toBe('revoked');
    mood = 'down';
    expect((await registry.lookup(ALICE))?.status).toBe('revoked'); // nor is the late answer remembered
  });

  test('nor by one that was on its way when it was made at the registry', async () => {
    const registry = start();
    unwrap(await central.register({ did: ALICE }));
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    const reached = new Promise<void>((resolve) => (held = { path: /resolve/, until, reached: resolve }));
    const lookup = registry.lookup(ALICE);
    await reached;
    unwrap(await registry.revoke(ALICE));
    letGo();
    await lookup; // began before
    mood = 'down';
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
  });

  test('that is too large for the registry holds up nothing behind it', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    unwrap(await registry.add(BOB, { name: 'x'.repeat(300_000) }));
    unwrap(await registry.revoke(ALICE));
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { did: BOB, error: { id: 'BODY_TOO_LARGE' } },
    ]);
  });

  test('may be about a DID that is not known here', async () => {
    const registry = start();
    unwrap(await central.register({ did: ALICE }));
    mood = 'down';
    unwrap(await registry.revoke(ALICE));
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
  });

  test('of several, all are made in their order', async () => {
    const registry = start();
    await registry.ready();
    mood = 'down';
    const keys = await createKeyRecord(alice, { epoch: 1 });
    unwrap(await registry.register({ did: ALICE, keys, sendScopes: ['a'] }));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'], receiveScopes: ['r'] }));
    unwrap(await registry.updateKeys(await createKeyRecord(alice, { epoch: 2 })));
    unwrap(await registry.revoke(ALICE));
    unwrap(await registry.add(BOB, { scopes: ['x'] }));
    const wanted = await registry.lookup(ALICE).catch((error) => error.id);
    expect(wanted).toBe('LOOKUP_FAILED'); // the registry never said whether it is there
    expect((await registry.list()).map(({ did }) => did)).toEqual([ALICE, BOB]);
    await backUp(registry);
    expect(central.lookup(ALICE)).toMatchObject({
      sendScopes: ['b'],
      receiveScopes: ['r'],
      keys: { epoch: 2 },
      status: 'revoked',
    });
    expect(central.lookup(BOB)?.sendScopes).toEqual(['x']);
  });

  test('that its rules refuse is refused at once', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    expect(idOf(await registry.register({ did: ALICE }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    expect(idOf(await registry.add(ALICE, { scopes: '*' as never }))).toBe('REGISTRATION_FAILED');
    expect(errorOf(await registry.add('x')).code).toBe('INVALID_DID');
    expect(idOf(await registry.revoke('x'))).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
    const keys = await createKeyRecord(alice, { epoch: 5 });
    expect(idOf(await registry.updateKeys({ ...keys, epoch: 6 }))).toBe('KEY_RECORD_INVALID');
    const ids = await Promise.all(
      Array.from({ length: 10 }, async (_, at) => idOf(await registry.register({ did: BOB, name: `${at}` }))),
    );
    expect(ids.filter((id) => id === 'ok')).toHaveLength(1);
    expect(registry.waiting).toBe(1);
  });
});

describe('what the registry refuses when it is back', () => {
  test('is reported, dropped, and holds up nothing behind it', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    unwrap(await registry.register({ did: BOB, name: 'ours' }));
    unwrap(await registry.revoke(CAROL));
    unwrap(await registry.revoke(ALICE));
    unwrap(await central.register({ did: BOB, name: 'theirs' }));
    await backUp(registry);
    expect(central.lookup(BOB)?.name).toBe('theirs');
    expect((await registry.lookup(BOB))?.name).toBe('theirs');
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { operation: 'register', did: BOB, error: { id: 'REGISTRATION_FAILED:ALREADY_REGISTERED' } },
      { operation: 'revoke', did: CAROL, error: { id: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY' } },
    ]);
  });

  test('is an add for a DID that was revoked meanwhile: it stays revoked', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    unwrap(await central.revoke(BOB));
    expect((await registry.lookup(BOB))?.status).toBe('revoked');
    mood = 'down';
    unwrap(await registry.add(ALICE, { scopes: ['more'] }));
    unwrap(await registry.add(BOB)); // this one was known to be revoked, and is meant to come back
    unwrap(await central.revoke(ALICE));
    await backUp(registry);
    expect(central.lookup(ALICE)).toMatchObject({ status: 'revoked', sendScopes: ['chat'] });
    expect(central.lookup(BOB)?.status).toBe('active');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { operation: 'add', did: ALICE, error: { id: 'LOOKUP_FAILED:DID_REVOKED' } },
    ]);
  });

  test('is not a registration that it had made, only that the answer was lost', async () => {
    const registry = start();
    await registry.ready();
    mood = 'deaf';
    unwrap(await registry.register({ did: ALICE, name: 'Ada', keys: await createKeyRecord(alice) }));
    expect(central.lookup(ALICE)?.name).toBe('Ada');
    await backUp(registry);
    expect(typesOf()).toEqual(['down', 'queued', 'up', 'replayed']);
  });

  test('waits on if it is the token that it refuses, and lookups go on', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    mood = 'down';
    unwrap(await registry.revoke(ALICE));
    mood = 'unauthorized';
    await eventually(() => typesOf().includes('unauthorized'));
    expect(registry.waiting).toBe(1);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
    expect(await registry.lookup(BOB)).toBeUndefined(); // it is asked, and answers
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
  });

  test('is an error at once while it is up', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    expect(idOf(await registry.register({ did: ALICE }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    mood = 'unauthorized';
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED:UNAUTHORIZED');
    expect(registry.waiting).toBe(0);
    expect(events).toEqual([]);
  });
});

describe('the file', () => {
  test('follows the changes that are made while the registry is up', async () => {
    const registry = start();
    unwrap(await registry.register({ did: ALICE, sendScopes: ['a'] }));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'] }));
    unwrap(await registry.revoke(ALICE));
    mood = 'down';
    for (const each of [registry, await restarted()])
      expect(await each.lookup(ALICE)).toStrictEqual({ did: ALICE, sendScopes: ['b'], status: 'revoked' });
  });

  test('does not grow for ever', async () => {
    const registry = start();
    unwrap(await registry.register({ did: ALICE }));
    const long = 'x'.repeat(1000);
    for (let at = 0; at < 1100; at++) unwrap(await registry.updateScopes(ALICE, { scopes: [`${at}`, long] }));
    expect((await stat(join(folder, 'fallback.jsonl'))).size).toBeLessThan(300_000); // 1.3 MB were written
    mood = 'down';
    expect((await (await restarted()).lookup(ALICE))?.sendScopes).toEqual(['1099', long]);
  }, 30_000);

  test('is for one process: a second one accepts nothing and says why', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    const second = start();
    expect(await thrownBy(() => second.lookup(ALICE))).toMatchObject({
      id: 'LOOKUP_FAILED',
      cause: { message: expect.stringMatching(/held by process/) },
    });
    expect(idOf(await second.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect((await thrownBy(() => second.ready())).id).toBe('LOOKUP_FAILED');
    expect(central.lookup(ALICE)?.status).toBe('active');
  });

  test('that takes nothing more is reported: lookups go on, and a change that cannot be kept is refused', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    await rm(join(folder, 'fallback.jsonl'));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['new'] }));
    expect(central.lookup(ALICE)?.sendScopes).toEqual(['new']);
    await eventually(() => typesOf().includes('fallback-failed'));
    expect((await registry.lookup(ALICE))?.sendScopes).toEqual(['new']);
    mood = 'down';
    expect((await registry.lookup(ALICE))?.sendScopes).toEqual(['new']);
    expect(errorOf(await registry.revoke(ALICE))).toMatchObject({
      id: 'REGISTRATION_FAILED',
      cause: { message: expect.stringContaining('ENOENT') },
    });
    expect(registry.waiting).toBe(0);
  });

  test('is let go of at the end', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    await Promise.all([registry.close(), registry.close()]);
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect(await start().lookup(ALICE)).toBeDefined();
  });
});

test('options are checked', () => {
  const http = { baseUrl: 'https://trust.example' };
  const wrong: [object, string][] = [
    [{ http }, 'file'],
    [{ file: { path: 'x' } }, 'http'],
    [{ http, file: {} }, 'path'],
    [{ http, file: { path: 'x', mode: 1 } }, 'mode'],
    [{ http: {}, file: { path: join(folder, 'x') } }, 'baseUrl'],
    [{ http, file: { path: 'x' }, maxStale: 1 }, 'maxStale'],
  ];
  for (const [options, field] of wrong)
    expect(() => createEnterpriseTrustRegistry(options as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field }),
    );
});
