import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  CachedTrustRegistry,
  createKeyRecord,
  createSuccession,
  HttpTrustRegistry,
  type ManagedTrustRegistry,
  MemoryTrustRegistry,
  type Result,
} from '@private.me/xlink';
import { createRegistryServer } from '@private.me/xlink/server';
import { identityOf } from '../support/agents.js';
import { listen } from '../support/http.js';
import { errorOf, idOf, unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { alice, bob, otherKeys } from './conformance-entries.js';

// A change that ran out of time is never carried out after a later one that was acknowledged.

const TOKEN = 'token-canary-2b8e61f0';
const CHANGED = 'REGISTRATION_FAILED:CHANGED_MEANWHILE';
const [ALICE, BOB] = [alice.did, bob.did];

type Change = (registry: ManagedTrustRegistry) => Promise<Result<void>> | Result<void>;

interface Request {
  readonly what: string;
  readonly body: Record<string, unknown> | undefined;
  /** Of the answer, once it is made. */
  status?: number;
}

/** A registry server that is told a change only when `letIn` says so, whoever has given up by then. */
async function serve(...registries: ManagedTrustRegistry[]) {
  const handlers = registries.map((registry) => createRegistryServer({ registry, adminToken: TOKEN }));
  const requests: Request[] = [];
  const control = { letIn: async (_: Request): Promise<unknown> => undefined };
  const server = createServer(async (req, res) => {
    const body = req.method === 'POST' ? await bodyOf(req) : undefined;
    const request: Request = { what: `${req.method} ${req.url!.split('/')[2]}`, body };
    // One after the other, as a load balancer may.
    const handler = handlers[requests.push(request) % handlers.length]!;
    const end = res.end.bind(res) as (...answer: unknown[]) => typeof res; // also called if the client is gone
    res.end = (...answer: unknown[]) => {
      request.status = res.statusCode;
      return end(...answer);
    };
    if (body) await control.letIn(request);
    handler(Object.assign(req, { body }), res);
  });
  const { url: baseUrl } = await listen(server);
  const open = (timeoutMs = 5000) => new HttpTrustRegistry({ baseUrl, authToken: TOKEN, timeoutMs });
  return { baseUrl, requests, control, open, whats: () => requests.map(({ what }) => what) };
}

async function bodyOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const keys = await createKeyRecord(alice, { epoch: 10 });
const successor = await identityOf('successor of alice');
const successorKeys = await createKeyRecord(successor);
const succession = await createSuccession(alice, successor, { keys: successorKeys });
const succeed: Change = (to) => to.succeed!(succession, successorKeys);
const [newest, newer] = [await otherKeys(30, 'keys-30'), await otherKeys(20, 'keys-20')];

describe('a change that comes late, after another was acknowledged, is not made', () => {
  const none: Change[] = [];
  const there: Change[] = [(to) => to.register({ did: ALICE, keys, sendScopes: ['first'] })];
  const revoked: Change[] = [...there, (to) => to.revoke(ALICE, { reason: 'key_compromise' })];
  test.each<[string, Change[], Change, Change]>([
    ['add, revoke', there, (to) => to.add(ALICE), (to) => to.revoke(ALICE)],
    ['add, revoke once more', revoked, (to) => to.add(ALICE), (to) => to.revoke(ALICE)],
    ['add, add', none, (to) => to.add(ALICE, { scopes: ['*'] }), (to) => to.add(ALICE, { scopes: ['a'] })],
    ['add, register', none, (to) => to.add(ALICE, { scopes: ['*'] }), (to) => to.register({ did: ALICE })],
    ['register, add', none, (to) => to.register({ did: ALICE, name: 'late' }), (to) => to.add(ALICE)],
    ['revoke, add', there, (to) => to.revoke(ALICE), (to) => to.add(ALICE, { scopes: ['a'] })],
    [
      'updateScopes, updateScopes',
      there,
      (to) => to.updateScopes(ALICE, { scopes: ['*'] }),
      (to) => to.updateScopes(ALICE, { scopes: ['a'] }),
    ],
    [
      'updateKeys, updateKeys of a lower epoch',
      there,
      (to) => to.updateKeys(newest),
      (to) => to.updateKeys(newer),
    ],
    ['updateKeys, those that are there', there, (to) => to.updateKeys(newest), (to) => to.updateKeys(keys)],
    ['updateKeys, revoke', there, (to) => to.updateKeys(newest), (to) => to.revoke(ALICE)],
    ['succeed, add', there, succeed, (to) => to.add(ALICE)],
    ['succeed, updateScopes', there, succeed, (to) => to.updateScopes(ALICE, { scopes: ['a'] })],
    [
      'revoke with successors, add',
      [...there, succeed],
      (to) => to.revoke(ALICE, { successors: true }),
      (to) => to.add(ALICE),
    ],
  ])('%s', async (_, before, late, later) => {
    for (const door of ['the same client', 'another one']) {
      const registry = new MemoryTrustRegistry();
      for (const change of before) unwrap(await change(registry));
      const { control, requests, open } = await serve(registry);
      const [hasty, patient] = [open(400), open()];
      const { opened, open: release } = gate();
      control.letIn = () => opened;
      const result = await late(hasty);
      expect(idOf(result)).toBe('REGISTRATION_FAILED');
      expect(errorOf(result).cause).toMatchObject({ message: 'the registry did not answer within 400 ms' });
      const held = requests.at(-1)!;

      control.letIn = async () => undefined;
      unwrap(await later(door === 'another one' ? patient : hasty));
      const acknowledged = registry.list();
      release();
      await until(() => held.status !== undefined);
      expect(registry.list()).toStrictEqual(acknowledged);
    }
  });

  test('but until then it may be', async () => {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.register({ did: ALICE }));
    const { control, open } = await serve(registry);
    const { opened, open: release } = gate();
    control.letIn = () => opened;
    expect(idOf(await open(300).revoke(ALICE))).toBe('REGISTRATION_FAILED');
    release();
    await until(() => registry.lookup(ALICE)?.status === 'revoked');
  });
});

