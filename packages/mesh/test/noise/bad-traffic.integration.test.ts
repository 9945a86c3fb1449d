import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { MAX_UDP_MESSAGE, type NoiseOptions, type SecureChannel } from '../../src/index.js';
import {
  afterTest,
  bytes,
  heard,
  identityOf,
  idOfFailure,
  listen,
  providerOf,
  registryOf,
  until,
} from '../support.js';
import { type Change, flipped, tcpProxy, udpProxy } from './proxies.js';

const keep: Change = (message) => [message];
const flipAt =
  (index: number, place: number): Change =>
  (message, count) => [count === index ? flipped(message, place) : message];

async function pairOf(options: Partial<NoiseOptions> = {}, clientOptions: Partial<NoiseOptions> = options) {
  const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
  const registry = await registryOf(alice, bob);
  const server = providerOf({ identity: bob, registry, ...options });
  const client = providerOf({ identity: alice, registry, ...clientOptions });
  return { alice, bob, registry, server, client };
}

async function overTcp(toServer: Change, toClient: Change = keep, options: Partial<NoiseOptions> = {}) {
  const pair = await pairOf(options);
  const listening = await listen(pair.server, 'tcp://127.0.0.1:0');
  const address = await tcpProxy(listening.address, toServer, toClient);
  const open = () => pair.client.open({ did: pair.bob.did, addresses: [address] }, { timeoutMs: 3_000 });
  return { ...pair, listening, open };
}

async function overUdp(toServer: Change, toClient: Change = keep, options: Partial<NoiseOptions> = {}) {
  const pair = await pairOf({ retransmitMs: 30, retransmitMaxMs: 200, ...options });
  const listening = await listen(pair.server, 'udp://127.0.0.1:0');
  const address = await udpProxy(listening.address, toServer, toClient);
  const open = async () => {
    const channel = await pair.client.open({ did: pair.bob.did, addresses: [address] }, { timeoutMs: 5_000 });
    return [channel, await listening.next()] as const;
  };
  return { ...pair, listening, open };
}

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
    expect(
      await idOfFailure(() => client.open({ did: bob.did, addresses: [address] }, { timeoutMs: 700 })),
    ).toBe('NOISE_HANDSHAKE_FAILED:TIMEOUT');
    // At 0, 40, 120, 280, 440 and 600 ms.
    const gaps = times.slice(1).map((time, at) => time - times[at]!);
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times.length).toBeLessThanOrEqual(6);
    for (const [at, gap] of gaps.entries()) expect(gap).toBeGreaterThan(Math.min(160, 40 * 2 ** at) - 5);
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

describe('who is at the other end', () => {
  test('a record in the registry with other keys, or none that answers, lets nobody in', async () => {
    const { alice, bob, client, registry } = await pairOf();
    const other = await identityOf('alice', { maxVersion: 1 });
    const listening = await listen(
      providerOf({ identity: bob, registry: await registryOf(other, bob) }),
      'tcp://127.0.0.1:0',
    );
    const open = (address = listening.address) =>
      idOfFailure(() => client.open({ did: bob.did, addresses: [address] }));
    expect(alice.did).toBe(other.did);
    expect(await open()).toMatch('NOISE_HANDSHAKE_FAILED');
    const down = { lookup: () => Promise.reject(new Error('down')) };
    const second = await listen(providerOf({ identity: bob, registry: down }), 'tcp://127.0.0.1:0');
    expect(await open(second.address)).toMatch('NOISE_HANDSHAKE_FAILED');
    const third = providerOf({ identity: alice, registry: down });
    const good = await listen(providerOf({ identity: bob, registry }), 'tcp://127.0.0.1:0');
    expect(await idOfFailure(() => third.open({ did: bob.did, addresses: [good.address] }))).toBe(
      'NOISE_IDENTITY_MISMATCH:REGISTRY',
    );
  });

  test('an agent that is connected to itself notices', async () => {
    const { bob, server } = await pairOf();
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    expect(await idOfFailure(() => server.open({ did: bob.did, addresses: [listening.address] }))).toBe(
      'NOISE_IDENTITY_MISMATCH',
    );
  });

  test('a listener for one peer takes no other; with `paired`, both DIDs are part of the handshake', async () => {
    const { alice, bob, registry } = await pairOf();
    const carol = await identityOf('carol');
    const all = await registryOf(alice, bob, carol);
    const listening = await listen(
      providerOf({ identity: bob, registry: all, paired: true }),
      'tcp://127.0.0.1:0',
      {
        peer: alice.did,
      },
    );
    const target = { did: bob.did, addresses: [listening.address] };
    const channel = await providerOf({ identity: alice, registry: all, paired: true }).open(target);
    await channel.close();
    const unpaired = providerOf({ identity: alice, registry });
    expect(await idOfFailure(() => unpaired.open(target))).toMatch('NOISE_HANDSHAKE_FAILED');
    const other = providerOf({ identity: carol, registry: all, paired: true });
    expect(await idOfFailure(() => other.open(target))).toMatch('NOISE_HANDSHAKE_FAILED');
  });

  test('ML-DSA-65 signs beside Ed25519 where both want it, also over UDP with ML-KEM', async () => {
    const [alice, bob] = await Promise.all([
      identityOf('alice', { postQuantumSig: true }),
      identityOf('bob', { postQuantumSig: true }),
    ]);
    const registry = await registryOf(alice, bob);
    const options = { registry, hybrid: true, postQuantumSig: true };
    const listening = await listen(providerOf({ identity: bob, ...options }), 'udp://127.0.0.1:0');
    const target = { did: bob.did, addresses: [listening.address] };
    const channel = await providerOf({ identity: alice, ...options }).open(target);
    expect((await listening.next()).peer.did).toBe(alice.did);
    await channel.close();
    const without = providerOf({ identity: alice, registry, hybrid: true });
    expect(await idOfFailure(() => without.open(target, { timeoutMs: 1_500 }))).toMatch(
      'NOISE_HANDSHAKE_FAILED',
    );
  });

  test('who listens with the registry down keeps channels for the grace time, then ends them', async () => {
    let isDown = false;
    const { alice, bob, registry } = await pairOf();
    const flaky = {
      lookup: (did: string) => (isDown ? Promise.reject(new Error('down')) : registry.lookup(did)),
    };
    const server = providerOf({ identity: bob, registry: flaky, recheckMs: 20, registryGraceMs: 300 });
    const listening = await listen(server, 'tcp://127.0.0.1:0');
    await providerOf({ identity: alice, registry }).open({ did: bob.did, addresses: [listening.address] });
    const other = await listening.next();
    isDown = true;
    const began = performance.now();
    expect(await other.closed).toMatchObject({
      by: 'error',
      error: { id: 'NOISE_IDENTITY_MISMATCH:REGISTRY' },
    });
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});
