import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  MemoryTrustRegistry,
  type SessionCheckpoint,
  verifyCheckpoint,
  type XlinkFetchOptions,
  xlinkFetch,
} from '@private.me/xlink';
import { fetchFor, KEY, LOCAL, postJson } from '../client/support.js';
import { frozenClock, MINUTE, NOON, SECOND } from '../support/clock.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import { RawCaller, type SessionApi, type SigningApi, serveSigning, told } from './support.js';

const HANDSHAKES = '/.well-known/xlink/session';
const PATH = '/.well-known/xlink/session/checkpoint';
const formOf = async (answer: Promise<Response>) => ((await (await answer).json()) as { form: string }).form;
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const refusals = ({ events }: SessionApi) =>
  events.flatMap((event) => (event.type === 'request' && event.outcome === 'refused' ? [event.reason] : []));

/** Each session is signed from its first number on, without gaps, each checkpoint on top of the one before. */
function expectChains(kept: readonly SessionCheckpoint[]): void {
  for (const session of new Set(kept.map((one) => one.session))) {
    const chain = kept.filter((one) => one.session === session);
    for (const [i, one] of chain.entries()) {
      expect(one.from).toBe(i === 0 ? 0 : chain[i - 1]!.to);
      if (i > 0) expect(one.previous).toBe(chain[i - 1]!.head);
      expect(one.leaves.map(([seq]) => seq)).toEqual(numbers(one.from, one.to));
    }
  }
}

