import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type AgentOptions,
  describeSecurityModeStructured,
  describeWarning,
  type Envelope,
  type SecurityMode,
  type SendOptions,
  type XlinkWarning,
} from '@private.me/xlink';
import { seedOf } from '../support/agents.js';
import { printed } from '../support/console.js';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';
import { World } from '../support/world.js';
import { channels, loopbacks, receiveAll } from './support.js';

const SPLIT = (threshold: number, total: number, level = 'high') => ({
  type: 'split',
  level,
  shares: { total, threshold },
});
const STANDARD = { type: 'standard', level: 'standard' };
const XCHANGE = { type: 'xchange', level: 'performance', shares: { total: 3, threshold: 2 } };

/** How a message of Alice to Bob is protected, or why it is not sent. */
async function modeOf(
  options: Partial<SendOptions>,
  forAlice: AgentOptions = {},
  forBob: AgentOptions = {},
): Promise<SecurityMode | string> {
  const { alice, bob } = await channels(5, forAlice, forBob);
  const sent = await alice.send({ to: bob.did, payload: { n: 1 }, ...options });
  if (!sent.ok) return sent.error.id;
  const received = await bob.receive(sent, { allowCleartext: true });
  expect(received.ok && received.value.payload).toEqual(options.payload ?? { n: 1 });
  return sent.value.security;
}

describe('security', () => {
  test.each<[Partial<SendOptions>, object]>([
    [{}, { ...STANDARD, reasons: [] }],
    [{ security: 'standard' }, STANDARD],
    [{ security: 'high' }, SPLIT(2, 3)],
    [{ security: 'critical' }, SPLIT(3, 5, 'critical')],
    [{ security: 'auto' }, { ...STANDARD, reasons: [] }],
    [
      { payload: { amount: 500_000, action: 'transfer' } },
      { ...SPLIT(2, 3), reasons: ['an amount of at least 100000'] },
    ],
    [{ scope: 'custody' }, { ...SPLIT(2, 3), reasons: ['a scope among custody, classified'] }],
    [{ action: 'execute' }, { ...SPLIT(2, 3), reasons: ['an action among execute'] }],
    [{ security: 'standard', scope: 'custody' }, STANDARD],
    [{ splitChannel: true }, SPLIT(2, 3)],
    [{ splitChannel: false, scope: 'custody' }, STANDARD],
    [{ splitChannel: true, splitChannelConfig: { totalShares: 4 } }, SPLIT(2, 4)],
    [{ splitChannelConfig: { totalShares: 5, threshold: 4 } }, SPLIT(4, 5)],
    [
      { signedOnly: true, scope: 'custody' },
      { ...STANDARD, reasons: ['a signed-only message hides nothing'] },
    ],
  ])('%j', async (options, mode) => {
    expect(await modeOf(options)).toEqual(mode);
  });

  test('with one transport it is not automatic, unless asked for', async () => {
    const risky = { payload: { amount: 1e6 } };
    const { alice, bob } = await channels(1);
    expect(unwrap(await alice.send({ to: bob.did, ...risky })).security).toEqual(STANDARD);
    expect(unwrap(await alice.send({ to: bob.did, ...risky, security: 'auto' })).security.type).toBe('split');
    const asked = await channels(1, { security: 'auto' });
    expect(unwrap(await asked.alice.send({ to: asked.bob.did, ...risky })).security.type).toBe('split');
  });

  test('a policy of one’s own', async () => {
    const securityPolicy = [
      { when: { scopes: ['chat'] }, security: 'critical', reason: 'chats are sacred' },
      { when: {}, security: 'high' },
    ] as const;
    expect(await modeOf({ scope: 'chat' }, { securityPolicy })).toEqual({
      ...SPLIT(3, 5, 'critical'),
      reasons: ['chats are sacred'],
    });
    expect(await modeOf({}, { securityPolicy })).toEqual({ ...SPLIT(2, 3), reasons: ['every message'] });
  });

  test('organizations, as they were registered', async () => {
    const at = (mine?: string, theirs?: string) =>
      modeOf({}, mine ? { organization: mine } : {}, theirs ? { organization: theirs } : {});
    const other = { ...SPLIT(2, 3), reasons: ['a recipient in another organization'] };
    expect(await at('acme', 'acme')).toMatchObject(STANDARD);
    expect(await at('acme', 'globex')).toEqual(other);
    expect(await at('acme')).toEqual(other);
    expect(await at(undefined, 'globex')).toMatchObject(STANDARD);
  });

  test('what was chosen can be put into words', async () => {
    const mode = (await modeOf({ scope: 'custody' })) as SecurityMode;
    expect(describeSecurityModeStructured(mode).formats.singleline).toBe(
      'high | split | 2-of-3 | a scope among custody, classified',
    );
  });

  test.each<[string, object]>([
    ['security', { security: 'maximum' }],
    ['security', { signedOnly: true, security: 'high' }],
    ['securty', { securty: 'high' }],
    ['action', { action: '' }],
    ['splitChannel', { security: 'high', splitChannel: true }],
    ['splitChannel', { security: 'high', splitChannelConfig: {} }],
    ['splitChannelConfig', { splitChannelConfig: null }],
    ['totalShares', { splitChannelConfig: { totalShares: 17 } }],
    ['threshold', { splitChannelConfig: { threshold: 4 } }],
    ['treshold', { splitChannelConfig: { treshold: 2 } }],
    ['xchange', { xchange: true }],
  ])('refuses %s in %j', async (field, options) => {
    const { alice, bob, transports } = await channels(3);
    const error = errorOf(await alice.send({ to: bob.did, payload: 1, ...options }));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
    expect(transports.flatMap((one) => (one as never as { outbox: Envelope[] }).outbox)).toEqual([]);
  });

  test.each<[string, AgentOptions]>([
    ['when', { securityPolicy: [{ security: 'high' } as never] }],
    ['security', { securityPolicy: [{ when: {} } as never] }],
    ['security', { securityPolicy: [{ when: {}, security: 'auto' as never }] }],
    ['amount', { securityPolicy: [{ when: { amount: 5 } as never, security: 'high' }] }],
    ['amountAtLeast', { securityPolicy: [{ when: { amountAtLeast: -1 }, security: 'high' }] }],
    ['scopes', { securityPolicy: [{ when: { scopes: 'custody' as never }, security: 'high' }] }],
    ['expiryMs', { shareLimits: { expiryMs: 0 } }],
    ['maxGroups', { shareLimits: { maxGroups: 1 } as never }],
    ['xchange', { xchange: true, minVersion: 3, maxVersion: 3 }],
  ])('an agent refuses %s in %j', async (field, options) => {
    const error = await thrownBy(() => Agent.quickstart(options));
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', field]);
  });
});

