import { describe, expect, test } from '@jest/globals';
import { createKeyRecord } from '@private.me/xlink';
import type { EnterpriseTrustRegistry } from '@private.me/xlink/server';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';

import {
  ALICE,
  alice,
  BOB,
  CAROL,
  central,
  events,
  open,
  remembered,
  restarted,
  site,
  start,
  typesOf,
} from './support.js';

const backUp = (registry: EnterpriseTrustRegistry) => {
  site.mood = 'up';
  return until(() => registry.waiting === 0, { withinMs: 10_000 });
};
describe('a change while the registry is down', () => {
  test('counts at once, is kept through a crash, and is made when it is back', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    site.mood = 'down';
    const heard: unknown[] = [];
    registry.onChange((did) => heard.push(did));
    unwrap(await registry.revoke(ALICE));
    expect(heard).toEqual([ALICE]);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await registry.lookup(BOB))?.status).toBe('active');
    const other = await restarted();
    expect((await other.lookup(ALICE))?.status).toBe('revoked');
    expect((await other.list()).map(({ status }) => status).sort()).toEqual(['active', 'revoked']);
    expect(central.lookup(ALICE)?.status).toBe('active');
    await other.close();
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(typesOf().filter((type) => type !== 'down' && type !== 'up')).toEqual(['queued', 'replayed']);
  });

  test('is made by the process that comes after, without being asked', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE));
    await registry.close();
    site.mood = 'up';
    const next = start();
    await next.ready();
    await until(() => central.lookup(ALICE)?.status === 'revoked', { withinMs: 10_000 });
    await until(() => next.waiting === 0, { withinMs: 10_000 });
    await next.close();
    expect(await start().lookup(ALICE)).toMatchObject({ status: 'revoked' });
    expect(open.at(-1)!.waiting).toBe(0);
  });

  test('counts when the registry is back before it knows of it', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE));
    site.mood = 'up';
    site.skipMs = 60_001; // lookups ask it again, what waits still does
    expect(registry.waiting).toBe(1);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await registry.list())[0]?.status).toBe('revoked');
    expect(central.lookup(ALICE)?.status).toBe('active');
  });

  test('is not undone by an answer that was on its way when it was made', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE, BOB);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE));
    site.mood = 'up';
    site.skipMs = 60_001;
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    const reached = new Promise<void>(
      (resolve) => (site.held = { path: /resolve/, until, reached: resolve }),
    );
    const lookup = registry.lookup(ALICE); // the registry says "active", and the answer is slow
    await reached;
    site.held = undefined;
    site.skipMs = 120_002;
    unwrap(await registry.add(BOB, { name: 'Bob' })); // makes what waits before it
    expect(registry.waiting).toBe(0);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    letGo();
    expect((await lookup)?.status).toBe('revoked');
    site.mood = 'down';
    expect((await registry.lookup(ALICE))?.status).toBe('revoked'); // nor is the late answer remembered
  });

  test('nor by one that was on its way when it was made at the registry', async () => {
    const registry = start();
    unwrap(await central.register({ did: ALICE }));
    let letGo = () => {};
    const until = new Promise<void>((resolve) => (letGo = resolve));
    const reached = new Promise<void>(
      (resolve) => (site.held = { path: /resolve/, until, reached: resolve }),
    );
    const lookup = registry.lookup(ALICE);
    await reached;
    site.held = undefined;
    unwrap(await registry.revoke(ALICE));
    letGo();
    await lookup; // began before
    site.mood = 'down';
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
  });

  test('that is too large for the registry holds up nothing behind it', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.add(BOB, { name: 'x'.repeat(300_000) }));
    unwrap(await registry.revoke(ALICE));
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { did: BOB, error: { id: 'BODY_TOO_LARGE' } },
    ]);
  });

  test('may be about a DID that is not known here', async () => {
    const registry = start();
    unwrap(await central.register({ did: ALICE }));
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE));
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
  });

  test('of several, all are made in their order', async () => {
    const registry = start();
    await registry.ready();
    site.mood = 'down';
    const keys = await createKeyRecord(alice, { epoch: 1 });
    unwrap(await registry.register({ did: ALICE, keys, sendScopes: ['a'] }));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'], receiveScopes: ['r'] }));
    unwrap(await registry.updateKeys(await createKeyRecord(alice, { epoch: 2 })));
    unwrap(await registry.revoke(ALICE));
    unwrap(await registry.add(BOB, { scopes: ['x'] }));
    const wanted = await registry.lookup(ALICE).catch((error) => error.id);
    expect(wanted).toBe('LOOKUP_FAILED'); // the registry never said whether it is there
    expect((await registry.list()).map(({ did }) => did)).toEqual([ALICE, BOB]);
    await backUp(registry);
    expect(central.lookup(ALICE)).toMatchObject({
      sendScopes: ['b'],
      receiveScopes: ['r'],
      keys: { epoch: 2 },
      status: 'revoked',
    });
    expect(central.lookup(BOB)?.sendScopes).toEqual(['x']);
  });

  test('that its rules refuse is refused at once', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    expect(idOf(await registry.register({ did: ALICE }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    expect(idOf(await registry.add(ALICE, { scopes: '*' as never }))).toBe('REGISTRATION_FAILED');
    expect(errorOf(await registry.add('x')).code).toBe('INVALID_DID');
    expect(idOf(await registry.revoke('x'))).toBe('LOOKUP_FAILED:DID_NOT_IN_REGISTRY');
    const keys = await createKeyRecord(alice, { epoch: 5 });
    expect(idOf(await registry.updateKeys({ ...keys, epoch: 6 }))).toBe('KEY_RECORD_INVALID');
    const ids = await Promise.all(
      Array.from({ length: 10 }, async (_, at) => idOf(await registry.register({ did: BOB, name: `${at}` }))),
    );
    expect(ids.filter((id) => id === 'ok')).toHaveLength(1);
    expect(registry.waiting).toBe(1);
  });
});

