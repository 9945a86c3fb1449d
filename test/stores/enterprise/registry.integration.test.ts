import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createEnterpriseTrustRegistry } from '@private.me/xlink/server';
import { errorOf, idOf, thrownBy, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';

import {
  ALICE,
  BOB,
  central,
  events,
  folder,
  type Mood,
  remembered,
  requests,
  restarted,
  site,
  start,
  typesOf,
} from './support.js';

describe('a lookup', () => {
  test('asks the registry every time it is up', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    unwrap(await central.revoke(ALICE));
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    expect(await registry.lookup(BOB)).toBeUndefined();
    expect(events).toEqual([]);
  });

  test.each<Mood>(['down', 'broken', 'page', 'deaf'])(
    'takes the file while it is %s, after a crash too',
    async (how) => {
      const registry = start();
      await remembered(registry, ALICE);
      site.mood = how;
      for (const each of [registry, await restarted()])
        expect(await each.lookup(ALICE)).toStrictEqual({
          did: ALICE,
          sendScopes: ['chat'],
          status: 'active',
          revision: 1,
        });
      expect(typesOf()).toEqual(['down', 'down']);
      site.mood = 'up';
      unwrap(await central.revoke(ALICE));
      await until(async () => (await registry.lookup(ALICE))?.status === 'revoked', { withinMs: 10_000 });
      expect(typesOf()).toEqual(['down', 'down', 'up']);
    },
  );

  test('knows what was revoked and what is unknown when it goes down', async () => {
    const registry = start();
    await remembered(registry, ALICE, BOB);
    unwrap(await central.revoke(ALICE));
    expect((await registry.lookup(ALICE))?.status).toBe('revoked');
    Object.assign(central, { lookup: () => undefined });
    expect(await registry.lookup(BOB)).toBeUndefined();
    await until(async () => (await readFile(join(folder, 'fallback.jsonl'), 'utf8')).includes('"gone"'), {
      withinMs: 10_000,
    });
    site.mood = 'down';
    for (const each of [registry, await restarted()]) {
      expect((await each.lookup(ALICE))?.status).toBe('revoked');
      expect((await thrownBy(() => each.lookup(BOB))).id).toBe('LOOKUP_FAILED');
    }
  });

  test('of one that was never seen fails while it is down: that is not "unknown"', async () => {
    site.mood = 'down';
    const registry = start();
    expect(await thrownBy(() => registry.lookup(ALICE))).toMatchObject({ id: 'LOOKUP_FAILED', status: 503 });
    expect(await registry.list()).toEqual([]);
  });

  test('takes nothing from the file that was confirmed too long ago', async () => {
    const registry = start({ maxStaleMs: 60_000 });
    await remembered(registry, ALICE);
    site.mood = 'down';
    site.skipMs = 59_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    site.skipMs = 61_000;
    const later = await restarted({ maxStaleMs: 60_000 });
    for (const each of [registry, later])
      expect((await thrownBy(() => each.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    site.skipMs = -61_000; // a clock that was set back
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    site.mood = 'up';
    site.skipMs = 120_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    site.mood = 'down';
    expect(await registry.lookup(ALICE)).toBeDefined(); // confirmed anew
  });

  test('waits one hour by default, and not at all with 0', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    site.mood = 'down';
    site.skipMs = 3_599_000;
    expect(await registry.lookup(ALICE)).toBeDefined();
    site.skipMs = 3_601_000;
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    site.skipMs = 0;
    expect((await thrownBy(async () => (await restarted({ maxStaleMs: 0 })).lookup(ALICE))).id).toBe(
      'LOOKUP_FAILED',
    );
  });

  test('leaves a registry alone that is down, but for one try at a time', async () => {
    const registry = start({ retryMs: 60_000 });
    await remembered(registry, ALICE);
    site.mood = 'down';
    await registry.lookup(ALICE);
    const before = requests.length;
    await Promise.all(Array.from({ length: 50 }, () => registry.lookup(ALICE)));
    expect(requests.length).toBe(before);
    site.skipMs = 60_001;
    await Promise.all(Array.from({ length: 50 }, () => registry.lookup(ALICE)));
    expect(requests.length).toBe(before + 1);
  });
});

describe('the file', () => {
  test('follows the changes that are made while the registry is up', async () => {
    const registry = start();
    unwrap(await registry.register({ did: ALICE, sendScopes: ['a'] }));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['b'] }));
    unwrap(await registry.revoke(ALICE));
    site.mood = 'down';
    for (const each of [registry, await restarted()])
      expect(await each.lookup(ALICE)).toStrictEqual({ did: ALICE, sendScopes: ['b'], status: 'revoked' });
  });

  test('does not grow for ever', async () => {
    const registry = start();
    unwrap(await registry.register({ did: ALICE }));
    const long = 'x'.repeat(1000);
    for (let at = 0; at < 1100; at++) unwrap(await registry.updateScopes(ALICE, { scopes: [`${at}`, long] }));
    expect((await stat(join(folder, 'fallback.jsonl'))).size).toBeLessThan(300_000); // 1.3 MB were written
    site.mood = 'down';
    expect((await (await restarted()).lookup(ALICE))?.sendScopes).toEqual(['1099', long]);
  }, 30_000);

  test('is for one process: a second one accepts nothing and says why', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    const second = start();
    expect(await thrownBy(() => second.lookup(ALICE))).toMatchObject({
      id: 'LOOKUP_FAILED',
      cause: { message: expect.stringMatching(/held by process/) },
    });
    expect(idOf(await second.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect((await thrownBy(() => second.ready())).id).toBe('LOOKUP_FAILED');
    expect(central.lookup(ALICE)?.status).toBe('active');
  });

  test('that takes nothing more is reported: lookups go on, and a change that cannot be kept is refused', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    await rm(join(folder, 'fallback.jsonl'));
    unwrap(await registry.updateScopes(ALICE, { scopes: ['new'] }));
    expect(central.lookup(ALICE)?.sendScopes).toEqual(['new']);
    await until(() => typesOf().includes('fallback-failed'), { withinMs: 10_000 });
    expect((await registry.lookup(ALICE))?.sendScopes).toEqual(['new']);
    site.mood = 'down';
    expect((await registry.lookup(ALICE))?.sendScopes).toEqual(['new']);
    expect(errorOf(await registry.revoke(ALICE))).toMatchObject({
      id: 'REGISTRATION_FAILED',
      cause: { message: expect.stringContaining('ENOENT') },
    });
    expect(registry.waiting).toBe(0);
  });

  test('is let go of at the end', async () => {
    const registry = start();
    await remembered(registry, ALICE);
    await Promise.all([registry.close(), registry.close()]);
    expect((await thrownBy(() => registry.lookup(ALICE))).id).toBe('LOOKUP_FAILED');
    expect(idOf(await registry.revoke(ALICE))).toBe('REGISTRATION_FAILED');
    expect(await start().lookup(ALICE)).toBeDefined();
  });
});

test('options are checked', () => {
  const http = { baseUrl: 'https://trust.example' };
  const wrong: [object, string][] = [
    [{ http }, 'file'],
    [{ file: { path: 'x' } }, 'http'],
    [{ http, file: {} }, 'path'],
    [{ http, file: { path: 'x', mode: 1 } }, 'mode'],
    [{ http: {}, file: { path: join(folder, 'x') } }, 'baseUrl'],
    [{ http, file: { path: 'x' }, maxStale: 1 }, 'maxStale'],
  ];
  for (const [options, field] of wrong)
    expect(() => createEnterpriseTrustRegistry(options as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field }),
    );
});