describe('Xchange is a choice of both sides', () => {
  const yes = { xchange: true };
  const no = { xchange: false };

  test('only if the sender was made with it, asked for it, and the recipient takes it', async () => {
    expect(await modeOf({ ...yes, security: 'high' }, yes, yes)).toEqual(XCHANGE);
    expect(await modeOf({ ...yes }, yes, yes)).toEqual(XCHANGE);
    expect(await modeOf({ ...yes, security: 'critical' }, yes, yes)).toEqual({
      ...XCHANGE,
      shares: { total: 5, threshold: 3 },
    });
    expect(await modeOf({ security: 'high' }, yes, yes)).toEqual(SPLIT(2, 3));
    expect(await modeOf({ ...no, security: 'high' }, yes, yes)).toEqual(SPLIT(2, 3));
    expect(await modeOf({ ...yes, security: 'standard' }, yes, yes)).toEqual(STANDARD);
    expect(await modeOf({ ...yes, security: 'auto' }, yes, yes)).toMatchObject(STANDARD);
    expect(await modeOf({ ...yes, security: 'high' }, no, yes)).toBe('INVALID_OPTION');
    expect(await modeOf({ ...yes, security: 'high', version: 3 }, yes, yes)).toBe('INVALID_OPTION');
  });

  test('a recipient that does not take it gets sealed shares', async () => {
    expect(await modeOf({ ...yes, security: 'high' }, yes, no)).toEqual(SPLIT(2, 3));
  });

  test('a receiver that does not take it refuses it, whatever the registry says', async () => {
    const { world, alice } = await channels(3, yes);
    const transport = loopbacks(3);
    const carol = await world.agent('carol', { transport, ...yes });
    const { envelopes } = unwrap(await alice.send({ to: carol.did, payload: 1, ...yes }));
    const without = unwrap(
      await Agent.fromSeed({ seed: seedOf('carol'), registry: world.registry, clock: world.clock }),
    );
    expect((await receiveAll(without, envelopes)).ids).toEqual(Array(3).fill('XCHANGE_REFUSED'));
    expect((await receiveAll(carol, envelopes)).messages).toHaveLength(1);
  });

  test.each([1, 2])('%d channels for 3 shares: refused, unless the unsafe option says so', async (count) => {
    const { alice, bob, transports, warnings } = await channels(count, yes, yes);
    const error = errorOf(await alice.send({ to: bob.did, payload: 1, ...yes }));
    expect([error.id, error.field]).toEqual(['XCHANGE_REFUSED:FEWER_CHANNELS', 'transport']);
    expect(transports.flatMap((one) => (one as never as { outbox: Envelope[] }).outbox)).toEqual([]);
    const meant = await alice.send({ to: bob.did, payload: 1, ...yes, unsafeXchangeOverFewerChannels: true });
    expect(unwrap(meant).security).toEqual(XCHANGE);
    expect(warnings.map(({ type }) => type)).toEqual(['fewer-channels-than-shares']);
  });

  test('it neither lowers nor raises the version that a sender has shown', async () => {
    const { alice, bob } = await channels(3, yes, yes);
    expect(idOf(await bob.receive(await alice.send({ to: bob.did, payload: 1 })))).toBe('ok');
    expect(idOf(await bob.receive(await alice.send({ to: bob.did, payload: 1, ...yes })))).toBe('ok');
    expect(idOf(await bob.receive(await alice.send({ to: bob.did, payload: 1, version: 2 })))).toBe(
      'VERSION_TOO_LOW',
    );
    const low = await channels(3, { ...yes, maxVersion: 1 }, yes);
    expect(idOf(await low.bob.receive(await low.alice.send({ to: low.bob.did, payload: 1, ...yes })))).toBe(
      'ok',
    );
    expect(idOf(await low.bob.receive(await low.alice.send({ to: low.bob.did, payload: 1 })))).toBe('ok');
  });

  test('no public key is used, and none of the recipient is needed but its DID', async () => {
    const { alice, bob } = await channels(3, yes, yes);
    for (const envelope of unwrap(await alice.send({ to: bob.did, payload: 1, ...yes })).envelopes)
      expect(Object.keys(envelope)).toEqual([
        'version',
        'suite',
        'kind',
        'from',
        'to',
        'timestamp',
        'nonce',
        'scope',
        'payload',
        'signature',
      ]);
  });

  test('the registry entry says who takes it', async () => {
    const world = new World();
    const taking = await world.agent('taking', yes);
    const other = await world.agent('other');
    expect(world.registry.lookup(taking.did)).toMatchObject({ xchange: true });
    expect(world.registry.lookup(other.did)).not.toHaveProperty('xchange');
  });
});

