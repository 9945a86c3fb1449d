import { expect, test } from '@jest/globals';
import { MemoryOperationsStore, type TrustRegistry } from '@private.me/xlink';
import { MlsClient, MlsProvider } from '../src/index.js';
import {
  agentAt,
  anotherServer,
  bytes,
  clientAt,
  faultsOf,
  groupIn,
  groupOf,
  type Place,
  revoke,
  startServer,
  text,
  until,
} from './support.js';

/** Puts an agent into the registry of another server, too. */
async function registerAt(place: Place, agent: Awaited<ReturnType<typeof agentAt>>): Promise<void> {
  const done = await place.registry.register({ did: agent.did, keys: await agent.keyRecord() });
  if (!done.ok) throw done.error;
}

test('a group has one server, its members may have others', async () => {
  const [one, two] = [await startServer(), await anotherServer()];
  const alices = await agentAt(one, 'alice');
  const bobs = await agentAt(two, 'bob');
  await registerAt(two, alices);
  await registerAt(one, bobs);
  const homeOf = (did: string) => (did === bobs.did ? two.url : one.url);
  const alice = await clientAt(one, 'alice', { agent: alices, servers: [two.url], homeOf });
  const bob = await clientAt(two, 'bob', { agent: bobs, servers: [one.url], homeOf });
  const group = await alice.client.create();
  await group.add(bob.did);
  const bobsGroup = await groupIn(bob, group.id);
  expect([group.server, bobsGroup.server]).toEqual([one.url, one.url]);
  await bobsGroup.send(bytes('from the other server'));
  await until('alice hears', () => alice.inbox.length === 1);
  await group.send(bytes('and back'));
  await until('bob hears', () => bob.inbox.length === 1);
  expect([alice, bob].flatMap(faultsOf)).toEqual([]);
});

test('a group can be joined without invitation only if it was made so; revoked DIDs cannot', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const carol = await clientAt(place, 'carol');
  const mallory = await clientAt(place, 'mallory');
  const shut = await groupOf(alice);
  await expect(bob.client.join(shut.id)).rejects.toMatchObject({ id: 'EXTERNAL_JOIN_OFF' });
  const open = await alice.client.create({ externalJoin: true });
  await revoke(place, mallory.did);
  await expect(mallory.client.join(open.id)).rejects.toMatchObject({ code: 'DELIVERY_FAILED' });
  const [bobs, carols] = await Promise.all([bob.client.join(open.id), carol.client.join(open.id)]);
  await groupIn(alice, open.id, 2);
  await Promise.all([bobs.sync(), carols.sync()]);
  expect(new Set([open, bobs, carols].map((one) => one.fingerprint())).size).toBe(1);
  await carols.send(bytes('hello'));
  await until('all hear', () => alice.inbox.length === 1 && bob.inbox.length === 1);
  await open.remove(carol.did);
  await bobs.sync();
  expect(bobs.members).toEqual([alice.did, bob.did]);
});