describe('a client signs what it sent in a session', () => {
  let api: SigningApi;
  const clientOf = (more: XlinkFetchOptions = {}, of: SessionApi = api) => fetchFor(of.url, more);

  test('in time and beside its calls: none waits, none is refused, and each is signed', async () => {
    api = await serveSigning({ requests: 32, compare: true }, {}, { clientScopes: () => ['*'] });
    const call = clientOf();
    const forms = [];
    for (let i = 0; i < 200; i++) forms.push(await formOf(call('/form', postJson({ i }))));
    expect(forms.filter((form) => form === 'session').length).toBeGreaterThan(150);
    expect(refusals(api)).toEqual([]);
    expectChains(api.kept);
    const signed = api.kept.flatMap(({ leaves }) => leaves).length;
    expect(signed).toBeGreaterThan(150);
    expect(api.kept.reduce((sum, { compared }) => sum + compared, 0)).toBe(signed);
    expect(told(api)).toHaveLength(api.kept.length);
    expect(told(api)[0]).toEqual({
      type: 'session-checkpoint',
      did: api.kept[0]!.did,
      client: 'acme',
      session: api.kept[0]!.session,
      outcome: 'accepted',
      reason: 'ok',
      requests: api.kept[0]!.leaves.length,
      compared: api.kept[0]!.leaves.length,
    });
  });

  test('before it ends, where it says so, and may go on afterwards', async () => {
    api = await serveSigning({ compare: true });
    const call = clientOf();
    await call.settle(); // nothing was called
    for (let i = 0; i < 5; i++) await formOf(call('/form', postJson({ i })));
    expect(api.kept).toEqual([]);
    await Promise.all([call.settle(), call.settle()]);
    expect(api.kept.flatMap(({ leaves }) => leaves)).toHaveLength(4);
    await call.settle();
    expect(api.count(PATH)).toBe(1);
    expect(await formOf(call('/form', postJson({})))).toBe('session');
    await call.settle();
    expectChains(api.kept);
    expect(api.kept.flatMap(({ leaves }) => leaves)).toHaveLength(5);
  });

  test('what the service does not take is what settle() rejects with', async () => {
    api = await serveSigning();
    let isDown = true;
    const spotty: typeof fetch = async (input, init) =>
      isDown && String(input).includes(PATH) ? new Response(null, { status: 503 }) : fetch(input, init);
    const call = clientOf({ fetch: spotty });
    for (let i = 0; i < 3; i++) await formOf(call('/form', postJson({ i })));
    await expect(call.settle()).rejects.toMatchObject({ code: expect.stringMatching(/./) });
    isDown = false;
    await call.settle();
    expect(api.kept.flatMap(({ leaves }) => leaves)).toHaveLength(2);
  });

  test('with 50 calls on the way at all times', async () => {
    api = await serveSigning({ compare: true });
    const call = clientOf();
    await call('/form');
    let left = 600;
    const forms: string[] = [];
    const worker = async () => {
      while (left-- > 0) forms.push(await formOf(call('/form', postJson({ left }))));
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    expect(forms).toHaveLength(600);
    expect(forms.filter((form) => form === 'session').length).toBeGreaterThan(500);
    expect(refusals(api)).toEqual([]);
    expectChains(api.kept);
    expect(api.kept.length).toBeGreaterThan(2);
    expect(api.kept.every(({ leaves }) => leaves.length < 256)).toBe(true);
  });

  test('for an hour, through all sessions and pauses', async () => {
    const clock = frozenClock(NOON);
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ registry, clock });
    api = await serveSigning({ seconds: 60, compare: true }, {}, { agent, clock });
    const call = clientOf({ clock });
    for (let i = 0; i < 240; i++) {
      expect((await call('/form', postJson({ i }))).status).toBe(201);
      await until(() => told(api).length === api.count(PATH)); // what is beside the calls is done
      if (i % 40 === 39) await call('/form'); // and its answer there, before the clock jumps
      clock.advance(i % 40 === 39 ? 5 * MINUTE : 10 * SECOND);
    }
    expect(refusals(api)).toEqual([]);
    expectChains(api.kept);
    expect(new Set(api.kept.map(({ session }) => session)).size).toBeGreaterThan(3);
    const inSessions = api.events.filter(
      (event) => event.type === 'request' && event.form === 'session',
    ).length;
    const signed = api.kept.flatMap(({ leaves }) => leaves).length;
    expect(inSessions).toBeGreaterThan(150);
    expect(inSessions - signed).toBeLessThan(24); // those before pauses, for the timer does not follow this clock
  });

  test('also when it calls no more', async () => {
    api = await serveSigning({ seconds: 1 });
    const call = clientOf();
    await call('/form');
    await call('/form');
    await until(() => api.kept.length > 0);
    expect(api.kept[0]!.leaves).toHaveLength(1);
  });

  test('what is answered late or never, refused or broken off, streamed or to HEAD', async () => {
    let release = () => {};
    api = await serveSigning({ requests: 16, compare: true }, { never: ['pay'] }, {}, (app) => {
      app.get('/stream', (_req, res) => {
        res.write('data: 1\n\n');
        release = () => res.end();
      });
      app.post('/break', (_req, res) => {
        res.write('x'.repeat(100));
        setImmediate(() => res.destroy());
      });
    });
    const call = clientOf();
    await call('/form');
    const stream = await call('/stream');
    await call('/form', { method: 'HEAD' });
    await call('/break', postJson({}))
      .then((answer) => answer.text())
      .catch(() => {});
    const given = new AbortController();
    const late = call('/stream', { signal: given.signal });
    await late.then(() => given.abort());
    for (let i = 0; i < 30; i++) await formOf(call('/form', postJson({ i })));
    release();
    await stream.body?.cancel();
    await until(() => api.kept.flatMap(({ leaves }) => leaves).length > 20);
    expect(told(api).filter((event) => 'outcome' in event && event.outcome === 'refused')).toEqual([]);
    expectChains(api.kept);
  });

  test('and goes on with envelopes while checkpoints do not get through, and in a session after that', async () => {
    api = await serveSigning({ requests: 8 });
    let isDown = true;
    const flaky: typeof fetch = (input, init) =>
      isDown && String(input).includes(PATH) ? Promise.reject(new TypeError('down')) : fetch(input, init);
    const call = clientOf({ fetch: flaky });
    const forms = [];
    for (let i = 0; i < 20; i++) forms.push(await formOf(call('/form', postJson({ i }))));
    expect(forms.filter((form) => form === 'session')).toHaveLength(7);
    expect(refusals(api)).toEqual([]);
    isDown = false;
    expect(api.handled.filter((line) => line === 'POST /form')).toHaveLength(20);
  });

  test('and does what a refusal demands: the call goes by envelope, once, and the session on', async () => {
    api = await serveSigning();
    let refused = 0;
    const demanding: typeof fetch = async (input, init) => {
      const credential = new Headers(init?.headers).get('authorization') ?? '';
      if (!credential.startsWith('Xlink-Session') || refused++ > 0) return fetch(input, init);
      const problem = { code: 'SESSION_CHECKPOINT_REQUIRED', status: 428 };
      return Response.json(problem, { status: 428, headers: { 'content-type': 'application/problem+json' } });
    };
    const call = clientOf({ fetch: demanding });
    await call('/form');
    expect(await formOf(call('/form', postJson({ a: 1 })))).toBe('envelope');
    expect(api.handled.filter((line) => line === 'POST /form')).toHaveLength(1);
    await until(() => api.kept.length > 0);
    await until(async () => (await formOf(call('/form'))) === 'session');
    expect(api.count(HANDSHAKES)).toBe(1);
  });

  test('and does not notice that the service was started anew, or that it is', async () => {
    api = await serveSigning({ requests: 16 });
    const restarted = await serveSigning({ requests: 16 }, {}, { agent: api.agent });
    let target = api.url;
    const moved: typeof fetch = (input, init) => {
      const url = String(input).replace(api.url, target);
      return fetch(url, init);
    };
    const roaming = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY, fetch: moved });
    for (let i = 0; i < 12; i++) expect((await roaming('/form', postJson({ i }))).status).toBe(201);
    target = restarted.url;
    for (let i = 0; i < 12; i++) expect((await roaming('/form', postJson({ i }))).status).toBe(201);
    expect([...api.handled, ...restarted.handled].filter((line) => line === 'POST /form')).toHaveLength(24);
    const anew = fetchFor(restarted.url);
    for (let i = 0; i < 12; i++) expect((await anew('/form', postJson({ i }))).status).toBe(201);
    expectChains([...api.kept, ...restarted.kept]);
  });

  test('and ends its session where the service cannot keep what it signed', async () => {
    api = await serveSigning({ requests: 8 }, { onCheckpoint: () => Promise.reject(new Error('disk full')) });
    const call = clientOf();
    for (let i = 0; i < 12; i++) expect((await call('/form', postJson({ i }))).status).toBe(201);
    await until(() => api.events.some((event) => event.type === 'fault'));
    expect(told(api)).toEqual([]);
    expect(api.handled.filter((line) => line === 'POST /form')).toHaveLength(12);
  });
});

