import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  Agent,
  CachedTrustRegistry,
  Identity,
  type ManagedTrustRegistry,
  type MessageSessionOptions,
  type NonceStore,
  type SequenceStore,
  type TicketKeyStore,
} from '@private.me/xlink';
import { ensureRegistered } from '../../src/agent/register.js';
import { fetchFor, postJson } from '../client/support.js';
import { seedOf } from '../support/agents.js';
import { until } from '../support/until.js';
import { RawSender, senderTo, serveInbox } from './message-support.js';
import { RawCaller, type SessionApi, serveSessions } from './support.js';

/** What one instance shares with the others, over connections of its own. */
export interface SharedStores {
  readonly registry: ManagedTrustRegistry;
  readonly nonceStore: NonceStore;
  readonly sequences: SequenceStore;
  readonly tickets: TicketKeyStore;
  /** After the registry was closed. */
  end(): unknown;
}

export interface Backend {
  start(): Promise<void>;
  stop(): Promise<unknown>;
  /** Before each test: nothing is left of the last one. */
  empty(): Promise<unknown>;
  connect(): Promise<SharedStores>;
  /** What it knows of nonces, numbers and ticket keys is gone at once. */
  lose(): Promise<unknown>;
  /** What is kept under names of ticket keys, as text. */
  ticketKeys(): Promise<readonly string[]>;
}

const INSTANCES = 4;