describe('what the registry refuses when it is back', () => {
  test('is reported, dropped, and holds up nothing behind it', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.register({ did: BOB, name: 'ours' }));
    unwrap(await registry.revoke(CAROL));
    unwrap(await registry.revoke(ALICE));
    unwrap(await central.register({ did: BOB, name: 'theirs' }));
    await backUp(registry);
    expect(central.lookup(BOB)?.name).toBe('theirs');
    expect((await registry.lookup(BOB))?.name).toBe('theirs');
    expect(central.lookup(ALICE)?.status).toBe('revoked');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { operation: 'register', did: BOB, error: { id: 'REGISTRATION_FAILED:ALREADY_REGISTERED' } },
      { operation: 'revoke', did: CAROL, error: { id: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY' } },
    ]);
  });

  test('is an add for a DID that was revoked meanwhile: it stays revoked', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    unwrap(await central.revoke(BOB));
    expect((await registry.lookup(BOB))?.status).toBe('revoked');
    site.mood = 'down';
    unwrap(await registry.add(ALICE, { scopes: ['more'] }));
    unwrap(await registry.add(BOB)); // this one was known to be revoked, and is meant to come back
    unwrap(await central.revoke(ALICE));
    await backUp(registry);
    expect(central.lookup(ALICE)).toMatchObject({ status: 'revoked', sendScopes: ['chat'] });
    expect(central.lookup(BOB)?.status).toBe('active');
    expect(events.filter(({ type }) => type === 'conflict')).toMatchObject([
      { operation: 'add', did: ALICE, error: { id: 'LOOKUP_FAILED:DID_REVOKED' } },
    ]);
  });

  test('is not a registration that it had made, only that the answer was lost', async () => {
    const registry = start();
    await registry.ready();
    site.mood = 'deaf';
    unwrap(await registry.register({ did: ALICE, name: 'Ada', keys: await createKeyRecord(alice) }));
    expect(central.lookup(ALICE)?.name).toBe('Ada');
    await backUp(registry);
    expect(typesOf()).toEqual(['down', 'queued', 'up', 'replayed']);
  });

  test('waits on if it is the token that it refuses, and lookups go on', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    unwrap(await registry.revoke(ALICE));
    site.mood = 'unauthorized';
    await until(() => typesOf().includes('unauthorized'), { withinMs: 10_000 });
    expect(registry.waiting).toBe(1);
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect((await thrownBy(() => registry.list())).id).toBe('LOOKUP_FAILED');
    expect(await registry.lookup(BOB)).toBeUndefined(); // it is asked, and answers
    await backUp(registry);
    expect(central.lookup(ALICE)?.status).toBe('revoked');
  });

  test('is an error at once while it is up', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    expect(idOf(await registry.register({ did: ALICE }))).toBe('REGISTRATION_FAILED:ALREADY_REGISTERED');
    site.mood = 'unauthorized';
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED:UNAUTHORIZED');
    expect(registry.waiting).toBe(0);
    expect(events).toEqual([]);
  });
});
