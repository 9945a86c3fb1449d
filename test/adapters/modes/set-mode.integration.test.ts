import { describe, expect, test } from '@jest/globals';
import type { Mode, RouteMode } from '@private.me/xlink';
import { ACME, BOLT } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { withKey } from '../requests.js';

import { routed } from './support.js';

const STRICT: RouteMode = { path: '/payments', mode: 'xlink-only' };

describe('setMode and clearMode', () => {
  async function made(setup: object = {}) {
    const world = new World();
    const service = await world.serve({
      agent: await world.agent('api'),
      clock: world.clock,
      clients: world.clients,
      mount: routed,
      ...setup,
    });
    return { world, service, modes: () => service.of('mode').slice(1) };
  }

  test('each change is one event that says for what it is', async () => {
    const { service, modes } = await made();
    service.adapter.setMode('deprecation', 'all warned');
    service.adapter.setMode('xlink-only', 'audit', { route: { path: '/Payments', methods: ['POST'] } });
    service.adapter.setMode('hybrid', undefined, { client: 'acme' });
    expect(modes()).toEqual([
      { type: 'mode', from: 'hybrid', to: 'deprecation', reason: 'all warned' },
      { type: 'mode', from: 'deprecation', to: 'xlink-only', route: '/Payments', reason: 'audit' },
      { type: 'mode', from: 'deprecation', to: 'hybrid', client: 'acme' },
    ]);
    expect(service.adapter.mode).toBe('deprecation');
  });

  test('clearing is a change like any other, and says so', async () => {
    const { service, modes } = await made({ clientModes: { acme: 'xlink-only' } });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    service.adapter.clearMode({ client: 'acme' }, 'it asked for it');
    await service.accepted(withKey(ACME));
    service.adapter.setMode('xlink-only', undefined, { route: { path: '/orders' } });
    await service.refused(withKey(ACME), '401 XLINK_REQUIRED');
    service.adapter.clearMode({ route: { path: '/ORDERS/' } });
    await service.accepted(withKey(ACME));
    expect(modes()).toEqual([
      { type: 'mode', from: 'xlink-only', to: 'hybrid', client: 'acme', reason: 'it asked for it' },
      { type: 'mode', from: 'hybrid', to: 'xlink-only', route: '/orders' },
      { type: 'mode', from: 'xlink-only', to: 'hybrid', route: '/ORDERS/' },
    ]);
  });

  test('what changes nothing is no event', async () => {
    const { service, modes } = await made();
    service.adapter.setMode('hybrid');
    service.adapter.setMode('hybrid', 'again', { route: { path: '/a' } });
    service.adapter.setMode('hybrid', 'again', { client: 'acme' });
    service.adapter.clearMode({ client: 'nobody' });
    service.adapter.clearMode({});
    expect(modes()).toEqual([]);
  });

  test('a mode that was set for a route or a client stays when the global one changes', async () => {
    const { service } = await made();
    service.adapter.setMode('hybrid', undefined, { client: 'acme' });
    service.adapter.setMode('hybrid', undefined, { route: { path: '/orders' } });
    service.adapter.setMode('xlink-only');
    await service.accepted(withKey(ACME, { path: '/payments' }));
    await service.accepted(withKey(BOLT, { path: '/orders' }));
    await service.refused(withKey(BOLT, { path: '/payments' }), '401 XLINK_REQUIRED');
  });

  test('a step of one route does not make old deprecations new', async () => {
    const { service, world } = await made();
    service.adapter.setMode('deprecation');
    const since = `@${world.clock() / 1000}`;
    world.clock.advance(86_400_000);
    service.adapter.setMode('hybrid', undefined, { route: { path: '/payments' } });
    service.adapter.setMode('deprecation', undefined, { route: { path: '/payments' } });
    expect((await service.accepted(withKey(ACME))).answer.headers.deprecation).toBe(since);
    service.adapter.setMode('hybrid');
    service.adapter.setMode('deprecation');
    const { answer } = await service.accepted(withKey(ACME));
    expect(answer.headers.deprecation).toBe(`@${world.clock() / 1000}`);
  });

  test.each([
    ['a mode that does not exist', 'Hybrid', {}, 'mode'],
    ['a misspelt client, which would be everybody', 'observe', { clientt: 'acme' }, 'clientt'],
    ['a misspelt path, which would be everything', 'observe', { route: { pathh: '/a' } }, 'pathh'],
    ['a route without a path', 'observe', { route: {} }, 'path'],
    ['a path without a slash, which would be nothing', 'observe', { route: { path: 'payments' } }, 'path'],
    ['methods that are a text', 'observe', { route: { path: '/a', methods: 'POST' } }, 'methods'],
    ['a client and a route', 'observe', { client: 'acme', route: { path: '/a' } }, 'route'],
    ['a client without a name', 'observe', { client: '' }, 'client'],
    ['a client that is a number', 'observe', { client: 7 }, 'client'],
    ['null', 'observe', null, 'options'],
  ])('refused: %s', async (_, mode, target, field) => {
    const { service, modes } = await made();
    const { adapter } = service;
    expect(await optionRefusedBy(() => adapter.setMode(mode as Mode, undefined, target as never))).toBe(
      field,
    );
    if (field !== 'mode') expect(await optionRefusedBy(() => adapter.clearMode(target as never))).toBe(field);
    expect([adapter.mode, modes()]).toEqual(['hybrid', []]);
  });

  test('a target in the place of the reason sets nothing for everybody', async () => {
    const { service, modes } = await made();
    const { adapter } = service;
    const set = () => adapter.setMode('xlink-only', { client: 'acme' } as never);
    expect(await optionRefusedBy(set)).toBe('reason');
    expect([adapter.mode, modes()]).toEqual(['hybrid', []]);
  });

  test('client modes need to know clients', async () => {
    const { service } = await made({ clients: undefined });
    const set = () => service.adapter.setMode('observe', undefined, { client: 'acme' });
    expect(await optionRefusedBy(set)).toBe('clients');
    expect(await optionRefusedBy(() => made({ clients: undefined, clientModes: { acme: 'hybrid' } }))).toBe(
      'clients',
    );
  });

  test.each([
    [{ routeModes: {} }, 'routeModes'],
    [{ routeModes: [null] }, 'routeModes'],
    [{ routeModes: [{ path: '/a' }] }, 'routeModes'],
    [{ routeModes: [{ mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: 'a', mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', mode: 'off' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', method: ['GET'], mode: 'hybrid' }] }, 'method'],
    [{ routeModes: [{ path: '/a', methods: 'GET', mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [{ path: '/a', methods: [1], mode: 'hybrid' }] }, 'routeModes'],
    [{ routeModes: [STRICT, { path: '/a', mode: 'Hybrid' }] }, 'routeModes'],
    [{ clientModes: { acme: 'off' } }, 'clientModes'],
    [{ clientModes: 'hybrid' }, 'clientModes'],
  ])('option refused: %j', async (setup, field) => {
    expect(await optionRefusedBy(() => made(setup))).toBe(field);
  });
});
