import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Agent, type CutoverReport, type Did, discover, type Identity, xlinkFetch } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { unwrap } from '../support/results.js';
import { RotatingApi } from './rotating-api.js';

/**
 * The identity of an API with two instances rotates, and those of its five clients, under steady traffic over real HTTP, with
 * registry, nonces and clients in one Redis. Nothing waits for time: each step lasts so many requests.
 */
const CLIENTS = ['acme', 'bolt', 'cask', 'dune', 'elm'];
const LOCAL = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true } as const;

interface Call {
  readonly client: string;
  readonly status: number;
  readonly id: string;
  readonly write: boolean;
  readonly body: {
    readonly id?: string;
    readonly writes?: number;
    readonly by?: { client?: string; did?: Did; scopes?: string[] };
  };
  readonly sealed: boolean;
}

const calls: Call[] = [];
const failures: unknown[] = [];
let onProgress = () => {};

/** Goes on once so many more requests of every client are over. */
async function traffic(each = 6): Promise<void> {
  const counts = () => CLIENTS.map((name) => calls.filter(({ client }) => client === name).length);
  const wanted = counts().map((count) => count + each);
  while (failures.length === 0 && counts().some((count, at) => count < wanted[at]!))
    await new Promise<void>((resolve) => {
      onProgress = resolve;
    });
}

/** Writes an order, reads it back, and so on without a pause. */
class Caller {
  readonly name: string;
  readonly #agent: Agent;
  readonly #fetch: typeof fetch;
  /** Added to its clock, so that what it holds of the service expires. */
  skipMs = 0;
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(name: string, url: string, agent: Agent, pinnedDid: Did | undefined) {
    this.name = name;
    this.#agent = agent;
    this.#fetch = xlinkFetch({
      ...LOCAL,
      agent,
      baseUrl: url,
      apiKey: `key-of-${name}-0123456789`,
      clock: () => Date.now() + this.skipMs,
      ...(pinnedDid === undefined ? {} : { pinnedDid }),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async rotate(next: Identity): Promise<void> {
    unwrap(await this.#agent.succeedBy(next));
  }

  async #run(): Promise<void> {
    try {
      for (let count = 0; !this.#isStopped; count++) {
        const id = `${this.name}-${count}`;
        const headers = { 'Content-Type': 'application/json' };
        await this.#call(id, true, () =>
          this.#fetch('/orders', { method: 'POST', headers, body: JSON.stringify({ id }) }),
        );
        await this.#call(id, false, () => this.#fetch(`/orders/${id}`));
      }
    } catch (error) {
      failures.push(error);
    } finally {
      onProgress();
    }
  }

  async #call(id: string, write: boolean, send: () => Promise<Response>): Promise<void> {
    const response = await send();
    const body = (await response.json()) as Call['body'];
    const sealed = response.headers.get('xlink-sealed') === 'true';
    calls.push({ client: this.name, status: response.status, id, write, body, sealed });
    onProgress();
  }
}

describeWithRedis('identities rotate under traffic', () => {
  let redis: RedisServer;
  let api: RotatingApi;
  let callers: Caller[];
  let report: CutoverReport;
  let old: Identity;
  let next: Identity;
  const clientDids = new Map<string, Did[]>();
  const ends: (() => void)[] = [];
  let shownBefore: Did;
  let shownAfter: Did;

  beforeAll(async () => {
    redis = await RedisServer.start();
    [old, next] = [await identityOf('rehearsal service'), await identityOf('rehearsal service next')];
    const keys = new Map(CLIENTS.map((name) => [`key-of-${name}-0123456789`, name]));
    api = await RotatingApi.start(redis.port, keys, old);
    const { registry, end } = api.registry();
    ends.push(end);
    const record = await api.instances[0]!.agent.keyRecord();
    unwrap(await registry.register({ did: old.did, keys: record, name: 'orders' }));
    callers = await Promise.all(
      CLIENTS.map(async (name, at) => {
        const own = api.registry();
        ends.push(own.end);
        const identity = await identityOf(`rehearsal ${name}`);
        clientDids.set(name, [identity.did, (await identityOf(`rehearsal ${name} next`)).did]);
        const agent = new Agent({ identity, registry: own.registry });
        return new Caller(name, api.proxy.url, agent, at < 2 ? old.did : undefined);
      }),
    );
    for (const caller of callers) caller.start();
    await traffic();
    const shown = async () => (await discover(api.proxy.url, LOCAL)).did;

    await api.roll({ identity: old, successor: next }); // first step: every instance holds both
    await traffic();
    shownBefore = await shown();
    unwrap(await api.instances[1]!.agent.succeedBy(next)); // second step: one statement for all
    shownAfter = await shown();
    await traffic(); // callers that still hold the old document
    for (const caller of callers) {
      caller.skipMs = 170_000; // and now look again
      await traffic(2);
    }
    await traffic();
    for (const caller of callers) {
      await caller.rotate(await identityOf(`rehearsal ${caller.name} next`));
      await traffic(2);
    }
    await traffic();
    await api.roll({ identity: next }); // third step: the old key is gone
    await traffic();
    await Promise.all(callers.map((caller) => caller.stop()));
    report = await api.report();
  }, 120_000);

  afterAll(async () => {
    await Promise.all((callers ?? []).map((caller) => caller.stop()));
    for (const end of ends) end();
    await api?.close();
    await redis?.stop();
  });

  test('no request fails, and each is answered for what it was', () => {
    expect(failures).toEqual([]);
    expect(calls.length).toBeGreaterThan(5 * 40);
    for (const { status, write, id, body, client, sealed } of calls) {
      expect([status, body.id, sealed]).toEqual([write ? 201 : 200, id, true]);
      expect([body.by?.client, body.by?.scopes]).toEqual([client, ['orders']]);
      if (!write) expect([id, body.writes]).toEqual([id, 1]);
    }
  });

  test('no write is lost, and none is carried out twice', () => {
    const written = calls.filter(({ write }) => write).map(({ id }) => id);
    expect([...api.writes.keys()].sort()).toEqual([...written].sort());
    expect(new Set(api.writes.values())).toEqual(new Set([1]));
  });

  test('both rotated: the service in its document, each client in what it signs', () => {
    expect([shownBefore, shownAfter]).toEqual([old.did, next.did]);
    for (const name of CLIENTS) {
      const dids = calls.filter(({ client }) => client === name).map(({ body }) => body.by?.did);
      expect([dids[0], dids.at(-1)]).toEqual(clientDids.get(name));
    }
  });

  test('the report shows the same clients, none of them twice, and all of them moved', () => {
    expect(report.clients.map(({ client }) => client)).toEqual(CLIENTS);
    for (const { client, dids, xlinkRequests, keyRequests, state, failures: failed } of report.clients) {
      expect(dids).toEqual(clientDids.get(client));
      expect([xlinkRequests, keyRequests, state, failed]).toEqual([
        calls.filter((call) => call.client === client).length,
        0,
        'moved',
        {},
      ]);
    }
  });
});
