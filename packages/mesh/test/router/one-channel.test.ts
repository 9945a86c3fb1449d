import { describe, expect, test } from '@jest/globals';
import { type RouterEvent, requireRole, SecureMeshRouter } from '../../src/index.js';
import { afterTest, bytes, failureOf, idOfFailure, until } from '../support.js';
import { only, PEER, PlayedChannel, PlayedProvider, play } from './support.js';

describe('one channel for each target', () => {
  test('the same one, also for two that ask at once; another one after it was closed', async () => {
    const { router, providers } = play();
    const [one, two] = await Promise.all([
      router.establishChannel(PEER),
      router.establishChannel({ did: PEER }),
    ]);
    expect(one).toBe(two);
    const group = await router.establishChannel(PEER, { groupId: 'fleet' });
    expect(group.kind).toBe('mls');
    await one.close('done');
    expect(await one.closed).toEqual({ by: 'local', reason: 'done' });
    expect(await router.establishChannel(PEER)).not.toBe(one);
    expect(providers.noise.opened).toHaveLength(2);
  });

  test('what the other side opens is the same channel; a new one goes to the listeners', async () => {
    const { router, providers } = play();
    const seen: string[] = [];
    router.onChannel(({ peer }) => void seen.push(peer.did));
    providers.noise.reach = { state: 'unreachable' };
    const channel = await router.establishChannel(PEER);
    const incoming = new PlayedChannel('noise', PEER);
    router.accept(incoming);
    await until('taken', () => channel.kind === 'noise');
    expect(seen).toEqual([]);
    await channel.send(bytes('by noise'));
    expect(incoming.sent).toEqual(['by noise']);
    router.accept(new PlayedChannel('noise', 'did:key:z6MkNew'));
    expect(seen).toEqual(['did:key:z6MkNew']);
    expect(providers.signal.opened).toHaveLength(1);
  });

  test('a lesser one that the other side opens is heard, and nothing is sent over it', async () => {
    const { router } = play();
    const channel = await router.establishChannel(PEER);
    const heard: string[] = [];
    channel.onMessage((data) => void heard.push(Buffer.from(data).toString()));
    const incoming = new PlayedChannel('envelope', PEER);
    router.accept(incoming);
    await until('it is heard', () => incoming.listeners.size > 0);
    await incoming.hear('by envelope');
    await channel.send(bytes('by noise'));
    expect([heard, incoming.sent, channel.kind]).toEqual([['by envelope'], [], 'noise']);
  });

  test('who asks for a hybrid channel gets none that was opened without, nor is one moved to what the other side opens', async () => {
    const { router, providers } = play();
    providers.noise.reach = { state: 'online', postQuantum: false };
    const classical = await router.establishChannel(PEER);
    const hybrid = await router.establishChannel(PEER, { postQuantum: true });
    expect([classical.kind, hybrid.kind]).toEqual(['noise', 'signal']);
    const strict = play({ postQuantum: true });
    strict.providers.noise.reach = { state: 'unreachable' };
    const channel = await strict.router.establishChannel(PEER);
    channel.onMessage(() => {});
    const incoming = new PlayedChannel('noise', PEER);
    strict.router.accept(incoming);
    await until('it is heard', () => incoming.listeners.size > 0);
    expect(channel.kind).toBe('signal');
  });

  test('a classical channel that came in is not what a router gives that asks for hybrid ones', async () => {
    const { router, providers } = play({ postQuantum: true });
    providers.noise.reach = { state: 'unreachable' };
    const came: string[] = [];
    router.onChannel(({ kind }) => came.push(kind));
    router.accept(new PlayedChannel('noise', PEER));
    expect(came).toEqual(['noise']);
    expect((await router.establishChannel(PEER)).kind).toBe('signal');
    const weak = await router.establishChannel(PEER, { postQuantum: false });
    expect(weak.kind).toBe('noise');
  });

  test('roles are bound to the identity that the channel proved', async () => {
    const { router } = play({ roles: { [PEER]: ['planner'] } });
    const channel = await router.establishChannel(PEER);
    expect(channel.peer).toEqual({ did: PEER, roles: ['planner'] });
    requireRole(channel, 'planner');
    expect(await idOfFailure(() => requireRole(channel, 'operator'))).toBe('ROLE_MISSING');
    const other = await router.establishChannel('did:key:toString', { only: ['envelope'] });
    expect(other.peer.roles).toEqual([]);
  });

  test('in a group the sender of each message has the roles, and the group has none', async () => {
    const [planner, worker] = ['did:key:planner', 'did:key:worker'];
    const mls = new PlayedProvider('mls', 'offline');
    const roles = (did: string) => (did === worker ? [] : ['planner']); // a function that says too much of groups
    const events: RouterEvent[] = [];
    const router = new SecureMeshRouter({
      ...{ providers: [mls], roles, upgradeMs: 0 },
      observers: [(event) => void events.push(event)],
    });
    afterTest(() => router.close());
    const channel = await router.establishChannel({ groupId: 'fleet' });
    expect(channel.peer).toEqual({ did: 'fleet', roles: [] });
    expect(await idOfFailure(() => requireRole(channel, 'planner'))).toBe('ROLE_MISSING');
    const done: string[] = [];
    channel.onMessage((data, from) => {
      requireRole(from, 'planner');
      done.push(`${from.did}: ${Buffer.from(data)}`);
    });
    await mls.last.hear('open the gate', worker);
    await mls.last.hear('close the gate', planner);
    expect(done).toEqual([`${planner}: close the gate`]);
    expect(only(events, 'fault').map(({ error }) => (error as { id?: string }).id)).toEqual(['ROLE_MISSING']);
  });
});

describe('options', () => {
  test.each([
    [{ providers: [] }, 'providers'],
    [{ providers: [{}] }, 'providers'],
    [
      { providers: [new PlayedProvider('noise', 'online'), new PlayedProvider('noise', 'online')] },
      'providers',
    ],
    [{ provider: [] }, 'provider'],
    [{ providers: [new PlayedProvider('noise', 'online')], upgradeMs: -1 }, 'upgradeMs'],
    [{ providers: [new PlayedProvider('noise', 'online')], roles: 1 }, 'roles'],
  ])('%j', async (options, field) => {
    const error = await failureOf(() => new SecureMeshRouter(options as never));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });

  test.each([
    ['', {}, 'target'],
    [PEER, { transports: 'udp' }, 'transports'],
    [PEER, { transport: 'pigeon' }, 'transport'],
    [PEER, { only: ['smoke'] }, 'only'],
    [PEER, { latency: 'high' }, 'latency'],
  ])('%s %j', async (target, config, field) => {
    const error = await failureOf(() => play().router.establishChannel(target, config as never));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });
});
