import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Agent, type CutoverReport } from '@private.me/xlink';
import { type Call, Caller, type Phase } from './caller.js';
import { Cluster } from './cluster.js';

/**
 * The whole migration, with steady traffic over real HTTP: 20 clients, four instances behind a load balancer, every mode
 * and back, a brownout, and deploys in between. Nothing waits for time: each step lasts so many requests.
 */
const CLIENTS = Array.from({ length: 20 }, (_, at) => `client-${String(at).padStart(2, '0')}`);
const REQUESTS_PER_STEP = 60;

const calls: Call[] = [];
let cluster: Cluster;
let callers: Caller[];
let report: CutoverReport;
let phase: Phase = { name: 'observe' };
let onProgress = () => {};

/** Goes on once so many more requests are over. */
async function traffic(requests = REQUESTS_PER_STEP): Promise<void> {
  const until = calls.length + requests;
  while (calls.length < until) {
    await new Promise<void>((resolve) => {
      onProgress = resolve;
    });
  }
}

function enter(name: Phase['name']): void {
  phase = { name };
  if (name !== 'brownout') cluster.setMode(name);
}

async function move(from: number, to: number): Promise<void> {
  for (const caller of callers.slice(from, to)) {
    await caller.move();
    await traffic(20);
  }
}

async function everybodyOnXlink(): Promise<void> {
  while ((await cluster.report()).clients.some(({ lastXlinkUse }) => lastXlinkUse === undefined))
    await traffic(20);
}

beforeAll(async () => {
  const keys = new Map(CLIENTS.map((name) => [`key-of-${name}`, name]));
  cluster = await Cluster.start(4, keys);
  const onCall = (call: Call) => {
    calls.push(call);
    onProgress();
  };
  callers = CLIENTS.map(
    (name) => new Caller(name, `key-of-${name}`, cluster.proxy.url, cluster.clock, () => phase, onCall),
  );
  for (const caller of callers) caller.start();

  await traffic();
  await callers[0]!.move(); // ahead of everybody: its envelopes are only watched
  await traffic();

  enter('hybrid');
  await callers[1]!.move({ agent: await Agent.quickstart({ maxVersion: 1 }) });
  await callers[2]!.move({ agent: await Agent.quickstart({ postQuantumSig: true }) });
  await move(3, 8);
  await cluster.restart(0);
  await move(8, 14);
  await cluster.restart(1);
  await traffic();

  enter('deprecation');
  await move(14, 16);
  const hour = 3_600_000;
  cluster.scheduleBrownout({
    from: new Date(cluster.clock() + hour),
    until: new Date(cluster.clock() + 2 * hour),
  });
  await traffic();
  enter('brownout');
  cluster.skipMs = 1.5 * hour;
  await traffic();
  await cluster.restart(2);
  await traffic();
  enter('deprecation');
  cluster.skipMs = 3 * hour;
  await traffic();

  enter('xlink-only');
  await traffic(2 * REQUESTS_PER_STEP);
  enter('hybrid'); // four clients were not ready after all
  await traffic();
  await move(16, 20);
  await everybodyOnXlink(); // what the report is for: the last one may not have enrolled yet
  enter('xlink-only');
  await traffic();
  await cluster.restart(3);
  await traffic();

  for (const caller of callers) await caller.stop();
  cluster.skipMs += hour;
  report = await cluster.report();
}, 120_000);

afterAll(() => cluster.close());

const steady = () => calls.filter((call) => call.phase !== undefined);
const refused = ({ status }: Call) => status >= 400;

