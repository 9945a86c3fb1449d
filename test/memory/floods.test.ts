// What floods of large inputs leave behind in an adapter and in what it asks, without a server in between.
import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import {
  CachedTrustRegistry,
  type DiscoveryDocument,
  DualModeAdapter,
  type DualModeOptions,
  discover,
  Identity,
  MemoryClientStore,
  requestBinding,
  type XlinkError,
  xlinkFetch,
} from '@private.me/xlink';
import { enrollmentProof } from '@private.me/xlink/client';
import { createRegistryServer } from '@private.me/xlink/server';
import { inbound } from '../metrics/flood.js';
import { scaled } from '../scale/scale.js';
import { growthOf } from '../support/heap.js';
import { World } from '../support/world.js';

const MIB = 2 ** 20;
const KEY = 'key-of-acme-0123456789';
/** Of what comes in one after the other, some 100 MiB in all, and never less than 20 in the short form: kept parts show. */
const MOST = 8 * MIB;

const strangers = (count: number) =>
  Promise.all(
    Array.from(
      { length: count },
      async () => (await Identity.fromSeed(randomBytes(32), { maxVersion: 1 })).did,
    ),
  );

async function service(options: Partial<DualModeOptions> = {}) {
  const world = new World();
  const registry = new CachedTrustRegistry({ registry: world.registry });
  const api = await world.agent('api', { registry });
  const adapter = new DualModeAdapter({
    agent: api,
    mode: 'hybrid',
    clock: world.clock,
    clients: new MemoryClientStore(),
    legacyKeyValidator: (key) => (key === KEY ? { clientId: 'acme', scopes: ['a'] } : null),
    enrollmentsPerMinute: 100_000,
    ...options,
  });
  /** `ok`, or the id of the refusal. */
  const pass = async (sent: Parameters<typeof inbound>[0]) => {
    const decision = await adapter.decide(inbound(sent));
    return decision.outcome?.error?.id ?? 'ok';
  };
  return { world, api, adapter, pass };
}

const base64url = (value: object, spaces: number) =>
  Buffer.from(`{${' '.repeat(spaces)}${JSON.stringify(value).slice(1)}`).toString('base64url');

test('[E11] header form: envelopes of strangers, as long as headers may be', async () => {
  const { world, api, pass } = await service();
  const caller = await world.agent('caller');
  const envelope = await caller.createRequest({
    to: api.did,
    signedOnly: true,
    request: requestBinding('GET', '/orders'),
  });
  const dids = await strangers(scaled(3000, 1000));
  await pass({ headers: { authorization: `Xlink ${base64url(envelope, 0)}` } });
  const growth = await growthOf(async () => {
    for (const from of dids) {
      const authorization = `Xlink ${base64url({ ...envelope, from }, 20_000)}`;
      expect(await pass({ headers: { authorization } })).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    }
  });
  expect(growth).toBeLessThan(MOST);
});

test('[E11] keys, targets, methods and headers of any length', async () => {
  const { pass } = await service();
  const long = () => randomBytes(12_000).toString('hex');
  await pass({ headers: { 'x-api-key': long() } });
  const growth = await growthOf(async () => {
    for (let nr = 0; nr < scaled(2000, 500); nr++)
      await pass({
        method: `X${nr}`,
        target: `/${long()}?${long()}`,
        headers: { 'x-api-key': long(), 'content-type': long(), 'x-forwarded-for': long() },
      });
  });
  expect(growth).toBeLessThan(MOST);
});

test('[E11] enrollment: envelopes that are padded to the limit, of a good key and of wrong ones', async () => {
  const { world, api, pass } = await service({ maxDidsPerClient: 5 });
  const device = await world.agent('device', { maxVersion: 1 });
  const binding = requestBinding('POST', '/.well-known/xlink/enroll');
  const enrollment = async (junk: string) => {
    const envelope = await device.createIntroduction({
      to: api.did,
      scope: 'xlink:enroll',
      request: binding,
      payload: {
        keyProof: await enrollmentProof(device.did, KEY),
        keyRecord: { ...(await device.keyRecord()), junk },
      },
    });
    return JSON.stringify(envelope);
  };
  const send = (body: string, key: string) =>
    pass({
      method: 'POST',
      target: '/.well-known/xlink/enroll',
      headers: { 'x-api-key': key, 'content-type': 'application/xlink-envelope' },
      body,
    });
  expect(await send(await enrollment(''), KEY)).toBe('ok');
  const growth = await growthOf(async () => {
    for (let nr = 0; nr < scaled(1000, 700); nr++) {
      const body = await enrollment(String(nr).padEnd(35_000, 'x'));
      expect(await send(body, nr % 2 === 0 ? KEY : `not-${nr}`)).not.toBe('INTERNAL');
    }
  });
  expect(growth).toBeLessThan(MOST);
});

