import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import type { SecureChannel } from '../../src/index.js';
import { afterTest, bytes, heard, idOfFailure, listen, until } from '../support.js';
import { keep, overUdp, pairOf } from './pairs.js';
import { type Change, flipped, udpProxy } from './proxies.js';

describe('UDP, with somebody in between', () => {
  const TYPE_DATA = 4;
  const isData = (packet: Buffer) => packet[0] === TYPE_DATA;

  async function send(channel: SecureChannel, ...texts: readonly string[]) {
    for (const text of texts) await channel.send(bytes(text));
  }

  test('what comes twice is handed out once', async () => {
    const { open, server } = await overUdp((packet) =>
      isData(packet) ? [packet, packet, packet] : [packet],
    );
    const [channel, other] = await open();
    const texts = heard(other);
    await send(channel, 'one', 'two');
    await until('both', () => texts.length === 2 && server.faults().length >= 4);
    expect(texts).toEqual(['one', 'two']);
    expect(new Set(server.faults())).toEqual(new Set(['NOISE_REPLAY']));
  });

  test('what was overtaken is handed out; what was changed or cut is not, and the channel goes on', async () => {
    const held: Buffer[] = [];
    const { open, server } = await overUdp((packet) => {
      if (!isData(packet)) return [packet];
      held.push(packet);
      if (held.length < 3) return undefined;
      return held.length === 3
        ? [flipped(packet, -1), packet.subarray(0, 20), packet, held[1]!, held[0]!]
        : [packet];
    });
    const [channel, other] = await open();
    const texts = heard(other);
    await send(channel, 'one', 'two', 'three', 'four');
    await until('all four', () => texts.length === 4);
    expect(texts).toEqual(['three', 'two', 'one', 'four']);
    expect(new Set(server.faults())).toEqual(new Set(['NOISE_DECRYPT_FAILED']));
  });

  test.each([0, 1, 2, 3])('a handshake survives that packet %d is lost each way', async (lost) => {
    const drop: Change = (packet, index) => (index === lost ? undefined : [packet]);
    const { open } = await overUdp(drop, drop);
    const [channel, other] = await open();
    const texts = heard(other);
    await until('a message', () => {
      void channel.send(bytes('on'));
      return texts.length > 0;
    });
  });

  test.each([
    ['the first message', 1, 23],
    ['the third message', 3, 20],
  ])('%s is flipped: no channel', async (_, type, place) => {
    const flip: Change = (packet) => [packet[0] === type ? flipped(packet, place) : packet];
    const { client, bob, listening } = await overUdp(keep);
    const address = await udpProxy(listening.address, flip);
    expect(
      await idOfFailure(() => client.open({ did: bob.did, addresses: [address] }, { timeoutMs: 500 })),
    ).toMatch('NOISE_HANDSHAKE_FAILED');
    expect(listening.channels).toHaveLength(0);
  });

  test('the second message is flipped: no channel', async () => {
    const { client, bob, listening } = await overUdp(keep);
    const flip: Change = (packet) => [packet[0] === 2 ? flipped(packet, 30) : packet];
    const address = await udpProxy(listening.address, keep, flip);
    expect(
      await idOfFailure(() => client.open({ did: bob.did, addresses: [address] }, { timeoutMs: 500 })),
    ).toMatch('NOISE_HANDSHAKE_FAILED');
    expect(listening.channels).toHaveLength(0);
  });

  test('handshake messages are sent again after twice as long each time, up to the longest wait', async () => {
    const deaf = createSocket('udp4');
    afterTest(() => deaf.close());
    deaf.bind(0, '127.0.0.1');
    await once(deaf, 'listening');
    const times: number[] = [];
    deaf.on('message', () => times.push(performance.now()));
    const { client, bob } = await pairOf({ retransmitMs: 40, retransmitMaxMs: 160 });
    const address = `udp://127.0.0.1:${deaf.address().port}`;
    const begun = performance.now();
    expect(
      await idOfFailure(() => client.open({ did: bob.did, addresses: [address] }, { timeoutMs: 1_500 })),
    ).toBe('NOISE_HANDSHAKE_FAILED:TIMEOUT');
    // At 0, 40, 120, 280 and then every 160 ms: a busy machine can be later, and never earlier.
    const earliest = times.map((_, at) => [0, 40, 120][at] ?? 280 + 160 * (at - 3));
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times.length).toBeLessThanOrEqual(12);
    for (const [at, time] of times.entries()) expect(time - begun).toBeGreaterThan(earliest[at]! - 5);
  });

  test('a flood of first messages leaves no state, and gets less than it sends', async () => {
    const { client, bob, server } = await pairOf({ retransmitMs: 100 });
    const listening = await listen(server, 'udp://127.0.0.1:0');
    const { port } = new URL(listening.address);
    const flooder = createSocket('udp4');
    afterTest(() => flooder.close());
    let [answers, answered, flooded] = [0, 0, 0];
    flooder.on('message', (packet) => {
      answers++;
      answered += packet.length;
    });
    const packet = Buffer.alloc(55);
    packet[0] = 1;
    packet[6] = 1;
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 20_000; count++) {
      packet.writeUInt32BE(count, 1);
      await new Promise((sent) => flooder.send(packet, Number(port), '127.0.0.1', sent));
      flooded += packet.length;
      if (count % 100 === 0) await new Promise(setImmediate);
      if (count === 10_000) {
        const channel = await client.open({ did: bob.did, addresses: [listening.address] });
        await (await listening.next()).close();
        await channel.close();
      }
    }
    await until('an answer to most', () => answers > 1_000);
    expect(listening.handshakes).toBe(0);
    expect(answered).toBeLessThan(flooded / 2);
    console.log(
      `UDP flood: 20000 first messages, ${answers} cookies of ${answered} bytes for ${flooded}, heap ${Math.round((process.memoryUsage().heapUsed - before) / 1024)} KiB more, handshakes under way: ${listening.handshakes}`,
    );
  });

  test('handshakes of one address, with good cookies, do not lock out another one', async () => {
    const { server, client, bob } = await pairOf({ maxHandshakes: 8, retransmitMs: 100 });
    const listening = await listen(server, 'udp://0.0.0.0:0');
    const port = Number(new URL(listening.address).port);
    const greedy = createSocket('udp4');
    afterTest(() => greedy.close());
    greedy.bind(0, '127.0.0.2');
    await once(greedy, 'listening');
    const first = (index: number, cookie: Uint8Array) => {
      const packet = Buffer.alloc(55, 9);
      packet.set([1, 0, 0, 0, index, 0, 1]);
      packet.set(cookie, 7);
      return packet;
    };
    greedy.on('message', (packet) => {
      if (packet[0] === 5) greedy.send(first(packet[4]!, packet.subarray(5)), port, '127.0.0.1');
    });
    for (let index = 0; index < 12; index++) greedy.send(first(index, Buffer.alloc(16)), port, '127.0.0.1');
    await until('ten are refused', () => server.faults().length === 10);
    expect(new Set(server.faults())).toEqual(new Set(['NOISE_HANDSHAKE_FAILED:BUSY']));
    expect(server.events).toContainEqual({
      type: 'fault',
      error: expect.objectContaining({ field: 'maxHandshakesPerAddress' }),
    });
    expect(listening.handshakes).toBe(2);
    const channel = await client.open({ did: bob.did, addresses: [`udp://127.0.0.1:${port}`] });
    await channel.close();
  });

  test('a side that falls silent is given up', async () => {
    let isCut = false;
    const cut: Change = (packet) => (isCut ? undefined : [packet]);
    const { open } = await overUdp(cut, cut, { silenceMs: 300 });
    const [channel, other] = await open();
    await new Promise((resolve) => setTimeout(resolve, 700));
    // Both said that they are there.
    const state = await Promise.race([channel.closed, Promise.resolve('open')]);
    expect(state).toBe('open');
    isCut = true;
    expect((await channel.closed).by).toBe('error');
    expect((await other.closed).by).toBe('error');
  });
});
