import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { MAX_UDP_MESSAGE } from '../../src/index.js';
import { afterTest, bytes, failureOf, heard, idOfFailure, listen, providerOf, until } from '../support.js';
import { flipAt, keep, overTcp, overUdp, pairOf } from './pairs.js';
import type { Change } from './proxies.js';

describe('TCP, with somebody in between', () => {
  test.each([
    ['the first message', 0, 0],
    ['the key of the third message', 1, 0],
    ['the identity of the third message', 1, 100],
    ['the tag of the third message', 1, -1],
  ])('%s is flipped on its way to the responder', async (_, index, place) => {
    const { open, listening } = await overTcp(flipAt(index, place));
    expect(await idOfFailure(open)).toMatch('NOISE_HANDSHAKE_FAILED');
    expect(listening.channels).toHaveLength(0);
    await until('no handshake', () => listening.handshakes === 0);
  });

  test.each([
    ['the ephemeral key', 0, 0],
    ['the static key', 0, 32],
    ['its tag', 0, 64],
    ['the identity', 0, 200],
    ['the last tag', 0, -1],
    ['the word that it is ready', 1, 0],
  ])('%s of the answer is flipped', async (_, index, place) => {
    const { open } = await overTcp(keep, flipAt(index, place));
    expect(await idOfFailure(open)).toMatch(/NOISE_HANDSHAKE_FAILED|NOISE_DECRYPT_FAILED/);
  });

  /** The first message after the handshake is the third that the client sends. */
  test.each<[string, Change]>([
    ['flipped in its text', flipAt(2, 0)],
    ['flipped in its tag', flipAt(2, -1)],
    ['cut', (message, index) => [index === 2 ? message.subarray(0, -1) : message]],
    ['empty', (message, index) => [index === 2 ? Buffer.alloc(0) : message]],
    ['dropped', (message, index) => (index === 2 ? undefined : [message])],
  ])('a message that is %s ends the channel', async (_, change) => {
    const { open, listening } = await overTcp(change);
    const channel = await open();
    const other = await listening.next();
    const texts = heard(other);
    await channel.send(bytes('one'));
    await channel.send(bytes('two'));
    const { by, error } = await other.closed;
    expect([by, (error as { id: string }).id]).toEqual(['error', 'NOISE_DECRYPT_FAILED']);
    expect(texts).toEqual([]);
    await channel.closed;
  });

  test('a message that comes twice ends the channel, and is handed out once', async () => {
    const { open, listening } = await overTcp((message, index) =>
      index === 2 ? [message, message] : [message],
    );
    const channel = await open();
    const other = await listening.next();
    const texts = heard(other);
    await channel.send(bytes('one'));
    expect((await other.closed).by).toBe('error');
    expect(texts).toEqual(['one']);
  });

  test('messages that changed places end the channel', async () => {
    let held: Buffer | undefined;
    const { open, listening } = await overTcp((message, index) => {
      if (index < 2) return [message];
      if (!held) {
        held = message;
        return undefined;
      }
      return [message, held];
    });
    const channel = await open();
    const other = await listening.next();
    const texts = heard(other);
    await channel.send(bytes('one'));
    await channel.send(bytes('two'));
    expect((await other.closed).by).toBe('error');
    expect(texts).toEqual([]);
  });

  test('a listener that is slow, or none, stops the sender instead of filling the memory', async () => {
    const { server, client, bob } = await pairOf({ limits: { maxWaitingBytes: 100_000 } });
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    const other = await listening.next();
    const big = new Uint8Array(60_000);
    let sent = 0;
    const sending = (async () => {
      for (; sent < 400; sent++) await channel.send(big);
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(400);
    let got = 0;
    other.onMessage((data) => {
      got += data.length;
    });
    await sending;
    await until('everything', () => got === 400 * 60_000);
  });
});

describe('sizes and limits', () => {
  test('what is too long is refused here, and there', async () => {
    const { server, client, bob } = await pairOf({ limits: { maxMessageBytes: 100_000 } }, {});
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    const other = await listening.next();
    const texts = heard(other);
    const error = await failureOf(() => channel.send(new Uint8Array(1_048_577)));
    expect(error.id).toBe('NOISE_LIMIT:SIZE');
    expect(error.message).toMatch(/1048577 bytes.* 1048576/);
    await channel.send(new Uint8Array(100_000));
    await until('the one that fits', () => texts.length === 1);
    await channel.send(new Uint8Array(100_001)).catch(() => {});
    expect(await other.closed).toMatchObject({ by: 'limit', error: { id: 'NOISE_LIMIT:SIZE' } });
    expect(texts).toHaveLength(1);
  });

  test('over UDP a message fits into one datagram or is refused', async () => {
    const { open } = await overUdp(keep);
    const [channel, other] = await open();
    const texts = heard(other);
    await channel.send(new Uint8Array(MAX_UDP_MESSAGE));
    expect(await idOfFailure(() => channel.send(new Uint8Array(MAX_UDP_MESSAGE + 1)))).toBe(
      'NOISE_LIMIT:SIZE',
    );
    await until('the one that fits', () => texts.length === 1);
  });

  test.each(['tcp', 'udp'])('%s: a channel ends with its last message', async (scheme) => {
    const { server, client, bob } = await pairOf({ limits: { maxMessages: 20 } });
    const listening = await listen(server, `${scheme}://127.0.0.1:0`);
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    const send = async () => {
      for (let count = 0; count < 25; count++) await channel.send(bytes('x'));
    };
    expect(await idOfFailure(send)).toBe('NOISE_LIMIT:MESSAGES');
    expect((await channel.closed).by).toBe('limit');
  });

  test.each(['tcp', 'ws', 'udp'])('%s: keys change by number and by time', async (scheme) => {
    let now = Date.now();
    const { server, client, bob } = await pairOf({ limits: { rekeyMessages: 4 }, clock: () => now });
    const listening = await listen(server, `${scheme}://127.0.0.1:0`);
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    const other = await listening.next();
    const [there, here] = [heard(other), heard(channel)];
    for (let count = 0; count < 30; count++) {
      await channel.send(bytes(String(count)));
      await other.send(bytes(String(count)));
      now += 40_000;
    }
    await until('all of them', () => there.length === 30 && here.length === 30);
    expect(server.faults()).toEqual([]);
  });

  test('a WebSocket that sends text, too much, or names no subprotocol gets nowhere', async () => {
    const { server } = await pairOf();
    const listening = await listen(server, 'ws://127.0.0.1:0');
    const closeOf = async (data: string | Uint8Array) => {
      const socket = new WebSocket(listening.address, 'xlink-noise.v1');
      afterTest(() => socket.terminate());
      await once(socket, 'open');
      socket.send(data);
      await once(socket, 'close');
    };
    await closeOf('text');
    await closeOf(new Uint8Array(65_536));
    await closeOf(new Uint8Array(10));
    const plain = new WebSocket(listening.address);
    const [error] = await once(plain, 'error');
    expect(String(error)).toContain('400');
    await until('no handshake', () => listening.handshakes === 0);
    expect(listening.channels).toHaveLength(0);
  });
});

describe('a listener for WebSockets, and strangers', () => {
  const ask = (target: string, subprotocol: string) =>
    `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`;

  test.each([
    ['a target that is no URL', '//', 'xlink-noise.v1'],
    ['another path', '/elsewhere', 'xlink-noise.v1'],
    ['no subprotocol', '/', 'other'],
    ['all as it should be', '/', 'xlink-noise.v1'],
  ])('who asks with %s and is gone at once ends nothing', async (_, target, subprotocol) => {
    const { server, client, bob } = await pairOf();
    const listening = await listen(server, 'ws://127.0.0.1:0');
    for (let count = 0; count < 20; count++) {
      const socket = connect(Number(new URL(listening.address).port), '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(ask(target, subprotocol));
      if (count % 2 === 0) socket.resetAndDestroy();
      else {
        await once(socket, 'data');
        socket.resetAndDestroy();
      }
    }
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    await channel.close();
  });
});

describe('a channel that is cut', () => {
  test.each(['tcp', 'ws'])(
    'over %s: a large message that is under way rejects, and nothing else does',
    async (kind) => {
      const { server, client, bob } = await pairOf();
      const listening = await listen(server, `${kind}://127.0.0.1:0`);
      const unhandled: unknown[] = [];
      const note = (error: unknown) => void unhandled.push(error);
      process.on('unhandledRejection', note);
      afterTest(() => process.off('unhandledRejection', note));
      const channel = await client.open({ did: bob.did, addresses: [listening.address] });
      await until('the other side', () => listening.channels.length === 1);
      const sending = Promise.allSettled(
        Array.from({ length: 8 }, () => channel.send(new Uint8Array(1_000_000))),
      );
      await listening.channels[0]!.close();
      await sending;
      await channel.closed;
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    },
  );

  test('an end without a goodbye is an error, not the word of the other side', async () => {
    const { server, client, bob } = await pairOf();
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    const sockets: Socket[] = [];
    const between = createServer({ allowHalfOpen: true }, (front) => {
      const back = connect(Number(new URL(listening.address).port), '127.0.0.1');
      sockets.push(front, back);
      for (const [from, to] of [
        [front, back],
        [back, front],
      ] as const) {
        from.on('error', () => {});
        from.on('data', (data) => void (to.writable && to.write(data)));
      }
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    afterTest(() => {
      for (const socket of sockets) socket.destroy();
      between.close();
    });
    const { port } = between.address() as AddressInfo;
    const channel = await client.open({ did: bob.did, addresses: [`tcp://127.0.0.1:${port}`] });
    const other = await listening.next();
    for (const socket of sockets) socket.end();
    for (const { closed } of [channel, other])
      expect(await closed).toMatchObject({ by: 'error', error: { id: 'CHANNEL_CLOSED' } });
  });
});

describe('TCP, with those who never end', () => {
  test('handshakes that are not finished are ended, and there are only so many', async () => {
    const { server, client, bob } = await pairOf({ handshakeTimeoutMs: 400, maxHandshakes: 5 });
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    const { port } = new URL(listening.address);
    const sockets: Socket[] = [];
    afterTest(() => {
      for (const socket of sockets) socket.destroy();
    });
    let open = 0;
    for (let count = 0; count < 40; count++) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
      await once(socket, 'connect');
      open++;
      socket.on('close', () => open--);
      socket.resume();
      // A length, and then a byte of the message now and then.
      socket.write(Buffer.from([0xff, 0xff, 1]));
    }
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(Buffer.from([1]));
    }, 50);
    afterTest(() => clearInterval(drip));
    expect(listening.handshakes).toBeLessThanOrEqual(5);
    await until('all are gone', () => open === 0 && listening.handshakes === 0);
    expect(server.faults()).toContain('NOISE_HANDSHAKE_FAILED:BUSY');
    const channel = await client.open({ did: bob.did, addresses: [listening.address] });
    await channel.close();
  });

  test('silent connections of one address do not lock out another one', async () => {
    const { server, client, bob } = await pairOf({ maxHandshakes: 8 });
    const listening = await listen(server, 'tcp://0.0.0.0:0');
    const { port } = new URL(listening.address);
    const silent = Array.from({ length: 12 }, () =>
      connect({ port: Number(port), host: '127.0.0.1', localAddress: '127.0.0.2' }),
    );
    afterTest(() => {
      for (const socket of silent) socket.destroy();
    });
    for (const socket of silent) socket.on('error', () => {}).resume();
    await until('ten are refused', () => server.faults().length === 10);
    expect(listening.handshakes).toBe(2);
    const channel = await client.open({ did: bob.did, addresses: [`tcp://127.0.0.1:${port}`] });
    await channel.close();
  });

  test('who only looks whether somebody listens began no handshake', async () => {
    const { server, client, bob } = await pairOf();
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    const target = { did: bob.did, addresses: [listening.address] };
    expect((await client.canReach(target)).state).toBe('online');
    await (await client.open(target)).close();
    await until(
      'one is told, and none is under way',
      () => server.events.length > 0 && listening.handshakes === 0,
    );
    expect(server.events).toMatchObject([{ type: 'handshake', outcome: 'ok' }]);
    const socket = connect(Number(new URL(listening.address).port), '127.0.0.1');
    socket.end(Buffer.from([0]));
    await until('one that began is told', () => server.events.length === 2);
    expect(server.events[1]).toMatchObject({ outcome: 'failed' });
  });

  test('a registry that never answers does not hold a handshake for ever', async () => {
    const { bob, alice, registry } = await pairOf();
    const silent = { lookup: () => new Promise<never>(() => {}) };
    const listening = await listen(
      providerOf({ identity: bob, registry: silent, handshakeTimeoutMs: 300 }),
      'tcp://127.0.0.1:0',
    );
    const client = providerOf({ identity: alice, registry });
    expect(await idOfFailure(() => client.open({ did: bob.did, addresses: [listening.address] }))).toMatch(
      'NOISE_HANDSHAKE_FAILED',
    );
    await until('no handshake', () => listening.handshakes === 0);
    expect(listening.channels).toHaveLength(0);
  });
});
