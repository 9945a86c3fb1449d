import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { Identity, MemoryTrustRegistry } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay, type RelayOptions } from '@private.me/xlink/server';
import express from 'express';
import { WebSocket } from 'ws';
import { Strangers } from '../../src/relay/strangers.js';
import { afterTest } from '../support/after-test.js';
import { identityOf, seedOf } from '../support/agents.js';
import { listen } from '../support/listen.js';
import { optionRefusedBy, unwrap } from '../support/results.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { until } from '../support/until.js';
import { type Answer, post, proof, pull, world } from './support.js';

const codeOf = ({ body }: Answer) => [body.code, body.subCode].filter(Boolean).join(':');

async function made(options: Partial<RelayOptions>) {
  const path = `${await temporaryFolder()}/messages.jsonl`;
  const store = await FileRelayStore.open({ path });
  afterTest(() => store.close());
  return createRelay({ identity: await Identity.fromSeed(seedOf('relay')), store, ...options });
}

describe('[E7] who may use a relay', () => {
  test('must be said: nobody opens one by leaving it out', async () => {
    await expect(made({})).rejects.toMatchObject({
      id: 'INVALID_OPTION',
      field: 'open',
      hint: expect.stringContaining('admits (a list of DIDs), registry, or open: true'),
    });
    expect(await optionRefusedBy(() => made({ open: false }))).toBe('open');
    expect(await optionRefusedBy(() => made({ open: true, admits: [] }))).toBe('open');
    expect(await optionRefusedBy(() => made({ open: true, registry: new MemoryTrustRegistry() }))).toBe(
      'open',
    );
    expect(await optionRefusedBy(() => made({ open: 'yes' as never }))).toBe('open');
    for (const wrong of [['did:web:x'], 'did:key:z', {}, [5]])
      expect(await optionRefusedBy(() => made({ admits: wrong as never }))).toBe('admits');
  });

  test('a list admits those on it; an empty one nobody', async () => {
    const [{ did: alice }, { did: bob }] = [await identityOf('relay alice'), await identityOf('relay bob')];
    const some = await world({ admits: [alice, bob] });
    const carol = await some.person('carol');
    unwrap(await some.alice.send({ to: bob, payload: 1 }));
    const refused = await post(
      some.running.url,
      '/relay/send',
      await carol.createEnvelope({ to: bob, payload: 1 }),
    );
    expect([refused.status, codeOf(refused)]).toEqual([403, 'RELAY_NOT_ALLOWED']);
    expect((await pull(carol, some.running)).status).toBe(403);
    const none = await world({ admits: [] });
    const envelope = await none.alice.createEnvelope({ to: none.bob.did, payload: 1 });
    expect((await post(none.running.url, '/relay/send', envelope)).status).toBe(403);
  });
});