describe('a change whose entry was changed meanwhile', () => {
  async function withAlice() {
    const registry = new MemoryTrustRegistry();
    unwrap(await registry.register({ did: ALICE }));
    return { registry, ...(await serve(registry)) };
  }

  test('is tried again, at once with the revision that is there now', async () => {
    const { registry, control, requests, open } = await withAlice();
    control.letIn = async ({ body }) => {
      if (body!['ifRevision'] === 1) unwrap(await registry.updateScopes(ALICE, { scopes: ['other'] }));
    };
    unwrap(await open().revoke(ALICE));
    expect(requests.map(({ what, body }) => [what, body?.['ifRevision']])).toEqual([
      ['GET resolve', undefined],
      ['POST revoke', 1],
      ['POST revoke', 2],
    ]);
    expect(registry.lookup(ALICE)).toMatchObject({ sendScopes: ['other'], status: 'revoked', revision: 3 });
  });

  test('again and again is given up when the time is up, without a storm', async () => {
    const { registry, control, requests, open } = await withAlice();
    control.letIn = async () => unwrap(await registry.updateScopes(ALICE, { scopes: ['other'] }));
    const started = performance.now();
    const result = await open(500).revoke(ALICE);
    expect(performance.now() - started).toBeLessThan(3000);
    expect([CHANGED, 'REGISTRATION_FAILED']).toContain(idOf(result)); // the last one may be without an answer
    expect(registry.lookup(ALICE)?.status).toBe('active');
    expect(requests.length).toBeGreaterThan(3);
    expect(requests.length).toBeLessThan(25);
  });

  test('up to the last answer says that it was not made', async () => {
    const fetch_: typeof fetch = async (_, init) =>
      init!.method === 'GET'
        ? Response.json({ did: ALICE, status: 'active', revision: 1 })
        : Response.json({ code: 'REGISTRATION_FAILED', subCode: 'CHANGED_MEANWHILE' }, { status: 409 });
    const baseUrl = 'https://trust.example';
    const error = errorOf(
      await new HttpTrustRegistry({ baseUrl, fetch: fetch_, timeoutMs: 100 }).revoke(ALICE),
    );
    expect(error).toMatchObject({ id: CHANGED, status: 409 });
  });

  test('of many clients at once, all are made', async () => {
    const { registry, open } = await withAlice();
    const clients = Array.from({ length: 8 }, () => open(20_000));
    const ids = await Promise.all(
      clients.flatMap((client, at) =>
        [0, 1, 2].map(async (turn) => idOf(await client.updateScopes(ALICE, { scopes: [`${at}-${turn}`] }))),
      ),
    );
    expect(ids).toEqual(Array(24).fill('ok'));
    expect(registry.lookup(ALICE)?.revision).toBe(25);
  }, 30_000);

  test.each([0, 1, 3])(
    'on a condition of the caller (%i) is asked for once, as it is',
    async (ifRevision) => {
      const { registry, requests, open } = await withAlice();
      unwrap(await registry.updateScopes(ALICE, { scopes: ['a'] }));
      const client = open();
      const refusals = [
        await client.add(ALICE, { ifRevision }),
        await client.revoke(ALICE, { ifRevision }),
        await client.updateScopes(ALICE, { scopes: [], ifRevision }),
        await client.updateKeys(keys, { ifRevision }),
      ];
      expect(refusals.map(idOf)).toEqual(Array(4).fill(CHANGED));
      expect(refusals[0]!.error?.field).toBe('ifRevision');
      expect(requests.map(({ what, body, status }) => [what, body?.['ifRevision'], status])).toEqual(
        ['add', 'revoke', 'scopes', 'keys'].map((route) => [`POST ${route}`, ifRevision, 409]),
      );
      unwrap(await client.revoke(ALICE, { ifRevision: 2 }));
      expect(registry.lookup(ALICE)).toMatchObject({ status: 'revoked', revision: 3 });
    },
  );

  test.each([undefined, 2.5, '2', null])('is looked up again where the refusal says %j', async (revision) => {
    const { registry, control, baseUrl, whats } = await withAlice();
    control.letIn = async ({ body }) => {
      if (body!['ifRevision'] === 1) unwrap(await registry.updateScopes(ALICE, { scopes: ['other'] }));
    };
    const fetch_: typeof fetch = async (...args) => {
      const answer = await fetch(...args);
      if (answer.status !== 409) return answer;
      return Response.json({ ...((await answer.json()) as object), revision }, { status: 409 });
    };
    unwrap(await new HttpTrustRegistry({ baseUrl, authToken: TOKEN, fetch: fetch_ }).revoke(ALICE));
    expect(whats()).toEqual(['GET resolve', 'POST revoke', 'GET resolve', 'POST revoke']);
  });
});

