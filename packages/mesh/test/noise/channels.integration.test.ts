import { describe, expect, test } from '@jest/globals';
import {
  afterTest,
  bytes,
  enroll,
  heard,
  identityOf,
  idOfFailure,
  listen,
  providerOf,
  registryOf,
  until,
} from '../support.js';

const ADDRESSES = ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0/noise', 'udp://127.0.0.1:0'];
const SUITES = [{}, { cipher: 'AESGCM' as const }, { hybrid: true }];
const rows = ADDRESSES.flatMap((address) => SUITES.map((suite) => [address, suite] as const));

describe.each(rows)('%s %j', (address, suite) => {
  test('messages go both ways, in order', async () => {
    const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
    const registry = await registryOf(alice, bob);
    const server = await listen(providerOf({ identity: bob, registry, ...suite }), address);
    const client = providerOf({ identity: alice, registry, ...suite });
    const channel = await client.open({ did: bob.did, addresses: [server.address] });
    afterTest(() => channel.close());
    const other = await server.next();
    expect(channel.peer.did).toBe(bob.did);
    expect(other.peer.did).toBe(alice.did);
    const [atBob, atAlice] = [heard(other), heard(channel)];
    for (let count = 0; count < 50; count++) await channel.send(bytes(`to bob ${count}`));
    for (let count = 0; count < 50; count++) await other.send(bytes(`to alice ${count}`));
    await until('all messages', () => atBob.length === 50 && atAlice.length === 50);
    expect(atBob).toEqual(Array.from({ length: 50 }, (_, count) => `to bob ${count}`));
    expect(atAlice).toEqual(Array.from({ length: 50 }, (_, count) => `to alice ${count}`));
    await channel.close('done');
    expect(await other.closed).toEqual({ by: 'peer', reason: 'done' });
    expect(await channel.closed).toEqual({ by: 'local', reason: 'done' });
    expect(await idOfFailure(() => channel.send(bytes('more')))).toBe('CHANNEL_CLOSED');
    expect(await idOfFailure(() => other.send(bytes('more')))).toBe('CHANNEL_CLOSED');
  });

  test('who is revoked later loses the channel', async () => {
    const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
    const registry = await registryOf(alice, bob);
    const server = await listen(providerOf({ identity: bob, registry, ...suite }), address);
    const client = providerOf({ identity: alice, registry, ...suite });
    const channel = await client.open({ did: bob.did, addresses: [server.address] });
    const other = await server.next();
    await registry.revoke(alice.did);
    expect((await other.closed).by).toBe('revoked');
    expect(await idOfFailure(() => other.send(bytes('more')))).toBe('CHANNEL_CLOSED');
    await channel.close();
    expect(
      await idOfFailure(() => client.open({ did: bob.did, addresses: [server.address] }, { timeoutMs: 700 })),
    ).toMatch('NOISE_HANDSHAKE_FAILED');
    expect(server.channels).toHaveLength(1);
  });

  test('who proves another DID, or is unknown, gets nothing', async () => {
    const [alice, bob, eve] = await Promise.all([identityOf('alice'), identityOf('bob'), identityOf('eve')]);
    const registry = await registryOf(alice, bob);
    const server = await listen(providerOf({ identity: bob, registry, ...suite }), address);
    const client = providerOf({ identity: alice, registry, ...suite });
    const open = (provider: typeof client, did: string) =>
      idOfFailure(() => provider.open({ did, addresses: [server.address] }, { timeoutMs: 700 }));
    expect(await open(client, eve.did)).toBe('NOISE_IDENTITY_MISMATCH');
    const stranger = providerOf({ identity: eve, registry: await registryOf(alice, bob), ...suite });
    expect(await open(stranger, bob.did)).toMatch('NOISE_HANDSHAKE_FAILED');
    expect(server.channels).toHaveLength(0);
    await enroll(registry, eve);
    const channel = await stranger.open({ did: bob.did, addresses: [server.address] });
    expect((await server.next()).peer.did).toBe(eve.did);
    await channel.close();
  });
});

test.each(['tcp', 'udp', 'websocket'] as const)(
  'addresses of the transport that is preferred are tried first: %s',
  async (prefer) => {
    const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);
    const registry = await registryOf(alice, bob);
    const server = providerOf({ identity: bob, registry });
    const places = await Promise.all(ADDRESSES.map((address) => listen(server, address)));
    const addresses = places.map(({ address }) => address);
    const channel = await providerOf({ identity: alice, registry, prefer }).open({ did: bob.did, addresses });
    afterTest(() => channel.close());
    const at = ['tcp', 'websocket', 'udp'].indexOf(prefer);
    await places[at]!.next();
    expect(places.map(({ channels }) => channels.length)).toEqual(
      [0, 1, 2].map((each) => (each === at ? 1 : 0)),
    );
  },
);
