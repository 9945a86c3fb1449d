import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AuthMethod,
  DualModeAdapter,
  type DualModeOptions,
  type Envelope,
} from '@private.me/xlink';
import { METRICS, prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import { REASONS } from '../../src/metrics/label-values.js';
import { seriesBound } from '../../src/metrics/series-bound.js';
import { MODES } from '../../src/types/mode.js';
import { scaled } from '../scale/scale.js';
import type { Mounted } from '../support/express.js';
import { bodyForm, headerText, KEY, signedEnvelope, signedRequest, withKey } from '../support/http.js';
import { unwrap } from '../support/results.js';
import { World, type WorldWithCaller } from '../support/world.js';
import {
  beyondBound,
  forgetful,
  heapInUse,
  type Inbound,
  pass,
  samplesOf,
  strangeDid,
  sum,
  unlike,
} from './flood.js';
import { advice, observed, request, valuesOf } from './support.js';

const MANY = scaled(100_000, 40_000);
const FEW = scaled(10_000, 5000);
/** What the heap may differ by for other reasons; one short text for each request would be more. */
const NOISE_BYTES = 1_500_000;
const CAPS = { maxRoutes: 20, maxClients: 10 };

const report = (what: string, samples: number, more = '') =>
  process.stdout.write(`${what}: ${samples} series, bound ${sum(seriesBound(CAPS))}${more}\n`);

describe('the bound', () => {
  test('is exact: all that can be told is exactly as many series', async () => {
    const { register, observe } = observed([{ type: 'mode', to: 'hybrid', sunset: 0 }, advice()], CAPS);
    const routes = ['unmatched', ...Array.from({ length: 30 }, (_, i) => `/r${i}`)];
    const methods: AuthMethod[] = ['xlink', 'api-key', 'none'];
    for (const method of methods)
      for (const mode of MODES)
        for (const reason of [...REASONS, 'MADE_UP'])
          for (const route of routes)
            observe(
              request({ method, mode, reason, outcome: reason === 'ok' ? 'accepted' : 'refused', route }),
            );
    for (const version of [1, 2, 3] as const)
      for (const more of [
        { encrypted: true },
        { encrypted: false },
        { encrypted: false, form: 'signature' },
        { encrypted: true, form: 'session' },
      ] as const)
        observe(request({ version, ...more }));
    for (const client of [undefined, ...Array.from({ length: 30 }, (_, i) => `c${i}`)])
      for (const method of methods)
        for (const outcome of ['accepted', 'refused'] as const)
          observe(
            request({
              method,
              outcome,
              reason: outcome === 'accepted' ? 'ok' : 'INTERNAL',
              ...(client ? { client } : {}),
            }),
          );
    for (const reason of REASONS) observe({ type: 'observed', reason });
    for (const reason of [...REASONS].filter((one) => one !== 'ok')) {
      observe({ type: 'session-refusal', reason });
      observe(request({ method: 'xlink', outcome: 'refused', reason, offered: 'session' }));
    }
    for (const id of [...REASONS, 'AUDIT_MADE_UP'].filter((reason) => reason.startsWith('AUDIT_')))
      observe({ type: 'fault', error: { code: id, id } } as never);
    for (const refused of [true, false]) observe({ type: 'downgrade', client: 'c', refused });
    for (const keyEpoch of [1, 2]) observe({ type: 'key-epoch', keyEpoch, since: 0, rotatesAt: 1 });
    for (const version of [2, 3] as const)
      observe({ type: 'session', did: 'did:key:z6Mk', version, notAfter: Date.now() + 60_000 });
    for (const [number, method] of (['xlink', 'api-key'] as const).entries())
      observe({ ...request({ method }), type: 'open', number } as never);
    expect(await samplesOf(register)).toEqual(seriesBound(CAPS));
  }, 30_000);

  test('has no series by client where there is no maxClients', () => {
    expect(seriesBound({ maxRoutes: 1, maxClients: 0 }).clientRequests).toBe(0);
  });
});

describe(`${MANY} different ones of everything, in process`, () => {
  let envelope: Envelope;
  let known: WorldWithCaller;

  beforeAll(async () => {
    known = await World.withCaller({ maxVersion: 1 }, { maxVersion: 1 });
    envelope = await signedEnvelope(known);
  });

  const setup = (options: Partial<DualModeOptions> = {}) => {
    const register = new Registry();
    const adapter = new DualModeAdapter({
      agent: known.api,
      mode: 'hybrid',
      legacyKeyValidator: (key) => (key === KEY ? { clientId: 'acme' } : null),
      observers: [prometheusMetrics({ register, ...CAPS })],
      ...options,
    });
    return { register, adapter };
  };

  /** Sends them all; holds series and heap against those after a tenth of them. */
  const flood = async (
    what: string,
    { adapter, register }: ReturnType<typeof setup>,
    one: (i: number) => { sent: Inbound; route?: string },
  ) => {
    const verdicts: Record<string, number> = {};
    const send = async (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        const { sent, route } = one(i);
        const verdict = await pass(adapter, sent, route);
        verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      }
    };
    await send(0, FEW);
    await adapter.close(); // writes what the report counted, which is none of the metrics' business
    const [early, heap] = [await samplesOf(register), await heapInUse()];
    await send(FEW, MANY);
    await adapter.close();
    const [late, grown] = [await samplesOf(register), (await heapInUse()) - heap];
    report(what, sum(late), `, heap ${grown > 0 ? '+' : ''}${Math.round(grown / 1000)} kB from ${FEW} on`);
    expect(beyondBound(late, CAPS)).toEqual([]);
    expect(late).toEqual(early);
    expect(grown).toBeLessThan(NOISE_BYTES);
    return { verdicts, samples: late };
  };

  test('paths', async () => {
    const { verdicts, samples } = await flood('paths', setup(), (i) => ({
      sent: { target: `/${unlike('path', i)}?${unlike('query', i)}`, headers: { 'x-api-key': KEY } },
    }));
    expect(verdicts).toEqual({ ok: MANY });
    expect(samples.requests).toBe(1);
  }, 120_000);

  test('routes, which only a framework could tell apart', async () => {
    const service = setup();
    const { samples } = await flood('routes', service, (i) => ({
      sent: { headers: { 'x-api-key': KEY } },
      route: i % 1000 === 0 ? 'x'.repeat(100_000) + i : `/${unlike('route', i)}`,
    }));
    expect(samples.requests).toBe(CAPS.maxRoutes + 1);
    expect(await valuesOf(service.register, METRICS.requests.name, 'route')).toContain('other');
  }, 120_000);

  test('wrong keys', async () => {
    const { verdicts, samples } = await flood('wrong keys', setup({ clients: forgetful }), (i) => ({
      sent: { headers: { 'x-api-key': unlike('key', i) } },
    }));
    expect(verdicts).toEqual({ API_KEY_INVALID: MANY });
    expect([samples.requests, samples.clientRequests]).toEqual([1, 1]);
  }, 120_000);

  test('clients, of a validator that takes every key', async () => {
    const service = setup({ clients: forgetful, legacyKeyValidator: (key) => ({ clientId: key }) });
    const { verdicts, samples } = await flood('clients', service, (i) => ({
      sent: { headers: { 'x-api-key': unlike('client', i) } },
    }));
    expect(verdicts).toEqual({ ok: MANY });
    expect(samples.clientRequests).toBe(CAPS.maxClients + 1);
  }, 120_000);

  test('clients whose names are 100 kB long', async () => {
    const register = new Registry();
    const { adapter } = setup({
      clients: forgetful,
      legacyKeyValidator: (key) => ({ clientId: key + 'x'.repeat(100_000) }),
      observers: [prometheusMetrics({ register, maxClients: 100 })],
    });
    const before = await heapInUse();
    for (let i = 0; i < 200; i++) await pass(adapter, { headers: { 'x-api-key': unlike('client', i) } });
    await adapter.close();
    expect((await heapInUse()) - before).toBeLessThan(NOISE_BYTES); // the names alone would be 10 MB
    expect(await valuesOf(register, METRICS.clientRequests.name, 'client')).toHaveLength(101);
    expect((await register.metrics()).length).toBeLessThan(40_000);
  }, 60_000);

  test('DIDs in the right form that nobody registered', async () => {
    const { verdicts, samples } = await flood('strange DIDs', setup({ clients: forgetful }), (i) => ({
      sent: { headers: { authorization: `Xlink ${headerText({ ...envelope, from: strangeDid(i) })}` } },
    }));
    expect(Object.keys(verdicts)).toHaveLength(1);
    expect(samples.requests).toBe(1);
    expect(samples.clientRequests).toBe(1); // of `unknown`: what is not verified is nobody
  }, 240_000);

  test('envelopes that are none', async () => {
    const { samples } = await flood('broken envelopes', setup({ clients: forgetful }), (i) => {
      const from = `did:key:${unlike('did', i)}`;
      const texts = [
        unlike('text', i),
        headerText({ ...envelope, from }),
        headerText(`{"a":"${unlike('json', i)}"}`),
      ];
      return { sent: { headers: { authorization: `Xlink ${texts[i % texts.length]}` } } };
    });
    expect(samples.requests).toBeLessThanOrEqual(REASONS.size);
  }, 240_000);

  test('methods, header names, bodies and faults', async () => {
    const service = setup({
      clients: forgetful,
      legacyKeyValidator(key) {
        if (key.startsWith('throw')) throw new Error(key);
        return key === KEY ? { clientId: key } : ('nonsense' as never);
      },
    });
    const shapes: ((i: number) => Inbound)[] = [
      (i) => ({ method: unlike('method', i) }),
      (i) => ({ method: `GET\n${i}"`, headers: { 'x-api-key': KEY } }),
      (i) => ({ headers: { [unlike('header', i).toLowerCase()]: KEY, __proto__: KEY } }),
      (i) => ({ headers: { 'x-api-key': `throw ${i}` } }),
      (i) => ({ headers: { 'x-api-key': unlike('nonsense', i) } }),
      (i) => ({ headers: { authorization: `${unlike('scheme', i)} x` } }),
      (i) => ({
        method: 'POST',
        headers: { 'content-type': 'application/xlink-envelope' },
        body: unlike('body', i),
      }),
      (i) => ({
        method: 'POST',
        headers: { 'content-type': 'application/xlink-envelope' },
        body: new Error(unlike('fault', i)),
      }),
      (i) => ({ target: `/.well-known/xlink/${unlike('own', i)}` }),
      (i) => ({
        target: '/.well-known/xlink/enroll',
        method: 'POST',
        headers: { 'x-api-key': unlike('enroll', i) },
      }),
    ];
    const { verdicts, samples } = await flood('hostile requests', service, (i) => ({
      sent: shapes[i % shapes.length]!(i),
    }));
    expect(Object.keys(verdicts).length).toBeGreaterThanOrEqual(5);
    expect(samples.requests).toBeLessThanOrEqual(3 * Object.keys(verdicts).length);
  }, 240_000);
});