test('changes of one DID wait for each other, and for no other DID', async () => {
  const registry = new MemoryTrustRegistry();
  const { control, requests, open, whats } = await serve(registry);
  const client = open();
  const { opened, open: release } = gate();
  control.letIn = async ({ body }) => {
    if (body!['scopes'] && body!['did'] === ALICE) await opened;
  };
  const first = client.add(ALICE, { scopes: ['a'] });
  await until(() => requests.length === 2);
  const second = client.revoke(ALICE);
  unwrap(await client.add(BOB, { scopes: ['b'] }));
  expect(whats()).toEqual(['GET resolve', 'POST add', 'GET resolve', 'POST add']);
  release();
  expect([idOf(await first), idOf(await second)]).toEqual(['ok', 'ok']);
  expect(registry.lookup(ALICE)).toMatchObject({ sendScopes: ['a'], status: 'revoked', revision: 2 });
});

describe('caches that hear of nothing', () => {
  /** Tells nobody of changes. */
  const silent = (registry: MemoryTrustRegistry): ManagedTrustRegistry => ({
    lookup: (did) => registry.lookup(did),
    list: () => registry.list(),
    register: (entry) => registry.register(entry),
    add: (did, grant) => registry.add(did, grant),
    revoke: (did, options) => registry.revoke(did, options),
    updateScopes: (did, change) => registry.updateScopes(did, change),
    updateKeys: (record, condition) => registry.updateKeys(record, condition),
  });

  test.each([1, 2, 3])(
    'stand before the registry, at %i servers in turn: a change is made none the less',
    async (servers) => {
      const registry = new MemoryTrustRegistry();
      unwrap(await registry.register({ did: ALICE, keys }));
      const caches = Array.from(
        { length: servers },
        () => new CachedTrustRegistry({ registry: silent(registry), ttlMs: 60_000 }),
      );
      const { open, requests, whats } = await serve(...caches);
      const client = open();
      const changes: [string, Change][] = [
        ['add', (to) => to.add(ALICE, { scopes: ['a'] })],
        ['scopes', (to) => to.updateScopes(ALICE, { receiveScopes: ['r'] })],
        ['keys', (to) => to.updateKeys(newer)],
        ['revoke', (to) => to.revoke(ALICE)],
      ];
      for (const [route, change] of changes) {
        for (const cache of caches) await cache.lookup(ALICE);
        unwrap(await registry.updateScopes(ALICE, { scopes: ['by another'] }));
        requests.length = 0;
        unwrap(await change(client));
        expect(whats()).toEqual(['GET resolve', `POST ${route}`, `POST ${route}`]);
      }
      expect(registry.lookup(ALICE)).toMatchObject({ keys: newer, status: 'revoked', revision: 9 });
    },
  );
});

