import { describe, expect, test } from '@jest/globals';
import { type Agent, formatReport, requestBinding } from '@private.me/xlink';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { DAY, HOUR } from '../../support/clock.js';
import { ACME, BOLT, bodyForm, problemOf } from '../../support/http.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, sealed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };

async function made(setup: object = {}) {
  const world = new World();
  const store = breakable(world.clients);
  const api = await world.agent('api');
  const service = await world.serve({ agent: api, clock: world.clock, clients: store, ...setup });
  const device = await world.stranger('device');
  /** As an identity does that has no key. */
  const renewal = async (from: Agent = device) =>
    bodyForm(
      await from.createIntroduction({
        to: api.did,
        scope: 'xlink:enroll',
        request: requestBinding('POST', ENROLL_PATH),
        payload: { keyRecord: await from.keyRecord() },
      }),
      { path: ENROLL_PATH },
    );
  const enroll = async (key = ACME) => service.send(enrollment(device, api, key));
  const use = () => sealed(device, api, {}, SCOPE);
  return { world, clock: world.clock, store, api, service, device, renewal, enroll, use };
}

describe('an enrollment that ends', () => {
  test('says when, ends then, and not before', async () => {
    const { clock, service, enroll, use } = await made({ enrollmentValidMs: HOUR });
    const answer = await enroll();
    expect(problemOf(answer)).toMatchObject({ validUntil: new Date(clock() + HOUR).toISOString() });
    clock.advance(HOUR - 1);
    await service.accepted(use());
    clock.advance(1);
    await service.refused(use(), '403 ENROLLMENT_EXPIRED');
    await service.accepted(withKey(ACME));
  });

  test('does not burn the nonce of what it refuses', async () => {
    const { clock, service, enroll, use } = await made({ enrollmentValidMs: HOUR });
    await enroll();
    clock.advance(HOUR);
    const sent = await use();
    await service.refused(sent, '403 ENROLLMENT_EXPIRED');
    expect((await enroll()).status).toBe(200);
    await service.accepted(sent);
  });

  test('is renewed by the identity alone before it ends, and by a key at any time', async () => {
    const { clock, service, enroll, renewal, use } = await made({ enrollmentValidMs: HOUR });
    await enroll();
    clock.advance(HOUR - 1);
    expect((await service.send(renewal())).status).toBe(200);
    clock.advance(HOUR - 1);
    await service.accepted(use());
    clock.advance(1);
    await service.refused(renewal(), '403 ENROLLMENT_EXPIRED');
    await service.refused(use(), '403 ENROLLMENT_EXPIRED');
    expect((await enroll()).status).toBe(200);
    await service.accepted(use());
  });

  test('that a key vouched for is renewed by a key only; the earlier of two ends counts', async () => {
    const world = new World();
    const until = new Date(world.clock() + 2 * HOUR);
    const { clock, service, enroll, renewal, use, device, store } = await made({
      enrollmentValidMs: DAY,
      enrollmentValidUntil: ({ clientId }: { clientId?: string }) =>
        clientId === 'acme' ? until : undefined,
    });
    await enroll();
    clock.advance(HOUR);
    const answer = await service.send(renewal());
    expect(problemOf(answer)).toMatchObject({ validUntil: until.toISOString() });
    expect(await store.standingOf(device.did)).toEqual({ client: 'acme', validUntil: until.getTime() });
    clock.advance(HOUR);
    await service.refused(use(), '403 ENROLLMENT_EXPIRED');
    const late = await enroll();
    expect([late.status, problemOf(late)]).toMatchObject([403, { code: 'ENROLLMENT_EXPIRED' }]);
  });

  test('a grant that is no date is a fault of the operator', async () => {
    const { enroll, service } = await made({ enrollmentValidUntil: () => 'tomorrow' });
    const answer = await enroll();
    expect([answer.status, problemOf(answer)]).toMatchObject([500, { code: 'INVALID_OPTION' }]);
    expect(service.of('fault').map(({ error }) => error.field)).toEqual(['enrollmentValidUntil']);
  });

  test('without these options it does not end', async () => {
    const { clock, service, enroll, use } = await made();
    expect(problemOf(await enroll())).not.toHaveProperty('validUntil');
    clock.advance(1000 * DAY);
    await service.accepted(use());
  });

  test('while the store is down nobody is accepted, for it cannot be told whose has ended', async () => {
    const { service, enroll, use, store } = await made({ enrollmentValidMs: HOUR });
    await enroll();
    store.down.add('standingOf');
    const sent = await use();
    await service.refused(sent, '503 CLIENT_STORE_UNAVAILABLE');
    store.down.clear();
    await service.accepted(sent);
  });
});

describe('the report', () => {
  test('shows what ends soon or has ended', async () => {
    const { world, clock, service, enroll, use, device, api } = await made({ enrollmentValidMs: 10 * DAY });
    await enroll();
    const late = await world.stranger('late');
    clock.advance(5 * DAY);
    await service.send(enrollment(late, api, BOLT));
    await service.accepted(use());
    await service.quiet();
    const validUntil = new Date(clock() + 5 * DAY).toISOString();
    const { clients } = await service.adapter.report();
    expect(clients.map(({ client, expiring }) => [client, expiring])).toEqual([
      ['acme', [{ did: device.did, validUntil }]],
      ['bolt', undefined],
    ]);
    expect(formatReport({ generatedAt: '', safeToSwitch: false, clients })).toContain(
      'enrollments that end soon or have ended: 1, the first 2025-01-11 12:00',
    );
    const wide = await service.adapter.report({ expiringWithinMs: 10 * DAY });
    expect(wide.clients[1]!.expiring).toHaveLength(1);
    clock.advance(5 * DAY);
    const [acme] = (await service.adapter.report()).clients;
    expect(acme).toMatchObject({ state: 'not-enrolled', safeToSwitch: false, expiring: [{ validUntil }] });
  });
});
