import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  type Envelope,
  GatewayTransport,
  Identity,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import { WebSocket } from 'ws';
import { RECEIVE_REQUEST, RELAY_SCOPE, SOCKET_REQUEST } from '../../src/transport/relay-protocol.js';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { listen } from '../support/listen.js';
import { idOf, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { type RelaySetup, type RunningRelay, startRelay } from '../transport/servers.js';

const MARKER = 'marker-7c1f55e0-in-the-clear';
const DAY = 86_400_000;

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly subCode?: string; readonly messages?: { id: string }[] };
}

async function post(url: string, path: string, body: unknown): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url + path, { method: 'POST', body: text });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const codeOf = ({ body: { code, subCode } }: Answer): string =>
  subCode === undefined ? String(code) : `${code}:${subCode}`;

/** A relay, and people who know each other. None of them receives until told to. */
async function world(setup: RelaySetup = {}) {
  const running = await startRelay(setup);
  const registry = new MemoryTrustRegistry();
  const clock = setup.clock ? { clock: setup.clock } : {};
  const person = async (name: string, options: AgentOptions = {}) => {
    const transport = new GatewayTransport({ relayUrl: running.url, waitMs: 500, backoff: () => 20 });
    afterTest(async () => transport.dispose());
    const seed = seedOf(`relay ${name}`);
    return unwrap(await Agent.fromSeed({ seed, registry, transport, ...clock, ...options }));
  };
  return { running, registry, person, alice: await person('alice'), bob: await person('bob') };
}

const proof = (agent: Agent, { relay }: RunningRelay, pull: object, request = RECEIVE_REQUEST) =>
  agent.createIntroduction({
    to: relay.did,
    scope: RELAY_SCOPE,
    request,
    payload: { ack: [], after: '', waitMs: 0, ...pull },
  });

const pull = async (agent: Agent, running: RunningRelay, what: object = {}): Promise<Answer> =>
  post(running.url, '/relay/receive', await proof(agent, running, what));

const idsOf = ({ body }: Answer): string[] => body.messages!.map(({ id }) => id);

