// What admits identities in the place of an API key, in front of Express and Koa over HTTP, called by xlinkFetch.
import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  type EnrollmentClaim,
  type EnrollmentVerifier,
  MemoryClientStore,
  MemoryTrustRegistry,
  type XlinkEvent,
  xlinkFetch,
} from '@private.me/xlink';
import express from 'express';
import Koa from 'koa';
import { frozenClock, MINUTE, NOON } from '../../support/clock.js';
import { listen } from '../../support/listen.js';

type Answer = Awaited<ReturnType<EnrollmentVerifier['verify']>>;
const READ = { client: 'badge', scopes: ['orders:read'] };

async function api(
  verify: (claim: EnrollmentClaim) => Answer | Promise<Answer>,
  more: { framework?: 'Express' | 'Koa'; attemptsPerMinute?: number; enrollmentValidMs?: number } = {},
) {
  const { framework = 'Express', attemptsPerMinute, ...options } = more;
  const clock = frozenClock(NOON);
  const registry = new MemoryTrustRegistry({ clock });
  const clients = new MemoryClientStore();
  const events: XlinkEvent[] = [];
  const claims: EnrollmentClaim[] = [];
  const seen = (claim: EnrollmentClaim) => {
    claims.push(claim);
    return verify(claim);
  };
  const limited = attemptsPerMinute === undefined ? {} : { attemptsPerMinute };
  const adapter = new DualModeAdapter({
    agent: await Agent.quickstart({ registry, clock, name: 'api' }),
    legacyKeyValidator: () => null,
    mode: 'xlink-only',
    clients,
    clock,
    enrollment: [{ member: 'badge', verify: seen, ...limited }],
    observers: [(event) => void events.push(event)],
    ...options,
  });
  const app = express().use(adapter.middleware());
  app.get('/orders', (req, res) => void res.json({ by: req.auth }));
  const koa = new Koa().use(adapter.koa());
  koa.use((ctx) => {
    ctx.body = { by: ctx.state['auth'] };
  });
  const { url } = await listen(createServer(framework === 'Express' ? app : koa.callback()));
  const call = async (badge: unknown, caller?: Agent) => {
    const introduce = () => (badge === undefined ? undefined : { badge });
    const fetch = xlinkFetch({ baseUrl: url, clock, introduce, ...(caller ? { agent: caller } : {}) });
    try {
      const answer = await fetch('/orders');
      return ((await answer.json()) as { by: Record<string, unknown> }).by;
    } catch (error) {
      const { id, reason } = error as { id?: string; reason?: string };
      return reason === undefined ? id : `${id} ${reason}`;
    }
  };
  return { url, call, clock, registry, clients, adapter, events, claims };
}

describe.each(['Express', 'Koa'] as const)('a verifier in front of %s', (framework) => {
  test('admits a DID in the place of a key, as the client and with the scopes that it says', async () => {
    const { call, claims, clients, registry } = await api(() => READ, { framework });
    const by = await call({ any: 'JSON' });
    expect(by).toMatchObject({ mode: 'xlink', client: 'badge', scopes: ['orders:read'] });
    const did = (by as { did: string }).did;
    expect(claims).toMatchObject([{ did, keys: { did }, proof: { any: 'JSON' }, at: NOON }]);
    expect(clients.get('badge')).toMatchObject({ dids: [did] });
    expect(registry.lookup(did)).toMatchObject({ sendScopes: ['orders:read'] });
  });

  test('refuses, and the caller is told why', async () => {
    const { call, clients } = await api(() => ({ refused: 'BADGE_INVALID:COLOR' }), { framework });
    expect(await call('green')).toBe('ENROLLMENT_REFUSED:NOT_ADMITTED BADGE_INVALID:COLOR');
    expect(clients.list()).toEqual([]);
  });
});

test('a reason that is no name is not told', async () => {
  const { call } = await api(() => ({ refused: 'the secret is 42' }));
  expect(await call('green')).toBe('ENROLLMENT_REFUSED:NOT_ADMITTED');
});

test.each<[string, () => Answer | Promise<Answer>]>([
  [
    'throws',
    () => {
      throw new Error('down');
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('down');
    },
  ],
  ['answers nothing', () => undefined as unknown as Answer],
  ['answers no client', () => ({ client: '', scopes: [] })],
  ['answers no end', () => ({ ...READ, validUntil: Number.NaN })],
])('one that %s lets nobody in', async (_, verify) => {
  const { call, clients } = await api(verify);
  expect(await call('green')).toBe('ENROLLMENT_CHECK_FAILED');
  expect(clients.list()).toEqual([]);
});

test('without what it asks for it is not asked', async () => {
  const { call, claims } = await api(() => READ);
  expect(await call(undefined)).toBe('CREDENTIALS_MISSING');
  expect(claims).toEqual([]);
});

test('an admission ends when it says, or when all enrollments do', async () => {
  const { call, clock } = await api(() => ({ ...READ, validUntil: NOON + 10 * MINUTE }), {
    enrollmentValidMs: 5 * MINUTE,
  });
  const caller = await Agent.quickstart({ clock });
  expect(await call('green', caller)).toMatchObject({ client: 'badge' });
  clock.advance(6 * MINUTE);
  expect(await call('green', caller)).toMatchObject({ client: 'badge' }); // enrolled once more
  clock.advance(6 * MINUTE);
  expect(await call('green', caller)).toBe('ENROLLMENT_EXPIRED'); // that of the badge is over
});

test('a client has no more identities than the verifier allows, and what is refused is undone', async () => {
  const undone: string[] = [];
  const { call } = await api(({ did }) => ({ ...READ, maxDids: 1, undo: () => void undone.push(did) }));
  expect(await call('green')).toMatchObject({ client: 'badge' });
  expect(undone).toEqual([]);
  expect(await call('green')).toBe('ENROLLMENT_REFUSED:TOO_MANY');
  expect(undone).toHaveLength(1);
});

test('a client that is revoked has no new identities', async () => {
  const { call, adapter } = await api(() => READ);
  await adapter.revokeClient('badge', { allowUnknown: true });
  expect(await call('green')).toBe('CLIENT_REVOKED');
});

test('attempts are counted for all that show it, once their signature is good', async () => {
  const { call, claims } = await api(() => ({ refused: 'NOT_NOW' }), { attemptsPerMinute: 2 });
  for (const _ of [1, 2]) expect(await call('green')).toBe('ENROLLMENT_REFUSED:NOT_ADMITTED NOT_NOW');
  expect(await call('green')).toBe('ENROLLMENT_REFUSED:RATE_LIMITED');
  expect(claims).toHaveLength(2);
});
