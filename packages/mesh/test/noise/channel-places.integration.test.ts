import { describe, expect, test } from '@jest/globals';
import type { MemoryTrustRegistry, TrustRegistry } from '@private.me/xlink';
import {
  afterTest,
  bytes,
  failureOf,
  heard,
  identityOf,
  listen,
  providerOf,
  registryOf,
  until,
} from '../support.js';

/** A registry that counts the questions about a DID. */
function counted(registry: MemoryTrustRegistry) {
  const asked: string[] = [];
  const counting = {
    asked,
    lookup: (did: string) => {
      asked.push(did);
      return registry.lookup(did);
    },
    onChange: (listener: (did?: string) => void) => registry.onChange!(listener),
  };
  return counting satisfies Pick<TrustRegistry, 'lookup'>;
}

async function setUp(address: string, options: { readonly maxChannelsPerDid?: number } = {}) {
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => identityOf(name)));
  const registry = await registryOf(alice!, bob!, carol!);
  const seen = counted(registry);
  const server = providerOf({ identity: bob!, registry: seen, ...options });
  const listening = await listen(server, address);
  const target = { did: bob!.did, addresses: [listening.address] };
  const openAs = (identity: typeof alice) => {
    const client = providerOf({ identity: identity!, registry });
    return async () => {
      const channel = await client.open(target, { timeoutMs: 3_000 });
      afterTest(() => channel.close());
      return channel;
    };
  };
  return { alice: alice!, carol: carol!, registry, seen, server, listening, openAs };
}

describe.each(['tcp://127.0.0.1:0', 'ws://127.0.0.1:0/', 'udp://127.0.0.1:0'])(
  'channels of one DID: %s',
  (address) => {
    test('there are only so many, both sides are told, and others get in', async () => {
      const { alice, carol, server, listening, openAs } = await setUp(address, { maxChannelsPerDid: 3 });
      const open = openAs(alice);
      const [first] = [await open(), await open(), await open()];
      const error = await failureOf(open);
      expect(error).toMatchObject({ id: 'NOISE_LIMIT:CHANNELS', field: 'maxChannelsPerDid' });
      expect(error.message).toContain('`maxChannelsPerDid`');
      const failed = await until('it is told here, too', () =>
        server.events.find((event) => event.type === 'handshake' && event.outcome === 'failed'),
      );
      expect(failed).toMatchObject({ error: { id: 'NOISE_LIMIT:CHANNELS' } });
      await openAs(carol)();
      expect(listening.channels).toHaveLength(4);
      await first!.close();
      await Promise.race(listening.channels.map(({ closed }) => closed)); // its place is free
      await (await open()).send(bytes('again'));
    });

    test('the registry is asked once for all of them, and revoking ends all', async () => {
      const { alice, registry, seen, listening, openAs } = await setUp(address);
      const open = openAs(alice);
      for (let count = 0; count < 6; count++) await open();
      await until('all are there', () => listening.channels.length === 6);
      seen.asked.length = 0;
      await registry.revoke(alice.did);
      const ends = await Promise.all(listening.channels.map(({ closed }) => closed));
      expect(new Set(ends.map(({ by }) => by))).toEqual(new Set(['revoked']));
      expect(seen.asked).toEqual([alice.did]);
    });

    test('one that closes takes no watch from those that stay', async () => {
      const { alice, registry, listening, openAs } = await setUp(address);
      const open = openAs(alice);
      const [first, second] = [await open(), await open()];
      const texts = heard(await listening.next());
      await first!.send(bytes('one'));
      await until('it is heard', () => texts.length === 1);
      await second!.close();
      await listening.channels[1]!.closed;
      await registry.revoke(alice.did);
      expect(await listening.channels[0]!.closed).toMatchObject({ by: 'revoked' });
    });
  },
);
