import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  type ChannelConfig,
  type ChannelKind,
  type CloseInfo,
  FALLBACKS,
  MeshError,
  type Reach,
  ROUTES,
  SecureMeshRouter,
  UPGRADES,
} from '../../src/index.js';
import {
  afterTest,
  bytes,
  failureOf,
  identityOf,
  idOfFailure,
  providerOf,
  registryOf,
  until,
} from '../support.js';
import { only, PEER, play } from './support.js';

const unreachable = () => new MeshError('NOISE_HANDSHAKE_FAILED:CONNECTION');
const mismatch = () => new MeshError('NOISE_IDENTITY_MISMATCH');

describe('the decision matrix, row by row', () => {
  const rows: Record<
    string,
    { target?: string; config?: ChannelConfig; noise?: Reach['state']; without?: true; gets: ChannelKind }
  > = {
    group: { config: { groupId: 'fleet' }, gets: 'mls' },
    'http-api': { target: 'https://api.example.com/orders', gets: 'session' },
    telemetry: { config: { transport: 'udp' }, gets: 'noise' },
    online: { gets: 'noise' },
    'online-lasting': { config: { latency: 'any' }, gets: 'signal' },
    offline: { noise: 'unreachable', gets: 'signal' },
    unknown: { without: true, gets: 'signal' },
  };

  test('every row has its test', () => {
    expect(Object.keys(rows)).toEqual(ROUTES.map(({ name }) => name));
  });

  test.each(ROUTES.map((row) => [row.name, row] as const))('%s', async (name, { kinds }) => {
    const { target = PEER, config = {}, noise = 'online', without, gets } = rows[name]!;
    const { router, providers, events } = play();
    providers.noise.reach = { state: noise };
    const chosen = without
      ? new SecureMeshRouter({
          providers: [providers.signal],
          upgradeMs: 0,
          observers: [(event) => void events.push(event)],
        })
      : router;
    const channel = await chosen.establishChannel(target, config);
    expect(channel.kind).toBe(gets);
    const [established] = only(events, 'established');
    expect(established).toMatchObject({ route: name, kind: gets });
    expect(kinds).toContain(gets);
  });

  test('a hybrid key agreement, where it is asked for, rules out what has none', async () => {
    const { router, providers, events } = play({ postQuantum: true });
    providers.noise.reach = { state: 'online', postQuantum: false };
    const channel = await router.establishChannel(PEER);
    expect(channel.kind).toBe('signal');
    expect(only(events, 'established')[0]).toMatchObject({ postQuantum: true });
    expect(providers.signal.opened[0]!.options.postQuantum).toBe(true);
  });

  test('what the other side says it takes is all that is tried', async () => {
    const entry = { did: PEER, status: 'active' as const, capabilities: ['mesh:envelope', 'translate'] };
    const { router } = play({ registry: { lookup: () => entry } });
    expect((await router.establishChannel(PEER)).kind).toBe('envelope');
  });

  test('one that says nothing of the mesh is tried with all', async () => {
    const entry = { did: PEER, status: 'active' as const, capabilities: ['translate'] };
    const { router } = play({ registry: { lookup: () => entry } });
    expect((await router.establishChannel(PEER)).kind).toBe('noise');
  });
});

