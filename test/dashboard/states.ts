import type { Server } from 'node:http';
import { DualModeAdapter, MemoryClientStore, MigrationPlan } from '@private.me/xlink';
import type { Page } from 'playwright-core';
import { frozenClock, HOUR, MINUTE } from '../support/clock.js';
import { World } from '../support/world.js';
import { midMigration } from './scenes.js';
import { adapterOf, clientRecord, serveDashboard } from './support.js';

/** Something that the page can show. */
export interface PageState {
  readonly url: string;
  readonly server: Server;
  /** Brings the page there once it is live. */
  readonly arrange?: (page: Page) => Promise<void>;
  /** A dialog covers the page, so only what is in the window is looked at. */
  readonly isDialog?: boolean;
}

/** The clock stands still, and the page asks once. */
const STILL = { refreshMs: 3_600_000, title: 'Orders API: keys to xLink' };
const actions = { actions: true, operatorOf: () => 'ada@example.com' };

async function midway(options: object = {}) {
  const { adapter, plan, clock, play } = await midMigration();
  const served = await serveDashboard(adapter, { plan, clock, ...STILL, ...options });
  play();
  adapter.setMode('deprecation', 'most have moved');
  clock.advance(MINUTE);
  await plan.evaluate();
  return { ...served, adapter, plan, clock };
}

const openClient = async (page: Page) => {
  await page.getByRole('button', { name: 'shop-terminal' }).first().click();
  await page.locator('#client-body').waitFor();
};

/** Every state of the page, by name. Each makes a server of its own. */
export const PAGE_STATES: Readonly<Record<string, () => Promise<PageState>>> = {
  midway,
  empty: async () =>
    serveDashboard(await adapterOf({ clock: frozenClock() }), { ...STILL, clock: frozenClock() }),
  'no-clients': async () => {
    const agent = await new World().agent('orders-api');
    const adapter = new DualModeAdapter({ agent, legacyKeyValidator: () => null });
    return serveDashboard(adapter, { ...STILL, clock: frozenClock() });
  },
  done: async () => {
    const clock = frozenClock();
    const records = ['billing', 'web', 'warehouse'].map((client) =>
      clientRecord(client, { dids: ['did:key:z6Mk'], lastXlinkUse: clock() - MINUTE, xlinkRequests: 812 }),
    );
    const adapter = await adapterOf({ clients: new MemoryClientStore(records), clock });
    const plan = new MigrationPlan({ adapter, clock });
    const served = await serveDashboard(adapter, { plan, clock, ...STILL });
    clock.advance(MINUTE);
    adapter.setMode('xlink-only', 'all clients have moved');
    clock.advance(4 * MINUTE);
    await plan.evaluate();
    return served;
  },
  many: async () => {
    const clock = frozenClock();
    const records = Array.from({ length: 10_000 }, (_, i) =>
      clientRecord(`client-${String(i).padStart(5, '0')}`, {
        dids: i % 2 === 0 ? [] : ['did:key:z6Mk'],
        keyRequests: i,
        lastKeyUse: clock() - i * 1000,
        ...(i < 92
          ? { dids: ['did:key:z6Mk'], lastKeyUse: 0, lastXlinkUse: clock() - HOUR, xlinkRequests: 2 * i }
          : {}),
      }),
    );
    const adapter = await adapterOf({ clients: new MemoryClientStore(records), clock });
    const { url, server } = await serveDashboard(adapter, { clock, ...STILL });
    return {
      url: `${url}?state=not-ready&sort=keyRequests&order=desc&page=100&range=day`,
      server,
    };
  },
  lost: async () => {
    const served = await midway();
    return {
      ...served,
      async arrange(page) {
        served.server.closeAllConnections();
        await new Promise((resolve) => served.server.close(resolve));
        await page.clock.setFixedTime(Date.UTC(2026, 2, 12, 9, 41));
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await page.locator('#connection[data-state=lost]').waitFor();
        await page.evaluate(() => {
          document.getElementById('connection-text')!.textContent =
            'Connection lost since 09:40:12. These figures are from then.';
        });
      },
    };
  },
  client: async () => ({ ...(await midway(actions)), arrange: openClient, isDialog: true }),
  action: async () => ({
    ...(await midway(actions)),
    isDialog: true,
    async arrange(page) {
      await openClient(page);
      await page.getByRole('button', { name: /Change the mode/ }).click();
      await page.getByLabel(/^Why/).fill('agreed with their team on 10 March');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('button', { name: 'Confirm' }).waitFor();
    },
  }),
};
