import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { MAX_UDP_MESSAGE } from '../../src/index.js';
import { afterTest, bytes, heard, idOfFailure, listen, providerOf, until } from '../support.js';
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
    expect(await idOfFailure(() => channel.send(new Uint8Array(1_048_577)))).toBe('NOISE_LIMIT:SIZE');
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