describe('fallback, rule by rule', () => {
  /** Makes one kind fail in one way, and says what the caller gets. */
  type Play = (kind: ChannelKind) => Promise<{ kind?: string; error?: string; rule: string | undefined }>;
  const outcome = async (
    { router, events }: ReturnType<typeof play>,
    target: string,
    config: ChannelConfig = {},
  ) => {
    const result = await router.establishChannel(target, config).then(
      ({ kind }) => ({ kind }),
      (error: MeshError) => ({ error: error.id }),
    );
    return { ...result, rule: [...only(events, 'fallback'), ...only(events, 'refused')].at(-1)?.rule };
  };
  const configFor = (kind: ChannelKind): [string, ChannelConfig] => {
    if (kind === 'mls') return [PEER, { groupId: 'fleet' }];
    if (kind === 'session') return ['https://api.example.com', {}];
    return [
      PEER,
      { ...(kind === 'noise' ? {} : { only: kind === 'signal' ? ['signal', 'envelope'] : [kind] }) },
    ];
  };
  const failing =
    (failure: unknown): Play =>
    async (kind) => {
      const mesh = play();
      mesh.providers[kind].failure = failure;
      return outcome(mesh, ...configFor(kind));
    };
  const unsupported: Play = async (kind) => {
    const mesh = play();
    // Noise that cannot be had at all is no part of the route: here it cannot do what is asked for.
    mesh.providers[kind].reach = kind === 'noise' ? { state: 'online' } : { state: 'unsupported' };
    const [target, config] = configFor(kind);
    return outcome(mesh, target, { ...config, ...(kind === 'noise' ? { postQuantum: true } : {}) });
  };
  const lost: Play = async (kind) => {
    const mesh = play();
    const [target, config] = configFor(kind);
    const channel = await mesh.router.establishChannel(target, config);
    mesh.providers[kind].failure = new Error('gone');
    mesh.providers[kind].last.end({ by: 'error', error: new MeshError('NOISE_DECRYPT_FAILED') });
    const ended: { info?: CloseInfo } = {};
    void channel.closed.then((info) => Object.assign(ended, { info }));
    await until('its end or another one', () => ended.info !== undefined || channel.kind !== kind);
    const rule = only(mesh.events, 'fallback').at(-1)?.rule;
    return ended.info ? { error: (ended.info.error as MeshError).id, rule } : { kind: channel.kind, rule };
  };
  const ways = {
    identity: failing(mismatch()),
    unsupported,
    unreachable: failing(unreachable()),
    failed: failing(new MeshError('NOISE_HANDSHAKE_FAILED')),
    lost,
  };
  const next: Partial<Record<ChannelKind, ChannelKind>> = {
    noise: 'signal',
    signal: 'envelope',
    session: 'envelope',
  };
  const rows = FALLBACKS.filter(({ follows }) => follows !== 'other-transport').flatMap((row) =>
    row.from.flatMap((from) => row.on.map((on) => [row.name, from, on, row] as const)),
  );

  test.each(rows)('%s: %s, %s', async (name, from, on, { follows }) => {
    const { kind, error, rule } = await ways[on](from);
    expect(rule).toBe(name);
    if (follows === 'next') expect(kind).toBe(next[from]);
    else
      expect(error).toMatch(on === 'identity' ? 'NOISE_IDENTITY_MISMATCH' : /ROUTE_NOT_FOUND|CHANNEL_CLOSED/);
  });

  test.each(['unreachable', 'failed'] as const)('udp-to-stream: noise, %s', async (on) => {
    const mesh = play();
    const failure = on === 'failed' ? new MeshError('NOISE_HANDSHAKE_FAILED') : unreachable();
    mesh.providers.noise.failure = ({ transport }: { transport?: string }) =>
      transport !== 'websocket' && failure;
    const channel = await mesh.router.establishChannel(PEER, { transport: 'udp' });
    expect(channel.kind).toBe('noise');
    expect(mesh.providers.noise.opened[0]!.options.transport).toBe('websocket');
    expect(only(mesh.events, 'fallback').map(({ rule }) => rule)).toEqual(['udp-to-stream', 'udp-to-stream']);
  });

  test('udp-to-stream: noise, lost: it is opened anew, by UDP first', async () => {
    const mesh = play();
    const channel = await mesh.router.establishChannel(PEER, { transport: 'udp' });
    mesh.providers.noise.last.end({ by: 'error' });
    await until('another', () => mesh.providers.noise.opened.length === 2);
    await channel.send(bytes('on'));
    expect(mesh.providers.noise.last.sent).toEqual(['on']);
  });

  test('who was revoked, or closed, is not opened anew', async () => {
    for (const by of ['revoked', 'peer'] as const) {
      const { router, providers } = play();
      const channel = await router.establishChannel(PEER);
      providers.noise.last.end({ by });
      expect((await channel.closed).by).toBe(by);
      expect(providers.signal.opened).toHaveLength(0);
      expect(await idOfFailure(() => channel.send(bytes('more')))).toBe('CHANNEL_CLOSED');
    }
  });

  test('what failed lately is tried last, for 30 s and then longer', async () => {
    const { router, providers, time } = play();
    providers.noise.failure = new MeshError('NOISE_HANDSHAKE_FAILED');
    const first = await router.establishChannel(PEER);
    expect(first.kind).toBe('signal');
    await first.close();
    providers.noise.failure = undefined;
    const second = await router.establishChannel(PEER);
    expect(second.kind).toBe('signal');
    await second.close();
    time.now += 30_001;
    expect((await router.establishChannel(PEER)).kind).toBe('noise');
  });

  test('who is down, has no address or is no DID, is told apart', async () => {
    const identity = await identityOf('caller');
    const noise = providerOf({ identity, registry: await registryOf(identity) });
    const router = new SecureMeshRouter({ providers: [noise], upgradeMs: 0 });
    afterTest(() => router.close());
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const addresses = [`tcp://127.0.0.1:${port}`];
    const down = await failureOf(() => router.establishChannel(PEER, { addresses }));
    expect(down).toMatchObject({ id: 'ROUTE_NOT_FOUND:UNREACHABLE', field: PEER });
    expect(down.cause).toMatchObject({
      id: 'NOISE_HANDSHAKE_FAILED:CONNECTION',
      cause: { code: 'ECONNREFUSED' },
    });
    const unknown = await failureOf(() => router.establishChannel(PEER));
    expect(unknown).toMatchObject({ id: 'ROUTE_NOT_FOUND:NO_ADDRESS', field: PEER });
    const wrong = await failureOf(() => router.establishChannel('billing'));
    expect(wrong).toMatchObject({ id: 'INVALID_OPTION', field: 'target' });
  });

  test('where nothing is left, the errors are told', async () => {
    const { router, providers } = play();
    for (const provider of Object.values(providers)) provider.failure = new Error('down');
    const error = await failureOf(() => router.establishChannel(PEER));
    expect(error.id).toBe('ROUTE_NOT_FOUND');
    expect((error.cause as AggregateError).errors).toHaveLength(3);
    expect(await idOfFailure(() => router.establishChannel(PEER, { only: ['mls'] }))).toBe(
      'ROUTE_NOT_FOUND:NO_PROVIDER',
    );
  });
});

