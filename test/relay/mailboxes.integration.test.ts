import { request as httpRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { Agent, GatewayTransport } from '@private.me/xlink';
import { WebSocket } from 'ws';
import { RECEIVE_REQUEST, RELAY_SCOPE, SOCKET_REQUEST } from '../../src/transport/relay-protocol.js';
import { afterTest } from '../support/after-test.js';
import { identityOf, seedOf } from '../support/agents.js';
import { frozenClock } from '../support/clock.js';
import { unwrap } from '../support/results.js';
import { until } from '../support/until.js';
import type { RunningRelay } from '../transport/servers.js';
import { codeOf, idsOf, post, proof, pull, world } from './support.js';

const DAY = 86_400_000;

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
    unwrap(await registry.register({ did: running.relay.did, receiveScopes: ['*'] }));
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
    expect(codeOf(await post(running.url, '/relay/receive', message))).toBe('KIND_NOT_ACCEPTED');
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

  test.each([
    ['long poll', {}],
    ['a socket', { webSocket: WebSocket }],
  ])('of the next identity is read from its beginning once it has taken the place, by %s', async (_, how) => {
    const { running, registry, alice } = await world();
    const transport = new GatewayTransport({
      relayUrl: running.url,
      waitMs: 100,
      backoff: () => 20,
      onError: (error) => errors.push(error),
      ...how,
    });
    afterTest(async () => transport.dispose());
    const errors: unknown[] = [];
    const next = await identityOf('relay carol, next');
    const carol = unwrap(await Agent.fromSeed({ seed: seedOf('relay carol'), registry, transport }));
    const got: unknown[] = [];
    carol.onMessage(({ payload }) => void got.push(payload));
    const other = new Agent({ identity: await identityOf('relay carol'), registry });
    unwrap(await other.succeedBy(next)); // carol does not know yet
    unwrap(await alice.send({ to: next.did, payload: 'early' }));
    unwrap(await alice.send({ to: carol.did, payload: 'old' }));
    await until(() => got.includes('old'), { what: 'the message to the old DID' });
    unwrap(await carol.succeedBy(next));
    unwrap(await alice.send({ to: next.did, payload: 'late' }));
    await until(() => got.includes('late'), { what: 'the message to the next DID' });
    expect([got, errors]).toEqual([['old', 'early', 'late'], []]);
    await until(() => running.store.list(next.did, '', 10).length === 0, { what: 'the acknowledgement' });
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
