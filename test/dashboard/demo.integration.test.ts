import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DemoProcess } from '../examples/demo-process.js';
import { BuiltPackage } from '../support/built-package.js';
import { describeWith } from '../support/needs-program.js';
import { expectClean, screenshot, untilLive, useBrowser } from './browser.js';

jest.setTimeout(180_000);

describeWith(['chromium'], 'the dashboard of the demo', () => {
  const visit = useBrowser();
  let copy: BuiltPackage;
  let demo: DemoProcess | undefined;
  beforeAll(() => {
    copy = new BuiltPackage();
  });
  afterAll(async () => {
    demo?.process.kill('SIGINT');
    await demo?.exitCode();
    copy?.remove();
  });

  test('is at the printed address, and follows the twelve clients to the end of the keys', async () => {
    demo = new DemoProcess(copy, { DEMO_SPEED: '4' });
    await demo.says(/served [1-9]/);
    const [, url = '', username = '', password = ''] =
      /Dashboard: (\S+)\s+user (\S+)\s+password (\S+)/.exec(demo.output) ?? [];
    expect((await fetch(url)).status).toBe(401);
    const opened = await visit(url, { httpCredentials: { username, password }, colorScheme: 'light' });
    await untilLive(opened);
    const { page } = opened;

    const moved = page.locator('#clients tr', { hasText: 'mobile-android' }).getByText('✓ Ready');
    await moved.waitFor({ timeout: 60_000 });
    expect(await page.locator('#gate').innerText()).toContain('Next step: xlink-only');
    await screenshot(opened, 'demo-midway');
    await page.emulateMedia({ colorScheme: 'dark' });
    await screenshot(opened, 'demo-midway-dark');
    await page.emulateMedia({ colorScheme: 'light' });

    await page
      .locator('#modes li[aria-current=step]', { hasText: 'xlink-only' })
      .waitFor({ timeout: 90_000 });
    const names = await page.locator('#clients th').allInnerTexts();
    const { CAST } = await import(new URL('../../examples/express-app/demo/cast.mjs', import.meta.url).href);
    expect(names).toEqual(expect.arrayContaining(CAST.map(({ name }: { name: string }) => name)));
    await page.locator('#failures', { hasText: 'XLINK_REQUIRED' }).waitFor();
    await screenshot(opened, 'demo-done');
    expectClean(opened);
  });
});