describe('a session that is not signed in time', () => {
  const clock = frozenClock(NOON);
  let api: SigningApi;
  let caller: RawCaller;

  beforeEach(async () => {
    clock.set(NOON);
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ registry, clock });
    api = await serveSigning({}, {}, { agent, clock });
    caller = await RawCaller.of(api.url, registry, ['*'], { clock });
  });
  const call = (seq: number) => caller.call({ seq, timestamp: clock() });

  test('is refused before anything is handled: by number', async () => {
    expect((await call(254)).status).toBe(201);
    const before = api.handled.length;
    expect(await call(255)).toMatchObject({ status: 428, code: 'SESSION_CHECKPOINT_REQUIRED' });
    expect(await call(60_000)).toMatchObject({ status: 428 });
    expect(api.handled.length).toBe(before);
    expect((await call(255)).code).toBe('SESSION_CHECKPOINT_REQUIRED'); // and its number is free
  });

  test('and by time, until it is signed', async () => {
    expect((await call(caller.session.next++)).status).toBe(201);
    clock.advance(60 * SECOND);
    expect((await call(caller.session.next++)).status).toBe(201);
    clock.advance(1);
    expect((await call(2)).code).toBe('SESSION_CHECKPOINT_REQUIRED');
    expect(await caller.checkpoint()).toMatchObject({ to: 2 });
    expect((await call(caller.session.next++)).status).toBe(201);
    clock.advance(60 * SECOND + 1);
    expect((await call(caller.session.next)).code).toBe('SESSION_CHECKPOINT_REQUIRED');
  });

  test('and takes no number that is behind its checkpoint', async () => {
    caller.session.next = 0;
    for (let i = 0; i < 3; i++) await call(caller.session.next++);
    await caller.checkpoint();
    expect((await call(1)).code).toBe('SESSION_SEQUENCE_INVALID');
  });

  test('is over in the end, and its checkpoint late then', async () => {
    await call(caller.session.next++);
    clock.advance(10 * MINUTE + 1);
    expect(await caller.checkpoint()).toBe('SESSION_EXPIRED');
  });
});

describe('what is kept of a checkpoint', () => {
  test.each([2, 3] as const)('can be shown to others, and changed by nobody: version %i', async (version) => {
    const registry = new MemoryTrustRegistry();
    const agent = await Agent.quickstart({ registry, maxVersion: version });
    const api = await serveSigning({}, {}, { agent });
    const caller = await RawCaller.of(api.url, registry, ['*'], { maxVersion: version });
    for (let i = 0; i < 3; i++) await caller.call();
    await caller.checkpoint();
    const [kept] = api.kept;
    const keys = { caller: await caller.agent.keyRecord(), service: await agent.keyRecord() };
    const proven = unwrap(await verifyCheckpoint(kept!, keys));
    expect(proven).toMatchObject({ caller: caller.agent.did, service: agent.did, from: 0, to: 3 });
    expect(proven.leaves).toEqual(kept!.leaves);
    expect([proven.session, proven.previous]).toEqual([kept!.session, kept!.previous]);

    const proves = async (change: Partial<SessionCheckpoint>) =>
      (await verifyCheckpoint({ ...kept!, ...change }, keys)).ok;
    const text = new TextDecoder().decode(kept!.content);
    const changed = text.replace(proven.leaves[0]![1], proven.leaves[1]![1]);
    expect(await proves({ content: new TextEncoder().encode(changed) })).toBe(false);
    expect(await proves({ countersignature: kept!.countersignature.slice(0, -1) })).toBe(false);
    const flipped = kept!.countersignature.map((byte, i) => (i === 900 ? byte ^ 1 : byte));
    expect(await proves({ countersignature: flipped })).toBe(false);
    await caller.call();
    await caller.checkpoint();
    const { countersignature, envelope } = api.kept[1]!;
    expect(await proves({ countersignature })).toBe(false);
    expect(await proves({ envelope })).toBe(false);
    const stranger = await Agent.quickstart({ registry });
    const theirs = await stranger.keyRecord();
    expect((await verifyCheckpoint(kept!, { ...keys, caller: theirs })).ok).toBe(false);
  });
});
