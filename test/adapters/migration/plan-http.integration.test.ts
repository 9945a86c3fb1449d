import { describe, expect, test } from '@jest/globals';
import { MigrationPlan } from '@private.me/xlink';
import { HOUR, NOON } from '../../support/clock.js';
import { ACME, BOLT } from '../../support/http.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';
import { gate } from './gate.js';

import './plan-support.js';

describe('over HTTP', () => {
  test('clients that fail after a step send the API back, a stranger does not', async () => {
    const world = new World();
    const { clock, clients } = world;
    const api = await world.agent('api');
    const service = await world.serve({ agent: api, clock, clients, mode: 'observe' });
    const { adapter } = service;
    const plan = new MigrationPlan({ adapter, clock, auto: true, gates: [gate('observe', 'hybrid')] });
    const [device, stranger] = [await world.stranger('device'), await world.stranger('stranger')];
    await service.send(enrollment(device, api, ACME));
    await plan.evaluate();
    expect(adapter.mode).toBe('hybrid');

    for (let i = 0; i < 25; i++)
      await service.refused(sealed(stranger, api), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    for (let i = 0; i < 20; i++) await service.accepted(withKey(BOLT));
    expect(await plan.evaluate()).toMatchObject({
      direction: 'stay',
      traffic: { key: 20, xlink: 0, refused: 0 },
    });

    for (let i = 0; i < 5; i++)
      await service.refused(sealed(device, api, {}, { scope: 'refunds' }), '403 SCOPE_DENIED');
    expect(await plan.evaluate()).toMatchObject({
      direction: 'back',
      changed: true,
      traffic: { key: 20, refused: 5 },
    });
    expect(service.of('mode').at(-1)).toEqual({
      type: 'mode',
      from: 'hybrid',
      to: 'observe',
      by: 'plan',
      reason: '20.0% of requests were refused; 1.0% is the limit',
    });
  });

  test('an announced brownout does not', async () => {
    const world = new World();
    const { clock, clients } = world;
    const service = await world.serve({ agent: await world.agent('api'), clock, clients, mode: 'hybrid' });
    const { adapter } = service;
    const plan = new MigrationPlan({ adapter, clock, auto: true, gates: [gate('hybrid', 'deprecation')] });
    await plan.evaluate();
    adapter.scheduleBrownout({ from: new Date(NOON), until: new Date(NOON + HOUR) });
    for (let i = 0; i < 25; i++) await service.refused(withKey(BOLT), '401 API_KEY_BROWNOUT');
    expect((await plan.evaluate()).direction).toBe('stay');
    expect(adapter.mode).toBe('deprecation');
  });
});