describe('[E7] the paths of a relay are exact', () => {
  const NOT_ITS_OWN = [
    '/any?x=/relay',
    '/any?/relay/send',
    '/any/relay',
    '/any/relay/send',
    '/relay/',
    '/relay/send/',
    '/relay/sender',
    '/relayx',
    '//relay',
    '/RELAY',
    '/relay%2fsend',
    '/relay/send/relay',
  ];

  test.each(NOT_ITS_OWN)('%s is not one of them', async (path) => {
    const { running } = await world();
    for (const method of ['GET', 'POST'])
      expect((await fetch(running.url + path, { method })).status).toBe(404);
    const app = express().use(
      running.relay.handler,
      (_: unknown, res: express.Response) => void res.send('mine'),
    );
    const { url } = await listen(app);
    expect(await (await fetch(url + path)).text()).toBe('mine');
  });

  test('a socket is opened at its own path only', async () => {
    const { running } = await world();
    const status = (path: string) =>
      new Promise((resolve) => {
        const socket = new WebSocket(running.url.replace('http', 'ws') + path);
        socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
        socket.on('open', () => resolve('open'));
        socket.on('error', () => {});
        afterTest(async () => socket.terminate());
      });
    expect(await status('/relay/socket')).toBe('open');
    for (const path of ['/any/relay/socket', '/relay/socket/', '/any?/relay/socket', '/relay'])
      expect(await status(path)).toBe(404);
  });

  test('mounted under a path, it serves there: what the framework takes off, and what is said', async () => {
    const { running } = await world();
    const relay = await made({ open: true, path: '/x/relay' });
    afterTest(() => relay.close());
    const app = express()
      .use('/y', running.relay.handler)
      .use('/relay', running.relay.handler)
      .use('/x', relay.handler)
      .use((_, res) => void res.send('mine'));
    const server = createServer(app).on('upgrade', relay.upgrade);
    const { url } = await listen(server);
    for (const path of ['/y/relay', '/relay'])
      expect(await (await fetch(url + path)).json()).toEqual({ did: running.relay.did });
    expect(await (await fetch(`${url}/x/relay`)).json()).toEqual({ did: relay.did });
    for (const path of ['/x/x/relay', '/y/y/relay', '/z/relay'])
      expect(await (await fetch(url + path)).text()).toBe('mine');
    const socket = new WebSocket(`${url.replace('http', 'ws')}/x/relay/socket`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    socket.terminate();
    for (const wrong of ['x/relay', '/x/', '', '/', '/x?y', '/x//y', 5])
      expect(await optionRefusedBy(() => made({ open: true, path: wrong as never }))).toBe('path');
  });
});

describe('[E7] one address', () => {
  test('sends so much in a minute, whatever DIDs it uses, and no signature of the rest is looked at', async () => {
    const clock = Object.assign(() => clock.now, { now: Date.now() });
    const faults: unknown[] = [];
    const { running, alice, bob, person } = await world({
      clock,
      requestsPerAddress: 8,
      addressOf: (req) => req.headers['x-from'] as string | undefined,
      onFault: (error) => void faults.push(error),
    });
    const from = (address: string, body: unknown, path = '/relay/send') =>
      fetch(running.url + path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'x-from': address },
      });
    const people = [alice, await person('carol'), await person('dan')];
    for (let at = 0; at < 8; at++) {
      const envelope = await people[at % 3]!.createEnvelope({ to: bob.did, payload: at });
      expect((await from('192.0.2.1', envelope)).status).toBe(202);
    }
    const good = await alice.createEnvelope({ to: bob.did, payload: 'good' });
    for (const body of [good, { ...good, signature: 'AA' }, 'junk', '']) {
      const answer = await from('192.0.2.1', body);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
      expect(await answer.json()).toMatchObject({ code: 'RELAY_UNAVAILABLE', subCode: 'ADDRESS_QUOTA' });
    }
    expect((await from('192.0.2.1', await proof(bob, running, {}), '/relay/receive')).status).toBe(429);
    expect((await from('::ffff:192.0.2.1', good)).status).toBe(429);
    expect((await from('192.0.2.2', good)).status).toBe(202);
    expect((await from('192.0.2.2', await proof(bob, running, {}), '/relay/receive')).status).toBe(200);
    clock.now += 7500; // an eighth of a minute
    const later = await alice.createEnvelope({ to: bob.did, payload: 'later' });
    expect((await from('192.0.2.1', later)).status).toBe(202);
    expect((await from('192.0.2.1', later)).status).toBe(429);
    expect(faults).toEqual([]);
  });

  const silent = (port: number, address: string) =>
    new Promise<{ socket: Socket; status: string }>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `GET /relay/socket HTTP/1.1\r\nHost: x\r\nX-From: ${address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
        ),
      );
      socket.once('data', (data) => resolve({ socket, status: data.toString().slice(9, 12) }));
      socket.on('error', reject);
      afterTest(async () => socket.destroy());
    });

  test('opens so many sockets that say nothing; others are served beside them', async () => {
    const { running, bob } = await world({
      unprovenSocketsPerAddress: 20,
      addressOf: (req) => req.headers['x-from'] as string | undefined,
    });
    const port = Number(new URL(running.url).port);
    const opened = await Promise.all(Array.from({ length: 30 }, () => silent(port, '192.0.2.1')));
    expect(opened.filter(({ status }) => status === '101')).toHaveLength(20);
    expect(opened.filter(({ status }) => status === '503')).toHaveLength(10);
    const other = await silent(port, '192.0.2.2');
    expect(other.status).toBe('101');
    expect((await pull(bob, running)).status).toBe(200);
    opened.find(({ status }) => status === '101')!.socket.destroy();
    await until(async () => (await silent(port, '192.0.2.1')).status === '101', { what: 'room for another' });
  });
});

describe('[E7] connections of strangers', () => {
  test('of many addresses: one too many ends the oldest, so that those who speak get in', () => {
    const strangers = new Strangers(2, 10);
    const ended: number[] = [];
    const leave: (() => void)[] = [];
    const enter = (at: number, address: string) => {
      const left = strangers.enter(address, () => ended.push(at));
      if (left) leave[at] = left;
      return left !== undefined;
    };
    for (let at = 0; at < 10; at++) expect(enter(at, `address ${at >> 1}`)).toBe(true);
    expect(enter(10, 'address 4')).toBe(false);
    leave[3]!();
    leave[3]!();
    expect(enter(11, 'address 9')).toBe(true);
    expect(ended).toEqual([]);
    expect(enter(12, 'address 9')).toBe(true);
    expect(ended).toEqual([0]);
    expect(enter(13, 'address 0')).toBe(true);
    expect(ended).toEqual([0, 1]);
    leave[0]!(); // is over already
    expect(enter(14, 'address 0')).toBe(true);
    expect(ended).toEqual([0, 1, 2]);
  });
});