test('[E11] lookups over HTTP: a DID that is part of a long target', async () => {
  const { registry } = new World();
  const cached = new CachedTrustRegistry({ registry });
  const handler = createRegistryServer({
    registry: cached,
    adminToken: 'sixteen characters or more'.replaceAll(' ', '-'),
  });
  const resolve = (did: string) =>
    new Promise<void>((resolve) => {
      const url = Buffer.from(`/registry/resolve/${did}?${'x'.repeat(15_000)}`).toString('latin1');
      const res = { statusCode: 0, setHeader() {}, getHeader() {}, end: () => resolve(), once() {} };
      handler({ method: 'GET', url, headers: {}, complete: true } as never, res as never);
    });
  const dids = await strangers(scaled(3000, 1500));
  await resolve(dids[0]!);
  const growth = await growthOf(async () => {
    for (const did of dids) await resolve(did);
  });
  expect(cached.size).toBe(dids.length);
  expect(growth).toBeLessThan(MOST);
});

/** A `fetch` that answers everything but discovery with 500, for services at those hosts. */
async function discoveryFetch(
  hosts: readonly string[],
  facts: Partial<DiscoveryDocument> = {},
  junk = '',
): Promise<typeof fetch> {
  const agent = await new World().agent('service');
  const issuedAt = Date.now();
  const headers = { 'Content-Type': 'application/json' };
  const textOf = async (host: string) => {
    const document = await agent.signDiscovery({
      did: agent.did,
      keyRecord: await agent.keyRecord(),
      versions: [2],
      mode: 'hybrid',
      acceptsEnvelopes: true,
      hosts: [host],
      endpoints: {},
      publicPaths: [],
      issuedAt,
      notAfter: issuedAt + 300_000,
      ...facts,
    });
    return JSON.stringify(document);
  };
  const texts = new Map<string, string>();
  for (const host of hosts) texts.set(host, await textOf(host));
  return async (input) => {
    const { pathname, host } = new URL(input instanceof Request ? input.url : String(input));
    return pathname.endsWith('/xlink.json')
      ? new Response(texts.get(host)?.replace(/}$/, `,"junk":"${junk}"}`), { headers })
      : new Response('', { status: 500 });
  };
}

test('[E11] discovery: documents of 60 KiB from as many origins as a client remembers', async () => {
  const hosts = Array.from({ length: 2000 }, (_, nr) => `service-${nr}.example`);
  const fetch = await discoveryFetch(hosts, { name: 'n'.repeat(256) }, 'x'.repeat(50_000));
  const agent = await new World().agent('caller');
  const failures = new Set<string>();
  const call = xlinkFetch({ fetch, agent });
  const ask = (nr: number) =>
    call(`https://${hosts[nr]}/orders`).catch((error: XlinkError) => void failures.add(error.id));
  await ask(0);
  const growth = await growthOf(async () => {
    for (let nr = 1; nr < hosts.length; nr++) await ask(nr);
  });
  expect([...failures]).toEqual(['ANSWER_INVALID:NOT_SEALED']); // so every document was taken
  expect(growth).toBeLessThan(MOST);
});

test('[E11] discovery: the path of an endpoint has at most 2048 characters', async () => {
  const enroll = `/${'e'.repeat(2047)}`;
  const found = async (path: string) =>
    discover('https://service.example', {
      fetch: await discoveryFetch(['service.example'], { endpoints: { enroll: path } }),
    });
  expect((await found(enroll)).endpoints.enroll).toBe(`https://service.example${enroll}`);
  await expect(found(`${enroll}e`)).rejects.toMatchObject({ code: 'DISCOVERY_FAILED', field: 'endpoints' });
});