describe('a whole migration', () => {
  test('was a rehearsal worth the name', () => {
    expect(calls.length).toBeGreaterThan(1000);
    for (const name of ['observe', 'hybrid', 'deprecation', 'brownout', 'xlink-only']) {
      expect(steady().filter((call) => call.phase === name).length).toBeGreaterThan(40);
    }
    expect(steady().length / calls.length).toBeGreaterThan(0.8);
  });

  test('no request fails that should succeed', () => {
    const entitled = (call: Call) =>
      call.by === 'xlink' ||
      call.phase === 'observe' ||
      call.phase === 'hybrid' ||
      call.phase === 'deprecation';
    expect(steady().filter((call) => entitled(call) && refused(call))).toEqual([]);
  });

  test('no request succeeds that should fail, and each is told why', () => {
    const barred = (name: string) => steady().filter((call) => call.phase === name && call.by === 'api-key');
    expect(new Set(barred('brownout').map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['401 API_KEY_BROWNOUT']),
    );
    expect(new Set(barred('xlink-only').map(({ status, code }) => `${status} ${code}`))).toEqual(
      new Set(['401 XLINK_REQUIRED']),
    );
  });

  test('whoever has moved gets sealed answers; envelopes that are only watched change nothing', () => {
    const moved = calls.filter(
      ({ client, by, status }) => by === 'xlink' && status < 400 && client !== 'client-00',
    );
    expect(moved.length).toBeGreaterThan(300);
    expect(moved.filter(({ sealed }) => !sealed)).toEqual([]);
    const watched = steady().filter((call) => call.client === 'client-00' && call.phase === 'observe');
    expect(new Set(watched.map(({ by, sealed }) => `${by} ${sealed}`))).toEqual(new Set(['api-key false']));
  });

  test('while a mode changes, a request is either served or refused for the reason of one of the two modes', () => {
    const outcomes = calls
      .filter((call) => call.phase === undefined)
      .map(({ by, status, code }) => (refused({ status } as Call) ? `${by} ${code}` : 'served'));
    for (const outcome of outcomes)
      expect(['served', 'api-key API_KEY_BROWNOUT', 'api-key XLINK_REQUIRED']).toContain(outcome);
  });

  test('a write that was confirmed happened once, one that was refused never, and none twice', () => {
    for (const { orderId, write, status } of calls) {
      if (write)
        expect([orderId, cluster.writes.get(orderId) ?? 0]).toEqual([orderId, status === 201 ? 1 : 0]);
    }
    expect(Math.max(...cluster.writes.values())).toBe(1);
    expect(cluster.writes.size).toBe(calls.filter(({ write, status }) => write && status === 201).length);
  });

  test('every request counts for the client that sent it, whichever credential it used', () => {
    for (const call of calls)
      if (!refused(call)) expect([call.client, call.seenAs]).toEqual([call.client, call.client]);
  });

  test('keys are warned in deprecation, and nobody else', () => {
    const warned = new Set(
      steady()
        .filter(({ deprecated }) => deprecated)
        .map(({ phase: during, by }) => `${during} ${by}`),
    );
    expect(warned).toEqual(new Set(['deprecation api-key']));
    const unwarned = steady().filter(
      ({ phase: during, by, deprecated }) => during === 'deprecation' && by === 'api-key' && !deprecated,
    );
    expect(unwarned).toEqual([]);
  });

  test('the report is right to the last request', () => {
    const seen = CLIENTS.map((client) => {
      const mine = calls.filter((call) => call.client === client);
      const failures: Record<string, number> = {};
      for (const { code } of mine.filter(refused)) failures[code!] = (failures[code!] ?? 0) + 1;
      const served = (by: Call['by']) => mine.filter((call) => call.by === by && !refused(call)).length;
      return { client, keyRequests: served('api-key'), xlinkRequests: served('xlink'), failures };
    });
    const told = report.clients.map(({ client, keyRequests, xlinkRequests, failures }) => ({
      client,
      keyRequests,
      xlinkRequests,
      failures,
    }));
    expect(told).toEqual(seen);
    expect(report.clients.every(({ dids }) => dids.length === 1)).toBe(true);
    expect(report.clients.filter(({ safeToSwitch }) => !safeToSwitch)).toEqual([]);
    expect(report.safeToSwitch).toBe(true);
  });
});