describe('upgrade, rule by rule', () => {
  test.each(UPGRADES.map((row) => [row.name, row] as const))('%s', async (_, { from, to }) => {
    const mesh = play();
    const isHttp = to === 'session';
    const target = isHttp ? 'https://api.example.com' : PEER;
    const only_ = new Set([from, to]);
    for (const kind of ['noise', 'signal', 'envelope', 'session'] as const)
      if (kind !== from) mesh.providers[kind].reach = { state: 'unreachable' };
    const channel = await mesh.router.establishChannel(target, { only: [...only_] });
    expect(channel.kind).toBe(from);
    const heard: string[] = [];
    channel.onMessage((data) => void heard.push(Buffer.from(data).toString()));
    await mesh.router.checkUpgrades();
    expect(channel.kind).toBe(from);
    mesh.providers[to].reach = { state: to === 'signal' ? 'offline' : 'online', postQuantum: true };
    await mesh.router.checkUpgrades();
    expect(channel.kind).toBe(to);
    await channel.send(bytes('over the new one'));
    expect(mesh.providers[to].last.sent).toEqual(['over the new one']);
    await mesh.providers[from].last.hear('still on the old one');
    await mesh.providers[to].last.hear('on the new one');
    expect(heard).toEqual(['still on the old one', 'on the new one']);
    expect((await mesh.providers[from].last.closed).reason).toBe('upgraded');
    expect(only(mesh.events, 'upgraded')).toMatchObject([{ from, to }]);
  });

  test('nothing is upgraded to what the caller does not allow, nor from what it prefers', async () => {
    const { router, providers } = play();
    const lasting = await router.establishChannel(PEER, { latency: 'any' });
    const limited = await router.establishChannel('did:key:z6MkOther', { only: ['envelope'] });
    await router.checkUpgrades();
    expect([lasting.kind, limited.kind]).toEqual(['signal', 'envelope']);
    expect(providers.noise.opened).toHaveLength(0);
  });
});