describe('what is sent to the relay', () => {
  test('is answered with 202 once it is in the file, and is there after a restart', async () => {
    const folder = await temporaryFolder();
    const { running, alice, bob } = await world({ folder });
    const { envelope } = unwrap(await alice.send({ to: bob.did, payload: 'kept' }));
    expect(await readFile(running.file, 'utf8')).toContain(envelope.signature);
    await running.stop();
    const again = await startRelay({ folder });
    const { body } = await pull(bob, again);
    expect(body.messages).toEqual([{ id: '1', envelope: { ...envelope } }]);
  });

  test('is refused unless its sender signed all of it', async () => {
    const { running, alice, bob } = await world();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const carol = await Identity.fromSeed(seedOf('relay carol'));
    for (const changed of [
      { from: carol.did },
      { to: carol.did },
      { scope: 'other' },
      { timestamp: envelope.timestamp + 1 },
      { payload: `${envelope.payload!.slice(0, -4)}AAAA` },
      { signature: `${envelope.signature.slice(0, -4)}AAAA` },
    ]) {
      const answer = await post(running.url, '/relay/send', { ...envelope, ...changed });
      expect([changed, answer.status, codeOf(answer)]).toEqual([
        changed,
        401,
        'VERIFICATION_FAILED:SIGNATURE_MISMATCH',
      ]);
    }
    expect(idsOf(await pull(bob, running))).toEqual([]);
    expect((await post(running.url, '/relay/send', envelope)).status).toBe(202);
  });

  test.each([
    ['no JSON', 'nonsense', 400, 'PARSE_FAILED:SYNTAX'],
    ['another object', { a: 1 }, 400, 'PARSE_FAILED:UNKNOWN_FIELD'],
    ['too much', 'x'.repeat(1024 * 1024 + 1), 413, 'ENVELOPE_TOO_LARGE'],
  ])('is refused if it is %s', async (_, body, status, code) => {
    const { running } = await world();
    const answer = await post(running.url, '/relay/send', body);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test('is refused if it is old or from the future, so nobody can fill mailboxes with what he has recorded', async () => {
    const clock = frozenClock();
    const { running, alice, bob } = await world({ clock });
    const old = await alice.createEnvelope({ to: bob.did, payload: 1 });
    clock.advance(30_001);
    expect(codeOf(await post(running.url, '/relay/send', old))).toBe('TIMESTAMP_EXPIRED');
    const young = await alice.createEnvelope({ to: bob.did, payload: 1 });
    clock.advance(-30_001);
    expect(codeOf(await post(running.url, '/relay/send', young))).toBe('TIMESTAMP_EXPIRED:FUTURE');
  });

  test('twice, at the same time or later, is there once, also after it was fetched', async () => {
    const { running, alice, bob } = await world();
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const send = () => post(running.url, '/relay/send', envelope);
    const answers = await Promise.all(Array.from({ length: 8 }, send));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(202));
    expect(idsOf(await pull(bob, running))).toEqual(['1']);
    expect(idsOf(await pull(bob, running, { ack: ['1'] }))).toEqual([]);
    expect((await send()).status).toBe(202);
    expect(idsOf(await pull(bob, running))).toEqual([]);
  });
});

describe('a mailbox', () => {
  test('keeps what is not acknowledged, and hands out what comes behind a place', async () => {
    const { running, alice, bob } = await world();
    for (let n = 0; n < 4; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    expect(idsOf(await pull(bob, running))).toEqual(['1', '2', '3', '4']);
    expect(idsOf(await pull(bob, running, { after: '2' }))).toEqual(['3', '4']);
    expect(idsOf(await pull(bob, running, { ack: ['2', '3'] }))).toEqual(['1', '4']);
    expect(idsOf(await pull(bob, running, { ack: ['1', '4', '4', '99'] }))).toEqual([]);
  });

  test('is empty once its owner has handled what was in it', async () => {
    const { running, alice, bob } = await world();
    let handled = 0;
    bob.onMessage(() => void handled++);
    for (let n = 0; n < 3; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    await until(() => handled === 3, { what: 'three messages' });
    await until(() => running.store.list(bob.did, '', 10).length === 0, { what: 'the acknowledgement' });
  });

  test('keeps what its handler has not finished when its owner goes', async () => {
    const { running, alice, bob } = await world();
    let begun = 0;
    bob.onMessage(() => {
      begun += 1;
      return new Promise(() => {});
    });
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    await until(() => begun === 1, { what: 'the handler' });
    bob.dispose();
    expect(running.store.list(bob.did, '', 10).length).toBe(1);
  });

  test('cannot be read or emptied by anybody else', async () => {
    const { running, person, alice, bob } = await world();
    const mallory = await person('mallory');
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(idsOf(await pull(mallory, running))).toEqual([]);
    expect(idsOf(await pull(mallory, running, { ack: ['1'] }))).toEqual([]);
    expect(idsOf(await pull(alice, running, { ack: ['1'] }))).toEqual([]);
    expect(idsOf(await pull(bob, running))).toEqual(['1']);

    const forged = { ...(await proof(mallory, running, { ack: ['1'] })), from: bob.did };
    const answer = await post(running.url, '/relay/receive', forged);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'VERIFICATION_FAILED:SIGNATURE_MISMATCH']);
    const altered = await proof(bob, running, {});
    const payload = Buffer.from(JSON.stringify({ ack: ['1'], after: '', waitMs: 0 })).toString('base64url');
    const changed = await post(running.url, '/relay/receive', { ...altered, payload });
    expect(codeOf(changed)).toBe('VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    expect(idsOf(await pull(bob, running))).toEqual(['1']);
  });

  test('takes a proof once, for this relay, for this request and for half a minute', async () => {
    const clock = frozenClock();
    const { running, registry, bob } = await world({ clock });
    unwrap(await registry.register({ did: running.relay.did }));
    clock.advance(1000); // the relay's nonces begin with it
    const once = await proof(bob, running, {});
    expect((await post(running.url, '/relay/receive', once)).status).toBe(200);
    expect(codeOf(await post(running.url, '/relay/receive', once))).toBe('REPLAY_DETECTED');

    const socket = await proof(bob, running, {}, SOCKET_REQUEST);
    expect(codeOf(await post(running.url, '/relay/receive', socket))).toBe('REQUEST_BINDING_MISMATCH');
    const elsewhere = await bob.createIntroduction({
      to: bob.did,
      scope: RELAY_SCOPE,
      request: RECEIVE_REQUEST,
      payload: {},
    });
    expect(codeOf(await post(running.url, '/relay/receive', elsewhere))).toBe('RECIPIENT_MISMATCH');
    const message = await bob.createEnvelope({ to: running.relay.did, payload: {}, signedOnly: true });
    expect(codeOf(await post(running.url, '/relay/receive', message))).toBe('REQUEST_BINDING_REQUIRED');
    const late = await proof(bob, running, {});
    clock.advance(30_001);
    expect(codeOf(await post(running.url, '/relay/receive', late))).toBe('TIMESTAMP_EXPIRED');
  });

  test.each([
    [{ ack: 'x' }],
    [{ ack: ['__proto__'] }],
    [{ ack: Array(101).fill('1') }],
    [{ after: '1; DROP' }],
    [{ after: 1 }],
    [{ waitMs: 30_001 }],
    [{ waitMs: '1' }],
  ])('refuses the pull %j', async (what) => {
    const { running, bob } = await world();
    expect(codeOf(await pull(bob, running, what))).toBe('PARSE_FAILED');
  });

  test('loses a message after seven days, and no sooner', async () => {
    const clock = frozenClock();
    const { running, alice, bob } = await world({ clock });
    unwrap(await alice.send({ to: bob.did, payload: 'old' }));
    clock.advance(7 * DAY - 1);
    expect(idsOf(await pull(bob, running))).toEqual(['1']);
    clock.advance(1);
    expect(idsOf(await pull(bob, running))).toEqual([]);
    await running.store.sweep();
    clock.advance(-DAY); // it is not only hidden
    expect(idsOf(await pull(bob, running))).toEqual([]);
  });

  test('answers a waiting pull at once when something comes, and in time when nothing does', async () => {
    const { running, alice, bob } = await world();
    const waiting = pull(bob, running, { waitMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    expect(idsOf(await waiting)).toEqual(['1']);
    const started = performance.now();
    expect(idsOf(await pull(bob, running, { after: '1', waitMs: 200 }))).toEqual([]);
    expect(performance.now() - started).toBeGreaterThan(150);
  });

  test('has room for four who wait, and one who left makes room', async () => {
    const { running, bob } = await world();
    const waiting = Array.from({ length: 4 }, () => pull(bob, running, { waitMs: 400 }));
    await until(async () => codeOf(await pull(bob, running)) === 'RELAY_UNAVAILABLE', { what: 'a refusal' });
    await Promise.all(waiting);
    expect((await pull(bob, running)).status).toBe(200);
    // Those who hang up do not count until the end of their wait.
    for (let n = 0; n < 4; n++) {
      const body = JSON.stringify(await proof(bob, running, { waitMs: 30_000 }));
      const leaving = httpRequest(`${running.url}/relay/receive`, { method: 'POST' });
      leaving.on('error', () => {});
      leaving.end(body);
      setTimeout(() => leaving.destroy(), 100);
    }
    await until(async () => (await pull(bob, running)).status === 200, { what: 'room' });
  });
});

describe('quotas', () => {
  test('hold back a sender, whoever he sends to, and nobody else', async () => {
    const { person, alice, bob } = await world({ limits: { messagesPerSender: 3 } });
    const carol = await person('carol');
    for (let n = 0; n < 3; n++) unwrap(await alice.send({ to: bob.did, payload: n }));
    expect(idOf(await alice.send({ to: bob.did, payload: 4 }))).toBe('SEND_FAILED:QUOTA');
    expect(idOf(await alice.send({ to: carol.did, payload: 4 }))).toBe('SEND_FAILED:QUOTA');
    unwrap(await carol.send({ to: bob.did, payload: 5 }));
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    await until(() => got.length === 4, { what: 'four messages' });
    await until(async () => (await alice.send({ to: bob.did, payload: 6 })).ok, { what: 'room' });
  });

  test('hold back what a mailbox has no room for, in messages and in bytes', async () => {
    const { person, alice, bob } = await world({ limits: { messagesPerMailbox: 2, bytesPerSender: 4096 } });
    const carol = await person('carol');
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    unwrap(await carol.send({ to: bob.did, payload: 2 }));
    expect(idOf(await carol.send({ to: bob.did, payload: 3 }))).toBe('SEND_FAILED:MAILBOX_FULL');
    expect(idOf(await alice.send({ to: carol.did, payload: 'x'.repeat(3000) }))).toBe('SEND_FAILED:QUOTA');
    unwrap(await alice.send({ to: carol.did, payload: 'small' }));
  });

  test('hold back a sender that is too fast, until time has passed', async () => {
    const clock = frozenClock();
    const { alice, bob } = await world({ clock, sendsPerMinute: 2 });
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    unwrap(await alice.send({ to: bob.did, payload: 2 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 3 }))).toBe('SEND_FAILED:QUOTA');
    clock.advance(30_000);
    unwrap(await alice.send({ to: bob.did, payload: 4 }));
    expect(idOf(await alice.send({ to: bob.did, payload: 5 }))).toBe('SEND_FAILED:QUOTA');
  });

  test('forged envelopes use up nothing of whom they name', async () => {
    const { running, alice, bob } = await world({ limits: { messagesPerSender: 1 }, sendsPerMinute: 1 });
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    for (let n = 0; n < 5; n++) await post(running.url, '/relay/send', { ...envelope, scope: `s${n}` });
    unwrap(await alice.send({ to: bob.did, payload: 2 }));
  });

  test('are counted again after a restart', async () => {
    const folder = await temporaryFolder();
    const limits = { messagesPerSender: 1 };
    const { running, alice, bob } = await world({ folder, limits });
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    await running.stop();
    const again = await startRelay({ folder, limits });
    const more = await alice.createEnvelope({ to: bob.did, payload: 2 });
    expect(codeOf(await post(again.url, '/relay/send', more))).toBe('SEND_FAILED:QUOTA');
  });

  test('keep everybody out who is not in the registry, or was revoked', async () => {
    const members = new MemoryTrustRegistry();
    const { running, registry, person, alice, bob } = await world({ registry: members });
    const send = async (from: Agent, to: Agent) => idOf(await from.send({ to: to.did, payload: 1 }));
    expect(await send(alice, bob)).toBe('RELAY_NOT_ALLOWED');
    unwrap(await members.register(registry.lookup(alice.did)!));
    expect(await send(alice, bob)).toBe('SEND_FAILED'); // no such mailbox
    unwrap(await members.register(registry.lookup(bob.did)!));
    expect(await send(alice, bob)).toBe('ok');
    expect(codeOf(await pull(await person('mallory'), running))).toBe('RELAY_NOT_ALLOWED');
    unwrap(await members.revoke(bob.did));
    expect(codeOf(await pull(bob, running))).toBe('RELAY_NOT_ALLOWED');
  });
});

describe('the relay itself', () => {
  test('sees no plaintext: not in what it is sent, not in its file', async () => {
    const { running, alice, bob } = await world();
    const seen: string[] = [];
    const { url } = await listen((req, res) => {
      req.on('data', (chunk) => seen.push(String(chunk)));
      running.relay.handler(req, res);
    });
    const watched = new GatewayTransport({ relayUrl: url });
    afterTest(async () => watched.dispose());
    const message = { payload: { note: MARKER }, to: bob.did };
    const found = async () => {
      const words = `${seen.join('\n')}\n${await readFile(running.file, 'utf8')}`.split(/[^A-Za-z0-9_-]+/);
      return words
        .flatMap((word) => [
          word,
          Buffer.from(word, 'base64url').toString(),
          Buffer.from(word, 'base64').toString(),
        ])
        .some((word) => word.includes(MARKER));
    };
    unwrap(await watched.send(await alice.createEnvelope(message), bob.did));
    expect(seen.join('')).toContain('X25519');
    expect(await found()).toBe(false);
    // One that is only signed shows that the search would find it.
    unwrap(await watched.send(await alice.createEnvelope({ ...message, signedOnly: true }), bob.did));
    expect(await found()).toBe(true);
  });

  test('cannot forge or change: the recipient refuses what it makes up, and goes on', async () => {
    const { running, registry, alice, bob, person } = await world();
    const mallory = await person('mallory');
    const tampering = await listen(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk);
      const answer = await fetch(running.url + req.url!, {
        method: req.method!,
        ...(req.method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
      });
      const text = await answer.text();
      res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! });
      if (!text.startsWith('{"messages":[{')) return void res.end(text);
      const { messages } = JSON.parse(text) as { messages: { id: string; envelope: Envelope }[] };
      const { envelope } = messages[0]!;
      const lies = [
        { ...envelope, scope: 'admin' },
        { ...envelope, from: mallory.did },
        { ...envelope, payload: `AAAA${envelope.payload!.slice(4)}` },
        { ...envelope, timestamp: envelope.timestamp + 1 },
        { ...envelope, extra: 1 },
        envelope,
        envelope,
      ];
      res.end(JSON.stringify({ messages: lies.map((lie, n) => ({ id: String(n + 1), envelope: lie })) }));
    });
    const transport = new GatewayTransport({ relayUrl: tampering.url, waitMs: 500, backoff: () => 20 });
    afterTest(async () => transport.dispose());
    const victim = unwrap(await Agent.fromSeed({ seed: seedOf('relay bob'), registry, transport }));
    const got: unknown[] = [];
    const refused: string[] = [];
    victim.onMessage(({ payload, scope }) => void got.push([payload, scope]), {
      onRefused: ({ id }) => void refused.push(id),
    });
    unwrap(await alice.send({ to: bob.did, payload: 'true' }));
    await until(() => got.length > 0 && refused.length >= 6, { what: 'the message and the refusals' });
    expect(got).toEqual([['true', 'default']]);
    expect(refused.sort()).toEqual([
      'PARSE_FAILED:UNKNOWN_FIELD',
      'REPLAY_DETECTED',
      ...Array(4).fill('VERIFICATION_FAILED:SIGNATURE_MISMATCH'),
    ]);
  });

  test('that is another one than was pinned gets no proof that is good elsewhere, and is not obeyed', async () => {
    const { running, registry, alice } = await world();
    const errors: unknown[] = [];
    const transport = new GatewayTransport({
      relayUrl: running.url,
      relayDid: alice.did,
      backoff: () => 50,
      onError: (error) => void errors.push((error as { id: string }).id),
    });
    afterTest(async () => transport.dispose());
    const bob = unwrap(await Agent.fromSeed({ seed: seedOf('relay bob'), registry, transport }));
    bob.onMessage(() => {});
    await until(() => errors.length > 1, { what: 'an error' });
    expect(new Set(errors)).toEqual(new Set(['RECIPIENT_MISMATCH']));
  });

  test('answers other paths and methods without harm, or leaves them to the application', async () => {
    const { running } = await world();
    const status = async (path: string, method = 'GET') =>
      (await fetch(running.url + path, { method })).status;
    expect(await status('/nowhere')).toBe(404);
    expect(await status('/relay/send')).toBe(405);
    expect(await status('/relay', 'POST')).toBe(405);
    expect(await status('/relay/socket')).toBe(426);
    const { url } = await listen((req, res) => running.relay.handler(req, res, () => void res.end('mine')));
    expect(await (await fetch(`${url}/nowhere`)).text()).toBe('mine');
    expect(await (await fetch(`${url}/prefix/relay`)).json()).toEqual({ did: running.relay.did });
  });

  test('lets all who wait go when it ends', async () => {
    const { running, alice, bob } = await world({ receiversPerDid: 100 });
    const waiting = Array.from({ length: 30 }, () => pull(bob, running, { waitMs: 30_000, after: '99' }));
    await Promise.all(Array.from({ length: 30 }, (_, n) => alice.send({ to: bob.did, payload: n })));
    await running.relay.close();
    for (const answer of await Promise.all(waiting)) expect([200, 503]).toContain(answer.status);
  });

  test('that cannot write refuses, and takes messages again when it can', async () => {
    const faults: unknown[] = [];
    const { running, alice, bob } = await world({ onFault: ({ cause }) => void faults.push(String(cause)) });
    const { store } = running;
    const add = store.add.bind(store);
    store.add = () => Promise.reject(new Error('ENOSPC'));
    const envelope = await alice.createEnvelope({ to: bob.did, payload: 1 });
    const answer = await post(running.url, '/relay/send', envelope);
    expect([answer.status, codeOf(answer), JSON.stringify(answer).includes('ENOSPC')]).toEqual([
      503,
      'RELAY_UNAVAILABLE',
      false,
    ]);
    expect(faults).toEqual(['Error: ENOSPC']);
    store.add = add;
    expect((await post(running.url, '/relay/send', envelope)).status).toBe(202);
  });
});