describe('warnings', () => {
  test('without onWarning the first of each type is printed, and says no secret', async () => {
    const { alice, bob } = await channels(1, { maxVersion: 2, onWarning: undefined } as never);
    for (let n = 0; n < 3; n++)
      unwrap(await alice.send({ to: bob.did, payload: 'CANARY', security: 'high' }));
    expect(printed).toEqual([
      'xlink: 3 shares travel over 1 channel; for full separation give the agent one transport for each share.',
      'xlink: Shares are sealed with version 2, because one side lacks post-quantum keys (postQuantumSig).',
    ]);
  });

  test('one that throws changes nothing', async () => {
    const onWarning = () => {
      throw new Error('no log');
    };
    const { alice, bob } = await channels(1, { onWarning });
    expect(idOf(await alice.send({ to: bob.did, payload: 1, security: 'high' }))).toBe('ok');
  });

  test('the deprecated flags are told', async () => {
    const { alice, bob, warnings } = await channels(4);
    unwrap(await alice.send({ to: bob.did, payload: 1, splitChannel: true }));
    unwrap(await alice.send({ to: bob.did, payload: 1, splitChannelConfig: { totalShares: 4 } }));
    expect(warnings).toEqual([
      { type: 'deprecated-option', option: 'splitChannel', use: 'security' },
      { type: 'deprecated-option', option: 'splitChannelConfig', use: 'security' },
    ]);
  });

  test('what did not come in time, or was too much, is told', async () => {
    const limits = { shareLimits: { maxGroupsPerSender: 2, expiryMs: 1000 } };
    const { alice, bob, world, warnings } = await channels(3, {}, limits);
    for (let n = 0; n < 3; n++)
      await bob.receive(unwrap(await alice.send({ to: bob.did, payload: n, security: 'high' })).envelope);
    const about = { type: 'shares-dropped', sender: alice.did, arrived: 1, needed: 2 };
    expect(warnings).toEqual([{ ...about, reason: 'pushed-out' }]);
    world.clock.advance(1000);
    await bob.receive(unwrap(await alice.send({ to: bob.did, payload: 4, security: 'high' })).envelope);
    expect(warnings.slice(1)).toEqual(Array(2).fill({ ...about, reason: 'expired' }));
  });

  test('each can be read', () => {
    const sender = 'did:key:z6Mk';
    const all: XlinkWarning[] = [
      { type: 'fewer-channels-than-shares', channels: 2, shares: 3 },
      { type: 'shares-not-delivered', delivered: 2, shares: 3, errors: [] },
      { type: 'shares-below-version-3', version: 1 },
      { type: 'shares-dropped', reason: 'expired', sender, arrived: 1, needed: 2 },
      { type: 'bad-share', sender, index: 1 },
      { type: 'deprecated-option', option: 'splitChannel', use: 'security' },
      { type: 'redis-may-evict', store: 'RedisNonceStore', policy: 'allkeys-lru' },
      { type: 'redis-clock-differs', store: 'RedisNonceStore', aheadMs: -20_000 },
    ];
    for (const warning of all) expect(describeWarning(warning)).toMatch(/^[A-Z0-9].{20,}\.$/);
  });
});
