import { expect, jest, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { expectClean, screenshot, untilLive, useBrowser, type Visit } from './browser.js';
import { midMigration } from './scenes.js';
import { adapterOf, serveDashboard } from './support.js';

jest.setTimeout(60_000);

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

describeWith(['chromium'], 'how it looks', () => {
  const visit = useBrowser();

  async function open(options: Parameters<typeof visit>[1] = {}): Promise<Visit> {
    const { adapter, plan, play, clock } = await midMigration();
    const { url } = await serveDashboard(adapter, { plan, clock, title: 'Orders API: keys to xLink' });
    play();
    await plan.evaluate();
    const opened = await visit(url, options);
    await untilLive(opened);
    return opened;
  }

  test.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', PHONE],
    ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
    ['narrow', { viewport: { width: 320, height: 700 } }],
    ['zoomed', { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }],
  ] as const)('%s', async (name, options) => {
    const opened = await open(options);
    await screenshot(opened, `dashboard-${name}`);
    expectClean(opened);
  });

  test('empty', async () => {
    const { url } = await serveDashboard(await adapterOf());
    const opened = await visit(url);
    await untilLive(opened);
    await screenshot(opened, 'dashboard-empty');
    expectClean(opened);
    expect(await opened.page.locator('#share-text').textContent()).toBe('No request was accepted yet.');
  });
});
