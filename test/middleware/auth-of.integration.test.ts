import { describe, expect, test } from '@jest/globals';
import { authOf, DualModeAdapter } from '@private.me/xlink';
import { signedRequest, withKey } from '../support/http.js';
import { type Meddle, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';

type Shown = { roles: string[]; limits: { day: { calls: number } } };

describe.each(STAGES)('$name: adapter.authOf', (stage) => {
  /** Serves each request by way of its adapter and, at `/partners`, of a second one behind that. */
  const serveWith = (known: WorldWithCaller, second: DualModeAdapter, meddle: Meddle) =>
    stage.serve(known, {}, { second: { adapter: second, path: '/partners' }, meddle });

  async function twoAdapters() {
    const known = await World.withCaller();
    const found: unknown[] = [];
    const partners = new DualModeAdapter({
      agent: known.api,
      mode: 'hybrid',
      legacyKeyValidator: () => ({ partnerId: 'p1' }),
    });
    const service = await serveWith(known, partners, (_, request) => {
      const first = service.adapter;
      found.push([first.authOf(request), partners.authOf(request), authOf(request)]);
    });
    return { known, found, service };
  }

  test('[A6] a handler that changes req.auth changes neither authOf nor what later requests get', async () => {
    const customer = { partnerId: 'p1', roles: ['buyer'], limits: { day: { calls: 5 } } };
    const known = await World.withCaller();
    const found: unknown[] = [];
    const adapter = new DualModeAdapter({
      agent: known.api,
      mode: 'hybrid',
      legacyKeyValidator: () => customer, // from its cache, always the same
    });
    const service = await serveWith(known, adapter, (place, request) => {
      const shown = place.auth as Shown;
      shown.roles.push('admin');
      shown.limits.day.calls = 1e9;
      Reflect.set(adapter.authOf(request) ?? {}, 'partnerId', 'p2');
      found.push([shown.roles, adapter.authOf(request), authOf(request)]);
    });
    const asIs = { mode: 'api-key', ...structuredClone(customer) };
    for (let i = 0; i < 2; i++) await service.send(withKey({ path: '/partners' }));
    expect(found).toEqual(Array(2).fill([['buyer', 'admin'], asIs, asIs]));
    expect(customer).toEqual({ partnerId: 'p1', roles: ['buyer'], limits: { day: { calls: 5 } } });
  });

  test('[D5] says what this adapter found, by key and by envelope', async () => {
    const { known, found, service } = await twoAdapters();
    await service.send(withKey());
    await service.send(await signedRequest(known));
    const byKey = { mode: 'api-key', userId: 'u1' };
    const byEnvelope = expect.objectContaining({ mode: 'xlink', did: known.caller.did });
    expect(found).toEqual([
      [byKey, undefined, byKey],
      [byEnvelope, undefined, byEnvelope],
    ]);
  });

  test('[D5] says nothing of what another adapter found: its validator has another type', async () => {
    const { found, service } = await twoAdapters();
    await service.send(withKey({ path: '/partners' }));
    const [first, partner] = [
      { mode: 'api-key', userId: 'u1' },
      { mode: 'api-key', partnerId: 'p1' },
    ];
    expect(found).toEqual([[first, partner, partner]]);
  });

  test('[D5] what it returns cannot be changed', async () => {
    const { found, service } = await twoAdapters();
    await service.send(withKey());
    const [[auth]] = found as [[object]];
    expect(() => Object.assign(auth, { userId: 'u2' })).toThrow(TypeError);
  });
});
