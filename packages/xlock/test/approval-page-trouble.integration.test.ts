// What the approval page says where something is wrong: clocks, links, stores.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { approvalLink } from '../src/index.js';
import {
  follow,
  heading,
  openApprover,
  PHONE,
  picture,
  register,
  startBrowser,
  startWorld,
} from './page-world.js';
import { findProgram } from './servers.js';
import { describeWhere } from './support.js';

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'the approval page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  test.each([
    [10, 'ahead'],
    [-10, 'behind'],
  ])('a clock that is off by %s minutes is %s, and the page says so', async (minutes, which) => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world, PHONE, (context) =>
      context.addInitScript(() => {
        const { now } = Date;
        Date.now = () => now() + ((globalThis as { offMs?: number }).offMs ?? 0);
      }),
    );
    await register(page, world);
    await page.evaluate((ms) => void Object.assign(globalThis, { offMs: ms }), minutes * 60_000);
    const { text } = await world.verifier.createAuthChallenge({ userId: 'ada' });
    await follow(page, approvalLink(world.pageUrl, text));
    await heading(page, 'This cannot be opened');
    await page.getByText(`The clock of this device is 10 minutes ${which}.`).waitFor();
  });

  test('a link that is not encoded well is no link, and not there any more after a reload', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await page.goto('about:blank');
    await page.goto(`${world.pageUrl}/#%`);
    await heading(page, 'This cannot be opened');
    expect(page.url()).toBe(`${world.pageUrl}/`);
    await page.reload();
    await heading(page, 'Logins to approve');
    // Nothing comes here by itself yet.
    await page.getByText('No account yet').waitFor();
    expect(await page.locator('#none').textContent()).not.toContain('pushes');
    await register(page, world);
    await page.getByText('A login that a service pushes appears here').waitFor();
  });

  test('a store that takes no share is named at the registration', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await page.route(`${world.stores[1]}/**`, (route) => route.abort());
    await follow(page, await world.registration());
    await page.locator('#register-yes').click();
    await heading(page, 'Registered, not everywhere');
    await page.getByText(`${new URL(world.stores[1]!).host}/shares did not take a share`).waitFor();
    await picture(page, 'registered-not-everywhere-phone');
  });

  test('a browser without the shares of the account is told to join first', async () => {
    const world = await startWorld();
    const first = await openApprover(browser, world);
    const did = await register(first.page, world);
    const { page } = await openApprover(browser, world, PHONE);
    await follow(page, await world.registration('ada', did));
    await page.locator('#register-yes').click();
    await page.getByText('choose “Add another device”').waitFor();
  });
});