describe('a socket', () => {
  const open = async ({ url }: RunningRelay) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/relay/socket`);
    const frames: string[] = [];
    let isClosed = false;
    socket.on('message', (data) => void frames.push(String(data)));
    socket.on('close', () => (isClosed = true));
    socket.on('error', () => {});
    afterTest(async () => socket.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    return { socket, frames, closed: () => until(() => isClosed, { what: 'the close' }) };
  };

  test('gives nothing without a good proof, and closes', async () => {
    const { running, alice, bob } = await world();
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    const forged = { ...(await proof(alice, running, {}, SOCKET_REQUEST)), from: bob.did };
    const forAnother = await proof(bob, running, {});
    const wrong = [
      '{"ack":[],"after":"","waitMs":0}',
      JSON.stringify(forged),
      JSON.stringify(forAnother),
      'x',
    ];
    for (const frame of wrong) {
      const { socket, frames, closed } = await open(running);
      socket.send(frame);
      await closed();
      expect(frames.join()).not.toContain('messages');
      expect(frames.length).toBe(1);
    }
  });

  test('takes its proof once, answers each pull, and only its own mailbox', async () => {
    const { running, alice, bob } = await world();
    unwrap(await alice.send({ to: bob.did, payload: 1 }));
    const text = JSON.stringify(await proof(bob, running, {}, SOCKET_REQUEST));
    const first = await open(running);
    first.socket.send(text);
    await until(() => first.frames.length === 1);
    first.socket.send('{"ack":[],"after":"","waitMs":0}');
    await until(() => first.frames.length === 2);
    expect(JSON.parse(first.frames[1]!).messages.length).toBe(1);
    first.socket.send('{"ack":["1"],"after":"","waitMs":0}');
    await until(() => first.frames.length === 3);
    expect(first.frames[2]).toBe('{"messages":[]}');

    const second = await open(running);
    second.socket.send(text);
    await second.closed();
    expect(second.frames[0]).toContain('REPLAY_DETECTED');
  });

  test('that breaks is made anew, and nothing is lost', async () => {
    const { running, registry, alice } = await world();
    const sockets: WebSocket[] = [];
    class Counted extends WebSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    }
    const transport = new GatewayTransport({ relayUrl: running.url, webSocket: Counted, backoff: () => 20 });
    afterTest(async () => transport.dispose());
    const bob = unwrap(await Agent.fromSeed({ seed: seedOf('relay bob'), registry, transport }));
    const got: unknown[] = [];
    bob.onMessage(({ payload }) => void got.push(payload));
    for (let n = 0; n < 5; n++) {
      unwrap(await alice.send({ to: bob.did, payload: n }));
      await until(() => got.length === n + 1, { what: `message ${n}` });
      sockets.at(-1)!.terminate();
    }
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(sockets.length).toBeGreaterThan(3);
  });
});