describe('a registry of another make, which shows no revisions', () => {
  /** Knows nothing of conditions, and refuses what it does not know. */
  async function another() {
    const entries = new Map<string, object>();
    const bodies: unknown[] = [];
    const server = createServer(async (req, res) => {
      const answer = (status: number, value: object) =>
        void res
          .writeHead(status, { 'content-type': `application/${status < 400 ? '' : 'problem+'}json` })
          .end(JSON.stringify(value));
      const did = decodeURIComponent(req.url!.split('/').at(-1)!);
      if (req.method === 'GET') {
        const entry = entries.get(did);
        if (entry) return answer(200, entry);
        return answer(404, { code: 'LOOKUP_FAILED', subCode: 'DID_NOT_IN_REGISTRY', did });
      }
      const body = await bodyOf(req);
      bodies.push(body);
      if ('ifRevision' in body) return answer(400, { code: 'REGISTRATION_FAILED', field: 'body' });
      const status = req.url!.endsWith('revoke') ? 'revoked' : 'active';
      entries.set(body['did'] as string, { did: body['did'], status });
      answer(200, { ok: true, did: body['did'] });
    });
    const { url: baseUrl } = await listen(server);
    return { registry: new HttpTrustRegistry({ baseUrl, authToken: TOKEN }), bodies, entries };
  }

  test('is asked without a condition, as before', async () => {
    const { registry, bodies } = await another();
    unwrap(await registry.add(ALICE, { scopes: ['a'] }));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'] }));
    unwrap(await registry.updateKeys(keys));
    unwrap(await registry.revoke(ALICE));
    expect(bodies).toEqual([
      { did: ALICE, scopes: ['a'] },
      { did: ALICE, scopes: ['b'] },
      { did: ALICE, keys },
      { did: ALICE },
    ]);
    expect(await registry.lookup(ALICE)).toStrictEqual({ did: ALICE, status: 'revoked' });
  });

  test('is told the condition of a caller all the same: what it does not know it must refuse', async () => {
    const { registry, bodies } = await another();
    expect(idOf(await registry.revoke(ALICE, { ifRevision: 1 }))).toBe('REGISTRATION_FAILED');
    expect(bodies).toEqual([{ did: ALICE, ifRevision: 1 }]);
  });

  test('a change is not asked for if the entry cannot be read', async () => {
    const { registry, bodies, entries } = await another();
    for (const revision of [0, -1, 1.5, '1', null]) {
      entries.set(ALICE, { did: ALICE, status: 'active', revision });
      const error = errorOf(await registry.revoke(ALICE));
      expect(error).toMatchObject({ id: 'REGISTRATION_FAILED', cause: { id: 'LOOKUP_FAILED' } });
    }
    expect(bodies).toEqual([]);
  });
});