test('groups are channels of the router, and what is not to be followed is not followed', async () => {
  const place = await startServer();
  const alice = await clientAt(place, 'alice');
  const bob = await clientAt(place, 'bob');
  const carol = await clientAt(place, 'carol', { accept: () => false });
  const group = await groupOf(alice, bob);
  const [alices, bobs] = [new MlsProvider(alice.client), new MlsProvider(bob.client)];
  expect(await alices.canReach({ groupId: group.id })).toEqual({
    state: 'offline',
    why: 'log',
    postQuantum: false,
  });
  expect(await alices.canReach({ groupId: 'x' })).toMatchObject({ state: 'unreachable' });
  expect(await alices.canReach({})).toMatchObject({ state: 'unsupported' });
  await expect(alices.open({ groupId: 'x' })).rejects.toMatchObject({ id: 'GROUP_UNKNOWN' });
  const strong = alices.open({ groupId: group.id }, { postQuantum: true });
  await expect(strong).rejects.toMatchObject({ id: 'SUITE_UNKNOWN' });
  const channel = await alices.open({ groupId: group.id });
  const other = await bobs.open({ groupId: group.id });
  const heard: string[] = [];
  other.onMessage((data, from) => void heard.push(`${from.did}: ${text(data)}`));
  await channel.send(bytes('by the channel'));
  await until('bob hears', () => heard.length === 1);
  expect(heard).toEqual([`${alice.did}: by the channel`]);
  await channel.close('enough');
  expect(await channel.closed).toEqual({ by: 'local', reason: 'enough' });
  await expect(channel.send(bytes('x'))).rejects.toMatchObject({ id: 'CLOSED' });
  await group.add(carol.did);
  await carol.client.sync();
  expect(carol.client.groups).toEqual([]);
  await expect(group.send(new Uint8Array(64 * 1024))).rejects.toMatchObject({ id: 'MESSAGE_TOO_LARGE' });
  await expect(group.remove(alice.did)).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'dids' });
  await expect(group.add('bob')).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'dids' });
  const opened: string[] = [];
  bobs.onChannel(({ peer }) => void opened.push(peer.did));
  expect(opened).toEqual([group.id]);
  const second = await alice.client.create();
  await second.add(bob.did);
  await until('bob gets a channel to the second', () => opened.includes(second.id));
  await group.send(bytes('the last'));
  await group.remove(bob.did);
  expect(await other.closed).toEqual({ by: 'peer', reason: 'removed' });
  expect(heard.at(-1)).toBe(`${alice.did}: the last`);
  await expect(other.send(bytes('x'))).rejects.toMatchObject({ id: 'CLOSED' });
  expect(await bobs.canReach({ groupId: group.id })).toMatchObject({ state: 'unreachable' });
});

test('while the registry is down nobody is let in, and nobody is thrown out', async () => {
  const place = await startServer();
  const real = place.registry;
  let isDown = false;
  const registry: TrustRegistry = {
    async lookup(did) {
      if (isDown) throw new Error('down');
      return real.lookup(did);
    },
    register: (entry) => real.register(entry),
    updateKeys: (keys) => real.updateKeys(keys),
  };
  const agent = await agentAt(place, 'alice', registry);
  const alice = await clientAt(place, 'alice', { agent });
  const bob = await clientAt(place, 'bob');
  const carol = await clientAt(place, 'carol');
  const group = await groupOf(alice, bob);
  isDown = true;
  await expect(group.add(carol.did)).rejects.toMatchObject({ id: 'REGISTRY_UNAVAILABLE' });
  await group.recheck();
  await group.send(bytes('goes on'));
  expect(group.members).toEqual([alice.did, bob.did]);
  isDown = false;
  await group.add(carol.did);
  expect(group.members).toHaveLength(3);
});

test('options are checked', async () => {
  const made = { agent: {} as never, server: 'http://localhost:9', store: new MemoryOperationsStore() };
  const start = (more: object) => MlsClient.start({ ...made, ...more } as never);
  await expect(start({ sweet: 1 })).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'sweet' });
  await expect(start({ suit: 1 })).rejects.toThrow('did you mean suite?');
  await expect(start({ agent: undefined })).rejects.toMatchObject({ field: 'agent' });
  const agent = { sign() {}, deriveSubkey() {}, ready() {} };
  await expect(start({ agent, server: 'http://example.com' })).rejects.toMatchObject({ field: 'server' });
  await expect(start({ agent, suite: 'rot13' })).rejects.toThrow('x25519-aes128');
  await expect(start({ agent, keyPackages: 0 })).rejects.toMatchObject({ field: 'keyPackages' });
  await expect(start({ agent, store: {} })).rejects.toMatchObject({ field: 'store' });
  await expect(start({ agent, store: undefined })).rejects.toMatchObject({ field: 'store' });
});
