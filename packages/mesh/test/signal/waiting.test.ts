import { describe, expect, test } from '@jest/globals';
import type { SignalChannel } from '../../src/signal/channel.js';
import { SignalProvider, type SignalProviderOptions } from '../../src/signal/index.js';
import { failureOf } from '../support.js';
import { idOf, type Peer, text, World } from './support.js';

const KIB = 1024;
const LEAST = { maxMessageBytes: 10 * KIB, maxWaitingBytes: 20 * KIB };

/** Bob, to whom nobody listens; and what sends to him. */
async function deafBob(options: Partial<SignalProviderOptions>) {
  const world = new World();
  const bob = await world.provider('bob', options);
  const channels: SignalChannel[] = [];
  bob.provider.onChannel((channel) => void channels.push(channel));
  const send = (peer: Peer, message: string) => peer.send({ did: bob.did } as Peer, message);
  const receive = (peer: Peer) =>
    world.post.take().map(({ message }) => bob.provider.receive(peer.did, message));
  return { world, bob, channels, send, receive };
}

describe('what waits for a listener', () => {
  test('is limited in bytes for each peer; the carrier keeps the rest, and gives it once there is room', async () => {
    const { world, channels, send } = await deafBob(LEAST);
    const alice = await world.peer('alice');
    for (const n of [1, 2, 3, 4]) await send(alice, `${n}`.repeat(8 * KIB));
    await world.post.deliver();
    expect(world.post.queue).toHaveLength(2);
    const inbox: string[] = [];
    channels[0]!.onMessage((data) => void inbox.push(text(data)[0]!));
    await world.post.deliver();
    expect(inbox).toEqual(['1', '2', '3', '4']);
  });

  test('is limited for all peers together, and what is refused says which limit it was', async () => {
    const { world, bob, channels, send } = await deafBob({ ...LEAST, maxWaitingBytesTotal: 20 * KIB });
    const [alice, carol] = [await world.peer('alice'), await world.peer('carol')];
    for (const part of ['a', 'b']) await send(alice, part.repeat(8 * KIB));
    await world.post.deliver();
    await send(carol, 'c'.repeat(8 * KIB));
    const [first] = world.post.queue;
    expect(await failureOf(() => bob.provider.receive(carol.did, first!.message))).toMatchObject({
      id: 'SIGNAL_NO_LISTENER:FULL',
      field: 'maxWaitingBytesTotal',
    });
    await channels[0]!.close(); // what waited in it is not the provider's any more
    await world.post.deliver();
    expect(channels).toHaveLength(2);
  });

  test('is counted before it is opened: many at once do not pass together', async () => {
    const { world, send, receive } = await deafBob({ maxWaiting: 3 });
    const alice = await world.peer('alice');
    for (const n of [1, 2, 3, 4, 5, 6]) await send(alice, String(n));
    const ids = await Promise.all(receive(alice).map((received) => idOf(() => received)));
    expect(ids.filter((id) => id === 'SIGNAL_NO_LISTENER:FULL')).toHaveLength(3);
    expect(ids.filter((id) => id === 'no error')).toHaveLength(3);
  });

  test('is not limited where somebody listens', async () => {
    const { world, bob, channels, send, receive } = await deafBob({ ...LEAST, maxWaiting: 1 });
    const alice = await world.peer('alice');
    await send(alice, '0');
    await world.post.deliver();
    let heard = 0;
    let goOn = () => {};
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    channels[0]!.onMessage(() => {
      heard++;
      return slow;
    });
    for (let n = 0; n < 8; n++) await send(alice, 'x'.repeat(8 * KIB));
    const all = receive(alice); // at once: more than may wait
    goOn();
    await Promise.all(all);
    expect(heard).toBe(9);
    expect(bob.events.filter(({ type }) => type === 'message-refused')).toEqual([]);
  });

  test.each([
    [{ maxWaitingBytes: 1000 }, 'maxWaitingBytes'],
    [{ maxWaitingBytes: 5_000_000, maxWaitingBytesTotal: 4_000_000 }, 'maxWaitingBytesTotal'],
  ])('limits that no message fits in are refused: %j', async (options, field) => {
    const world = new World();
    const agent = await world.agent('bob');
    const start = () =>
      SignalProvider.start({
        agent,
        directory: world.directory.as(agent.did),
        carrier: world.post.as(agent.did),
        ...options,
      });
    expect(await failureOf(start)).toMatchObject({ id: 'INVALID_OPTION', field });
  });
});