/** What is true of the sessions of several instances, whatever they share. */
export function testSharedSessions(backend: Backend): void {
  let instances: SessionApi[];
  let agents: { readonly agent: Agent; readonly sessions: MessageSessionOptions }[];
  const ends: (() => unknown)[] = [];

  beforeAll(() => backend.start(), 30_000);
  afterAll(async () => void (await backend.stop()));

  beforeEach(async () => {
    await backend.empty();
    const identity = await Identity.fromSeed(seedOf('api of sessions'));
    instances = [];
    agents = [];
    for (let i = 0; i < INSTANCES; i++) {
      const { registry: shared, nonceStore, sequences, tickets, end } = await backend.connect();
      const registry = new CachedTrustRegistry({ registry: shared });
      ends.unshift(() => registry.close(), end);
      const agent = new Agent({ identity, registry, nonceStore });
      agents.push({ agent, sessions: { sequences, tickets } });
      instances.push(
        await serveSessions({ sequences, tickets, checkpoints: true }, { agent, instances: INSTANCES }),
      );
    }
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  /** The same identity at four instances, known to those that send it messages. */
  const newInboxes = async () => {
    const { agent } = agents[0]!;
    await ensureRegistered(agent.registry, await Identity.fromSeed(seedOf('api of sessions')), {});
    return Promise.all(agents.map((one) => serveInbox({ ...one, instances: INSTANCES })));
  };

  const newCaller = () => RawCaller.of(instances[0]!.url, instances[0]!.registry);

  test('any of them serves a session that another one opened', async () => {
    const caller = await newCaller();
    for (const { url } of instances) expect(await caller.at(url).call()).toMatchObject({ status: 201 });
  });

  test('a client goes from envelope to session, and each of its calls may go to another instance', async () => {
    let calls = 0;
    const roundRobin: typeof fetch = (input, init) => {
      const { url } = instances[calls++ % 2]!;
      return fetch(String(input).replace(instances[0]!.url, url), init);
    };
    const call = fetchFor(instances[0]!.url, { fetch: roundRobin });
    const forms: unknown[] = [];
    for (let i = 0; i < 8; i++) forms.push(((await (await call('/form')).json()) as { form: string }).form);
    expect(forms[0]).toBe('envelope');
    expect(forms.slice(-5)).toEqual(Array(5).fill('session'));
  });

  test('of 50 copies of a request that reach all four at once, one is carried out', async () => {
    const caller = await newCaller();
    const sealed = await caller.seal();
    const copies = Array.from({ length: 50 }, (_, i) =>
      caller.send(sealed, { url: instances[i % INSTANCES]!.url }),
    );
    const codes = (await Promise.all(copies)).map(({ status, code }) => code ?? status);
    expect(codes.filter((code) => code === 201)).toHaveLength(1);
    expect([...new Set(codes)].sort()).toEqual([201, 'REPLAY_DETECTED']);
    expect(codes.filter((code) => code === 'REPLAY_DETECTED')).toHaveLength(49);
    const handled = instances.flatMap((one) => one.handled).filter((line) => line === 'POST /form');
    expect(handled).toHaveLength(1);
  });

  test('of 50 copies of a message that reach four agents at once, with 10 of the envelope in its place, one is handed over', async () => {
    const inboxes = await newInboxes();
    const sender = await RawSender.of(inboxes[0]!);
    for (let round = 0; round < 5; round++) {
      const timestamp = Date.now();
      const sealed = await sender.seal({ seq: round, timestamp });
      const query = `?xlink-supersedes=${sender.session.id}.${round}.${timestamp}`;
      const envelope = await sender.agent.createEnvelope({
        to: agents[0]!.agent.did,
        payload: 'in its place',
        request: `POST /xlink${query}`,
      });
      const copies = Array.from({ length: 60 }, async (_, i) => {
        const { url } = inboxes[i % INSTANCES]!;
        if (i % 6 > 0) return (await sender.post(sealed, { url })).status;
        const headers = { 'Content-Type': 'application/xlink-envelope' };
        const body = JSON.stringify(envelope);
        return (await fetch(url + query, { method: 'POST', headers, body })).status;
      });
      const statuses = await Promise.all(copies);
      expect(statuses.filter((status) => status === 204)).toHaveLength(1);
      expect([...new Set(statuses)].sort()).toEqual([204, 409]);
      expect(inboxes.flatMap(({ messages }) => messages)).toHaveLength(round + 1);
    }
  });

  test('a sender over all four goes on in its session', async () => {
    const inboxes = await newInboxes();
    let turn = 0;
    const spread: typeof fetch = (input, init) =>
      fetch(String(input).replace(inboxes[0]!.url, inboxes[turn++ % INSTANCES]!.url), init);
    const sender = await senderTo(inboxes[0]!, {}, { fetch: spread });
    const taken = () => inboxes.flatMap(({ messages }) => messages.map(({ payload }) => payload));
    const forms: unknown[] = [];
    for (let n = 0; n < 8; n++) forms.push((await sender.sent(n)).inSession);
    expect(forms.slice(1)).toEqual(Array(7).fill(true));
    expect(taken().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('any of them takes the checkpoints of a session, and of 20 in one place one', async () => {
    const caller = await newCaller();
    for (let round = 0; round < 2; round++) {
      for (const { url } of instances) expect((await caller.at(url).call()).status).toBe(201);
      const racers = Array.from({ length: 20 }, (_, i) =>
        caller.checkpoint(undefined, { url: instances[i % 4]!.url }),
      );
      const outcomes = await Promise.all(racers);
      expect(outcomes.filter((outcome) => typeof outcome === 'object')).toHaveLength(1);
      expect(new Set(outcomes.filter((outcome) => typeof outcome === 'string'))).toEqual(
        new Set(['SESSION_CHECKPOINT_INVALID:REPEATED']),
      );
    }
    expect(caller.session.checkpoints!.next).toBe(8);
    const overdue = await caller.at(instances[3]!.url).call({ seq: 8 + 255 });
    expect(overdue).toMatchObject({ status: 428, code: 'SESSION_CHECKPOINT_REQUIRED' });
  });

  test('a client over all of them signs what it sent, and notices nothing', async () => {
    let turn = 0;
    const { url } = instances[0]!;
    const spread: typeof fetch = (input, init) =>
      fetch(String(input).replace(url, instances[turn++ % 4]!.url), init);
    const registered = await Agent.quickstart({ registry: instances[0]!.registry });
    const call = fetchFor(url, { fetch: spread, agent: registered });
    const forms: string[] = [];
    const worker = async () => {
      for (let i = 0; i < 40; i++)
        forms.push(((await (await call('/form', postJson({ i }))).json()) as { form: string }).form);
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    expect(forms.filter((form) => form === 'session').length).toBeGreaterThan(300);
    const told = instances.flatMap((one) => one.events.filter(({ type }) => type === 'session-checkpoint'));
    expect(told.length).toBeGreaterThan(1);
    expect(told.filter((event) => 'outcome' in event && event.reason !== 'ok')).toEqual([]);
  });

  test('a revocation at one ends open sessions at the others within 250 ms', async () => {
    const caller = await newCaller();
    const others = instances.slice(1).map(({ url }) => caller.at(url));
    for (const other of others) expect((await other.call()).status).toBe(201);
    let last = 0;
    let isOver = false;
    const hammer = async (other: RawCaller) => {
      while (!isOver) {
        const sentAt = performance.now();
        const { status } = await other.call();
        if (status === 201) last = Math.max(last, sentAt);
        else return;
      }
    };
    const hammering = others.map(hammer);
    await caller.call();
    const revokedAt = performance.now();
    await (instances[0]!.registry as CachedTrustRegistry).revoke(caller.agent.did);
    await Promise.race([Promise.all(hammering), new Promise((resolve) => setTimeout(resolve, 5000))]);
    isOver = true;
    await Promise.all(hammering);
    expect(last - revokedAt).toBeLessThan(250);
    for (const other of others) expect((await other.call()).code).toBe('VERIFICATION_FAILED:DID_REVOKED');
  });

  test('the key of a ticket is kept sealed, under the name that the protocol gives it', async () => {
    await newCaller();
    const kept = await backend.ticketKeys();
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatch(/^[\w-]{86}$/); // 16 + 32 + 16 bytes
  });

  test('stores that lost everything let nothing in a second time, and clients go on by themselves', async () => {
    const caller = await newCaller();
    const sealed = await caller.seal();
    expect((await caller.send(sealed)).status).toBe(201);
    await backend.lose();
    // The one that opened the session has its key in memory; the others have lost it.
    expect((await caller.send(sealed)).code).toMatch(
      /^(NONCE_STORE_UNAVAILABLE|LOOKUP_FAILED|VERIFICATION_FAILED)/,
    );
    await serving(instances[0]!.url);
    expect((await caller.send(sealed)).status).not.toBe(201);
    await serving(instances[1]!.url);
    expect((await caller.send(sealed, { url: instances[1]!.url })).code).toBe('SESSION_UNKNOWN');
    await serving(instances[2]!.url);
    const call = fetchFor(instances[2]!.url);
    const forms: unknown[] = [];
    for (let i = 0; i < 3; i++) forms.push(((await (await call('/form')).json()) as { form: string }).form);
    expect(forms).toEqual(['envelope', 'session', 'session']);
  });
}

/** Resolves once an instance takes what is sealed after the loss. */
const serving = (url: string) =>
  until(
    async () => {
      const call = fetchFor(url);
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => call('/form')));
      return answers.every((answer) => answer.status === 'fulfilled' && answer.value.ok);
    },
    { withinMs: 20_000, what: 'the instance' },
  );
