import { type DualModeAdapter, MemoryClientStore, MigrationPlan, type RequestEvent } from '@private.me/xlink';
import { type FrozenClock, frozenClock } from '../support/clock.js';
import { adapterOf, clientRecord, requestEvent } from './support.js';

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DID = `did:key:z6Mk${'a'.repeat(44)}`;

/** What one of the clients did, by route. `none`: was refused. */
const USE = [
  ['/orders', 'api-key', 9],
  ['/orders', 'none', 4],
  ['/orders/:id', 'xlink', 3],
  ['/stock/:sku', 'api-key', 2],
] as const;

/** Sessions take over as time goes by; one caller signs. */
const formOf = (i: number, step: number): NonNullable<RequestEvent['form']> =>
  i === 3 ? 'signature' : i % 4 < 1 + step / 40 ? 'session' : 'envelope';

export interface Scene {
  readonly adapter: DualModeAdapter;
  readonly plan: MigrationPlan;
  readonly clock: FrozenClock;
  /** Sends nine minutes of traffic through the observers, ever more of it by xLink. Call it once the dashboard listens. */
  play(): void;
}

/** Twelve clients in the middle of a migration. The clock stands still. */
export async function midMigration(): Promise<Scene> {
  const clock = frozenClock(Date.UTC(2026, 2, 12, 9, 30));
  const now = clock() + 9 * 60 * SECOND;
  const moved = (client: string, xlinkRequests: number) =>
    clientRecord(client, {
      dids: [DID],
      keyRequests: 1240,
      xlinkRequests,
      lastKeyUse: now - 50 * HOUR,
      lastXlinkUse: now - 4 * SECOND,
    });
  const both = (client: string) =>
    clientRecord(client, {
      dids: [DID],
      keyRequests: 861,
      xlinkRequests: 402,
      lastKeyUse: now - 35 * SECOND,
      lastXlinkUse: now - 20 * SECOND,
    });
  const clients = new MemoryClientStore([
    moved('storefront-web', 18_204),
    moved('partner-northwind', 2210),
    moved('warehouse-scanner', 5120),
    moved('mobile-ios', 9418),
    moved('mobile-android', 11_002),
    clientRecord('fraud-check', {
      dids: [DID],
      keyRequests: 40,
      xlinkRequests: 980,
      lastKeyUse: now - 3 * HOUR,
      lastXlinkUse: now - 2 * SECOND,
      keyOffSince: now - 2 * HOUR,
    }),
    both('erp-sync'),
    both('support-desk'),
    clientRecord('shop-terminal', {
      dids: [DID],
      keyRequests: 733,
      xlinkRequests: 12,
      lastKeyUse: now - 8 * SECOND,
      lastXlinkUse: now - 300 * SECOND,
      failures: { TIMESTAMP_EXPIRED: 31 },
      lastFailure: now - 15 * SECOND,
    }),
    clientRecord('billing-nightly', { dids: [DID], keyRequests: 310, lastKeyUse: now - 7 * HOUR }),
    clientRecord('analytics', { keyRequests: 2901, lastKeyUse: now - 3 * SECOND }),
    clientRecord('partner-contoso', { keyRequests: 88, lastKeyUse: now - 26 * HOUR }),
  ]);
  const adapter = await adapterOf({
    clients,
    clock,
    brownouts: [{ from: new Date(now - 5 * 60 * SECOND), until: new Date(now - 4 * 60 * SECOND) }],
    deprecation: { sunset: new Date(Date.UTC(2026, 5, 30)) },
  });
  const plan = new MigrationPlan({ adapter, clock, since: clock() - 720 * HOUR });
  await plan.evaluate(); // what it counts from
  const useByRoute = () => {
    for (const [route, method, count] of USE)
      for (let i = 0; i < count; i++) {
        const event = requestEvent(method, method === 'none' ? 'TIMESTAMP_EXPIRED' : 'ok');
        adapter.emit({ ...event, route, client: 'shop-terminal' });
      }
    for (const off of [true, false]) adapter.emit({ type: 'key-switch', client: 'shop-terminal', off });
  };
  return {
    adapter,
    plan,
    clock,
    play() {
      for (let step = 0; step < 108; step++) {
        const share = 0.18 + 0.55 / (1 + Math.exp(-(step - 55) / 14)) + 0.04 * Math.sin(step / 3);
        const requests = 34 + Math.round(9 * Math.sin(step / 9) + 4 * Math.sin(step * 1.7));
        for (let i = 0; i < requests; i++)
          adapter.emit(
            i < requests * share
              ? { ...requestEvent('xlink'), form: formOf(i, step) }
              : requestEvent('api-key'),
          );
        if (step % 6 === 0) adapter.emit(requestEvent('xlink', 'TIMESTAMP_EXPIRED'));
        if (step % 17 === 0) adapter.emit(requestEvent('api-key', 'API_KEY_INVALID'));
        if (step % 40 === 0) adapter.emit(requestEvent('xlink', 'REPLAY_DETECTED'));
        if (step === 50) useByRoute();
        clock.advance(5 * SECOND);
      }
      clients.add([
        {
          client: 'storefront-web',
          keyRequests: 0,
          xlinkRequests: 1670,
          failures: { TIMESTAMP_EXPIRED: 18 },
        },
        { client: 'analytics', keyRequests: 1011, xlinkRequests: 0, failures: {} },
      ]);
    },
  };
}