describe('thousands over HTTP', () => {
  const KEYS = scaled(1500, 600);
  const DIDS = scaled(1500, 600);

  test('paths, keys, clients, and DIDs whose signatures are good', async () => {
    const register = new Registry();
    const known = await World.withCaller({ maxVersion: 1 }, { maxVersion: 1 });
    const { api } = known;
    const service = await known.serve({
      clients: forgetful,
      legacyKeyValidator: (key) => (key.startsWith('wrong') ? null : { clientId: key }),
      observers: [prometheusMetrics({ register, ...CAPS })],
      mount({ app, adapter, handler, express }: Mounted) {
        app.use(adapter.middleware());
        const tenants = express.Router().all('/orders', handler);
        app.use('/t/:tenant', tenants); // without mergeParams, so that the tenant ends up in the template
        app.use(handler);
      },
    });
    const METHODS = ['GET', 'DELETE', 'PROPFIND', 'PURGE', 'M-SEARCH', 'MKCALENDAR'];
    const send = async (count: number, one: (i: number) => Promise<Parameters<typeof service.send>[0]>) => {
      for (let i = 0; i < count; i += 50)
        await Promise.all(Array.from({ length: 50 }, async (_, j) => service.send(await one(i + j))));
      await service.quiet();
      service.calls.length = 0;
    };
    await send(KEYS, async (i) => {
      const key = i % 3 === 0 ? `wrong-${unlike('key', i)}` : unlike('key', i);
      const path = i % 2 === 0 ? `/t/${unlike('tenant', i)}/orders` : `/${unlike('path', i)}`;
      return withKey({ path, method: METHODS[i % METHODS.length]! }, key);
    });
    await send(200, async (i) => bodyForm(`{"version":1,"from":"${strangeDid(i)}"}`));
    const byKeys = await samplesOf(register);

    const statuses = new Set<number>();
    for (let i = 0; i < DIDS; i++) {
      const { registry, clock } = known;
      const caller = unwrap(await Agent.create({ name: `c${i}`, registry, clock, maxVersion: 1 }));
      statuses.add((await service.send(await signedRequest({ api, caller }))).status);
    }
    await service.quiet();

    expect([...statuses]).toEqual([200]);
    const samples = await samplesOf(register);
    report('over HTTP', sum(samples));
    expect(beyondBound(samples, CAPS)).toEqual([]);
    // what is new is one way to be accepted, not fifteen hundred senders
    expect(samples.requests).toBe(byKeys.requests + 1);
    expect(samples.clientRequests).toBe(byKeys.clientRequests + 1);
    const clients = await valuesOf(register, METRICS.clientRequests.name, 'client');
    expect(clients).toHaveLength(CAPS.maxClients + 2);
    expect(await valuesOf(register, METRICS.requests.name, 'route')).toHaveLength(CAPS.maxRoutes + 2);
  }, 240_000);
});
