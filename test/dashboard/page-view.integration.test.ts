import { expect, jest, test } from '@jest/globals';
import { MemoryClientStore } from '@private.me/xlink';
import { frozenClock, MINUTE, NOON } from '../support/clock.js';
import { describeWith } from '../support/needs-program.js';
import { until } from '../support/until.js';
import { expectClean, untilLive, useBrowser, type Visit } from './browser.js';
import { midMigration } from './scenes.js';
import { adapterOf, clientRecord, requestEvent, serveDashboard } from './support.js';

jest.setTimeout(60_000);

describeWith(['chromium'], 'the view', () => {
  const visit = useBrowser();

  async function midway(query = '', options: Parameters<typeof visit>[1] = {}, more: object = {}) {
    const { adapter, plan, play, clock } = await midMigration();
    const { url } = await serveDashboard(adapter, { plan, clock, ...more });
    play();
    await plan.evaluate();
    const opened = await visit(`${url}${query}`, { timezoneId: 'UTC', ...options });
    await untilLive(opened);
    return { ...opened, adapter, plan, clock, url };
  }
  const names = ({ page }: Pick<Visit, 'page'>) => page.locator('#clients th').allInnerTexts();

  test('is in the address: a link shows the same, and the back button goes back', async () => {
    const opened = await midway('?range=day&state=not-ready&sort=name&order=desc&client=erp-sync');
    const { page } = opened;
    await page.locator('#client-body').waitFor();
    expect(await page.locator('#client-name').innerText()).toBe('erp-sync');
    expect(await page.getByLabel('24 hours').isChecked()).toBe(true);
    expect(await names(opened)).toEqual([
      'support-desk',
      'shop-terminal',
      'partner-contoso',
      'erp-sync',
      'billing-nightly',
      'analytics',
    ]);
    await page.getByRole('button', { name: 'Close' }).click();
    await until(() => !page.url().includes('client='));
    await page.getByLabel('Show').selectOption('ready');
    await until(async () => (await names(opened))[0] === 'warehouse-scanner');
    await page.getByRole('button', { name: 'By xLink' }).click();
    await until(async () => (await names(opened))[0] === 'storefront-web');
    expect(new URL(page.url()).search).toBe('?range=day&state=ready&sort=xlinkRequests&order=desc');
    expect(await page.locator('th[aria-sort=descending]').innerText()).toContain('By xLink');
    await page.getByLabel('Find a client').fill('mobile');
    await until(async () => (await names(opened)).length === 2);
    await page.reload();
    await untilLive(opened);
    expect(await names(opened)).toEqual(['mobile-android', 'mobile-ios']);
    expect(await page.getByLabel('Find a client').inputValue()).toBe('mobile');
    await page.goBack();
    await until(async () => (await names(opened))[0] === 'warehouse-scanner');
    expect(await page.getByLabel('Show').inputValue()).toBe('ready');
    expectClean(opened);
  });

  test('of a client that is not there says so', async () => {
    const opened = await midway('?client=nobody');
    await opened.page.getByText('Nothing is known about this client.').waitFor();
    await opened.page.keyboard.press('Escape');
    await until(() => !opened.page.url().includes('client='));
    expectClean(opened);
  });

  test('has one figure for the share, and it is the one that the next step waits for', async () => {
    const { page } = await midway();
    const text = await page.locator('main').innerText();
    expect(new Set(text.match(/[\d.]+\s?%/g))).toEqual(new Set(['62.3%', '95%']));
  });

  test('ends now, and the chart that the pointer is over speaks beside it', async () => {
    const opened = await midway();
    const { page } = opened;
    const tip = (chart: string) => page.locator(`#${chart} .tooltip`);
    await page.locator('#split-chart').scrollIntoViewIfNeeded();
    const over = (await page.locator('#split-chart .u-over').boundingBox())!;
    await page.mouse.move(over.x + over.width - 3, over.y + 40);
    await tip('split-chart').waitFor();
    expect(await tip('adoption-chart').isVisible()).toBe(false);
    expect(await tip('split-chart').innerText()).toMatch(/^09:38:5\d\s+xLink: \d+\s+API key: \d/);
    const box = (await tip('split-chart').boundingBox())!;
    expect(box.x + box.width).toBeLessThan(over.x + over.width);
    expect(box.x + box.width).toBeGreaterThan(over.x + over.width - 40);
    await page.mouse.move(over.x + 5, over.y + 40); // before it began to count
    await until(async () => !(await tip('split-chart').isVisible()));
    await page.mouse.move(over.x + over.width - 3, over.y + 41);
    await tip('split-chart').waitFor();
    await page.keyboard.press('Escape');
    expect(await tip('split-chart').isVisible()).toBe(false);
    expectClean(opened);
  });

  test('marks what happened, in the charts and in words, and calls no mode passed that was stepped over', async () => {
    const opened = await midway();
    const { page, adapter } = opened;
    adapter.emit({ type: 'key-epoch', keyEpoch: 3, since: Date.UTC(2026, 2, 12, 9, 31), rotatesAt: NOON });
    adapter.setMode('xlink-only', 'an <b>experiment</b>');
    opened.clock.advance(1000);
    const marks = page.locator('#marks li');
    await until(async () => (await marks.count()) === 3);
    expect(await marks.allInnerTexts()).toEqual([
      '12 Mar, 09:31: New encryption keys, epoch 3.',
      '12 Mar, 09:34 to 12 Mar, 09:35: Brownout: keys are refused while the mode is deprecation.',
      '12 Mar, 09:39: Mode hybrid → xlink-only: an <b>experiment</b>.',
    ]);
    const places = page.locator('#modes li');
    expect(
      await places.evaluateAll((items) => items.map((item) => (item as HTMLElement).dataset['place'])),
    ).toEqual(['open', 'past', 'skipped', 'now']);
    expectClean(opened);
  });

  test('begins with the answer on a phone, and is not longer than it must be', async () => {
    const { page } = await midway('', { viewport: { width: 390, height: 844 }, isMobile: true });
    const answer = page.locator('.answer');
    expect(await answer.innerText()).toMatch(
      /^6 of 12 clients are ready\s+These 6 are not, because:\s+shop-terminal Failed at its last xLink request\./,
    );
    const { y, height } = (await answer.boundingBox())!;
    expect(y + height).toBeLessThan(500);
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThan(4000);
    await page.getByRole('button', { name: 'Show all 6' }).click();
    await until(async () => (await page.locator('#clients tr').count()) === 6);
  });

  test('says who is ready in plain words', async () => {
    const answers: string[] = [];
    for (const left of [0, 1, 2]) {
      const clock = frozenClock();
      const records = Array.from({ length: 13 }, (_, i) =>
        clientRecord(`client-${i}`, i < left ? { lastKeyUse: NOON } : { dids: ['d'], lastXlinkUse: NOON }),
      );
      const { url } = await serveDashboard(
        await adapterOf({ clients: new MemoryClientStore(records), clock }),
        { clock },
      );
      const opened = await visit(url);
      await untilLive(opened);
      const text = (id: string) => opened.page.locator(id).innerText();
      answers.push(`${await text('#answer-title')}. ${await text('#answer-text')}`);
    }
    expect(answers).toEqual([
      'All 13 clients are ready. Turning keys off would stop none of them.',
      '12 of 13 clients are ready. This one is not, because:',
      '11 of 13 clients are ready. These two are not, because:',
    ]);
  });

  test('bears names that are none', async () => {
    const names = [
      '<script>document.title=1</script>',
      '=cmd()',
      '\u202Eevil',
      'مرحبا',
      'x'.repeat(200),
      '__proto__',
    ];
    const clock = frozenClock();
    const clients = new MemoryClientStore(names.map((name) => clientRecord(name, { lastKeyUse: NOON })));
    const adapter = await adapterOf({ clients, clock });
    const { url } = await serveDashboard(adapter, { clock });
    adapter.emit({ ...requestEvent('api-key'), client: names[0]!, route: '/<img src=x onerror=alert(1)>' });
    const opened = await visit(url, { viewport: { width: 390, height: 800 } });
    const { page } = opened;
    await untilLive(opened);
    for (const [at, name] of names.entries()) {
      await page.locator('#clients button').nth(at).click();
      await page.locator('#client-body').waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      expect(
        await page.evaluate(() => document.querySelector('dialog[open]')!.scrollWidth <= innerWidth),
      ).toBe(true);
      const id = new URL(page.url()).searchParams.get('client');
      expect(names).toContain(id);
      expect(await page.title()).toBe('xLink migration');
      await page.keyboard.press('Escape');
      expect(name).toBeTruthy();
    }
    expect(await page.locator('main img, main script, dialog img, dialog script').count()).toBe(0);
    expectClean(opened);
  });

  test('of 10,000 clients comes in time, and page by page', async () => {
    const clock = frozenClock();
    const records = Array.from({ length: 10_000 }, (_, i) =>
      clientRecord(`client-${i}`, { keyRequests: i, lastKeyUse: NOON - i * MINUTE }),
    );
    const { url } = await serveDashboard(
      await adapterOf({ clients: new MemoryClientStore(records), clock }),
      { clock },
    );
    const opened = await visit(`${url}?sort=keyRequests&order=desc`);
    const { page } = opened;
    await untilLive(opened);
    expect((await names(opened)).slice(0, 2)).toEqual(['client-9999', 'client-9998']);
    await page.getByRole('button', { name: 'Next' }).click();
    await until(async () => (await names(opened))[0] === 'client-9899');
    expect(await page.locator('#page-text').innerText()).toBe('Page 2 of 100');
    await page.getByLabel('Find a client').fill('client-4242');
    await until(async () => (await names(opened)).length === 1);
    await page.getByRole('button', { name: 'client-4242', exact: true }).click();
    await page.locator('#client-body').waitFor();
    const answer = await fetch(`${url}?format=json`);
    expect((await answer.text()).length).toBeLessThan(80_000);
    expectClean(opened);
  });
});
