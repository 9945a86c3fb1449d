import { describe, expect, test } from '@jest/globals';
import { MemoryNonceStore, type NonceStore } from '@private.me/xlink';
import { NonceQuota } from '../../../src/adapters/clients/nonce-quota.js';
import { frozenClock } from '../../support/clock.js';
import { growthOf } from '../../support/heap.js';
import { ACME, ACME_TOO, BOLT } from '../../support/http.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };

async function made(setup: object = {}) {
  const world = new World();
  const api = await world.agent('api');
  const service = await world.serve({
    agent: api,
    clock: world.clock,
    clients: world.clients,
    maxNoncesPerClient: 6,
    ...setup,
  });
  const enrolled = async (name: string, key: string) => {
    const device = await world.stranger(name);
    expect((await service.send(enrollment(device, api, key))).status).toBe(200); // this takes one, too
    await world.registry.updateScopes(device.did, { scopes: ['*'] });
    return device;
  };
  return { world, clock: world.clock, api, service, enrolled };
}

describe('[A8] the nonces of one client', () => {
  test('count together, whichever of its DIDs makes them; others are not refused', async () => {
    const { api, service, enrolled } = await made();
    const [first, second] = [await enrolled('first', ACME), await enrolled('second', ACME_TOO)];
    const bolt = await enrolled('bolt', BOLT);
    for (const device of [first, second, first, second])
      await service.accepted(sealed(device, api, {}, SCOPE));
    for (const device of [first, second]) {
      const { headers } = await service.refused(
        sealed(device, api, {}, SCOPE),
        '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA',
      );
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(361);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(452);
    }
    await service.accepted(sealed(bolt, api, {}, SCOPE));
    await service.accepted(withKey(ACME));
  });

  test('what is refused is not claimed: the same envelope is good once there is room', async () => {
    const { world, clock, api, service } = await made({ maxNoncesPerClient: 1 });
    const caller = await world.agent('caller');
    const [first, second] = [await sealed(caller, api, {}, SCOPE), await sealed(caller, api, {}, SCOPE)];
    await service.accepted(first);
    const { headers } = await service.refused(second, '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA');
    clock.advance(Number(headers['retry-after']) * 1000);
    await service.refused(second, '401 TIMESTAMP_EXPIRED'); // and not as a replay
    await service.accepted(sealed(caller, api, {}, SCOPE));
  });

  test('copies of an envelope sent at once use up one place of the client, whose next request is good', async () => {
    const world = new World();
    const claims = new MemoryNonceStore({ clock: world.clock });
    let [waiting, release] = [0, () => {}];
    const open = new Promise<void>((resolve) => {
      release = resolve;
    });
    const nonceStore: NonceStore = {
      seen: (use) => claims.seen(use),
      async claim(use, ttlMs) {
        waiting += 1;
        await open;
        return claims.claim(use, ttlMs);
      },
    };
    const api = await world.agent('api', { nonceStore });
    const service = await world.serve({ agent: api, clock: world.clock, maxNoncesPerClient: 3 });
    const caller = await world.agent('caller');
    const captured = await sealed(caller, api, {}, SCOPE);
    const copies = Array.from({ length: 20 }, () => service.send(captured));
    await until(() => waiting === 20);
    release();
    const statuses = (await Promise.all(copies)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 409)]);
    for (let at = 0; at < 2; at++) await service.accepted(sealed(caller, api, {}, SCOPE));
    await service.refused(sealed(caller, api, {}, SCOPE), '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA');
  });

  test('a DID that is not enrolled counts for itself, also where no clients are kept', async () => {
    const { world, api, service } = await made({ clients: undefined, maxNoncesPerClient: 2 });
    const [one, two] = [await world.agent('one'), await world.agent('two')];
    for (const caller of [one, two, one, two]) await service.accepted(sealed(caller, api, {}, SCOPE));
    for (const caller of [one, two])
      await service.refused(sealed(caller, api, {}, SCOPE), '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA');
  });

  test('strangers and bad signatures take nothing of it', async () => {
    const { world, api, service } = await made({ maxNoncesPerClient: 1 });
    const caller = await world.agent('caller');
    for (let at = 0; at < 5; at++) {
      const sent = await sealed(caller, api, {}, SCOPE);
      const body = String(sent.body).replace(/"signature":"../, '"signature":"AA');
      await service.refused({ ...sent, body }, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    }
    await service.accepted(sealed(caller, api, {}, SCOPE));
  });

  test('of requests that come at once no more get through than may', async () => {
    const { world, api, service } = await made({ maxNoncesPerClient: 5 });
    const caller = await world.agent('caller');
    const sent = await Promise.all(Array.from({ length: 20 }, () => sealed(caller, api, {}, SCOPE)));
    const answers = await Promise.all(sent.map((one) => service.send(one)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });
});

let claims = 0;

/** A nonce of its own that is claimed. */
function claim(quota: NonceQuota, name: string): void {
  const place = quota.take(name, `nonce ${claims++}`);
  place.claimed();
  place.leave();
}

describe('the count', () => {
  test('never exceeds the maximum within the life of a nonce, and comes back in a quarter more', () => {
    const clock = frozenClock();
    const quota = new NonceQuota({ max: 10, ttlMs: 400, clock });
    const taken: number[] = [];
    for (let step = 0; step < 5000; step++) {
      clock.advance(1 + (step % 7));
      try {
        claim(quota, 'acme');
        taken.push(clock());
      } catch (error) {
        const { retryAfterMs } = error as { retryAfterMs: number };
        expect(retryAfterMs).toBeGreaterThan(0);
        expect(retryAfterMs).toBeLessThanOrEqual(500);
      }
      expect(taken.filter((at) => at > clock() - 400).length).toBeLessThanOrEqual(10);
    }
    expect(taken.length).toBeGreaterThan((5000 * 4 * 10) / 500 / 2);
  });

  test('a clock that goes back gives nobody more', () => {
    const clock = frozenClock();
    const quota = new NonceQuota({ max: 2, ttlMs: 400, clock });
    claim(quota, 'acme');
    clock.advance(-10_000);
    claim(quota, 'acme');
    expect(() => claim(quota, 'acme')).toThrow(expect.objectContaining({ status: 429 }));
  });

  test('takes a bounded part of the memory, and a flood of names does not free one that is used', async () => {
    const quota = new NonceQuota({ max: 100, ttlMs: 400_000, clock: frozenClock() });
    for (let at = 0; at < 100; at++) claim(quota, 'acme');
    for (let at = 0; at < 99_999; at++) claim(quota, `name ${at}`);
    const grown = await growthOf(async () => {
      for (let at = 0; at < 400_000; at++) {
        if (at % 10_000 === 0)
          expect(() => claim(quota, 'acme')).toThrow(expect.objectContaining({ status: 429 }));
        claim(quota, `other name ${at}`);
      }
    });
    expect(grown).toBeLessThan(8 * 2 ** 20);
    expect(() => claim(quota, 'acme')).toThrow(expect.objectContaining({ status: 429 }));
  });

  test('copies of one nonce take one place, and none once nobody claimed it', () => {
    const quota = new NonceQuota({ max: 2, ttlMs: 400, clock: frozenClock() });
    const full = expect.objectContaining({ status: 429 });
    const copies = Array.from({ length: 50 }, () => quota.take('acme', 'n1'));
    for (const copy of copies.slice(0, 49)) copy.leave();
    const other = quota.take('acme', 'n2');
    expect(() => quota.take('acme', 'n3')).toThrow(full);
    other.leave();
    other.leave();
    quota.take('acme', 'n4').claimed();
    expect(() => quota.take('acme', 'n5')).toThrow(full);
    copies[49]!.leave(); // a replay of what was claimed before, all fifty of them
    claim(quota, 'acme');
    expect(() => quota.take('acme', 'n6')).toThrow(full);
  });

  test('one of the copies that claims counts, whichever ends first', () => {
    const quota = new NonceQuota({ max: 1, ttlMs: 400, clock: frozenClock() });
    const [first, second] = [quota.take('acme', 'n1'), quota.take('acme', 'n1')];
    second.claimed();
    second.leave();
    first.leave();
    expect(() => quota.take('acme', 'n2')).toThrow(expect.objectContaining({ status: 429 }));
  });

  test('a place that is given back late takes nothing from others', () => {
    const clock = frozenClock();
    const quota = new NonceQuota({ max: 1, ttlMs: 400, clock });
    const late = quota.take('acme', 'n1');
    clock.advance(1000);
    claim(quota, 'acme');
    late.leave();
    expect(() => quota.take('acme', 'n2')).toThrow(expect.objectContaining({ status: 429 }));
  });
});
