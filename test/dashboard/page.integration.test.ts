import { createServer } from 'node:http';
import { expect, jest, test } from '@jest/globals';
import { DualModeAdapter, MemoryClientStore, xlinkFetch } from '@private.me/xlink';
import express from 'express';
import { frozenClock, NOON } from '../support/clock.js';
import { listen } from '../support/http.js';
import { describeWith } from '../support/needs-program.js';
import { World } from '../support/world.js';
import { expectClean, screenshot, untilLive, useBrowser, type Visit } from './browser.js';
import { midMigration } from './scenes.js';
import { adapterOf, clientRecord, KEY, PASSWORD, requestEvent, serveDashboard } from './support.js';

jest.setTimeout(60_000);

const text = ({ page }: Visit, selector: string): Promise<string> => page.locator(selector).innerText();

/** The text of the cells of a table, row by row. */
const rows = ({ page }: Visit, body: string): Promise<string[][]> =>
  page
    .locator(`${body} tr`)
    .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent!)));

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describeWith(['chromium'], 'the page', () => {
  const visit = useBrowser();

  async function open(...[adapter, options]: Parameters<typeof serveDashboard>): Promise<Visit> {
    const { url } = await serveDashboard(adapter, options);
    const opened = await visit(url);
    await untilLive(opened);
    return opened;
  }

  test('shows what was sent, and what is sent next without being loaded again', async () => {
    const adapter = await adapterOf();
    const { url } = await serveDashboard(adapter);
    const api = `${new URL(url).origin}/orders`;
    const byKey = () => fetch(api, { headers: { 'x-api-key': KEY } });
    const unsafe = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
    const byXlink = xlinkFetch({ baseUrl: api, apiKey: KEY, ...unsafe });
    for (let i = 0; i < 6; i++) await byKey();
    for (let i = 0; i < 2; i++) expect((await byXlink(api)).status).toBe(200);
    await fetch(api);

    const opened = await visit(url);
    await untilLive(opened);
    expect(await text(opened, '#share')).toBe('25.0%');
    expect(await text(opened, '#share-text')).toMatch(/^of 8 accepted requests in the last .+ used xLink\.$/);
    const totals = async () => (await rows(opened, '#totals')).map(([, , count]) => count);
    expect(await totals()).toEqual(['2', '6', '1']);
    const [client] = await rows(opened, '#clients');
    expect(client).toMatchObject([
      'acme',
      expect.stringContaining('Still uses its key'),
      'just now',
      'just now',
      '6',
      '2',
      '0',
      'Not yet',
    ]);
    expect(await text(opened, '#failures')).toContain('401 CREDENTIALS_MISSING');
    expect(await text(opened, '#failures')).toContain('What to do: Health checks and scanners');
    expect(await opened.page.locator('#failures a').getAttribute('href')).toMatch(
      /^https:\/\/xail\.io\/docs/,
    );

    for (let i = 0; i < 8; i++) await byXlink(api);
    adapter.setMode('deprecation');
    await until('the new figures', async () => (await text(opened, '#share')) === '62.5%');
    expect(await totals()).toEqual(['10', '6', '1']);
    const modeShown = () => text(opened, '#modes [aria-current=step]');
    await until('the new mode', async () => (await modeShown()).startsWith('deprecation'));
    await until('an announcement', async () => (await text(opened, '#announcement')) !== '');
    expectClean(opened);
    expect(new Set(opened.requests)).toEqual(
      new Set([url, `${url}?format=json`, 'data:,'].filter((one) => opened.requests.includes(one))),
    );
  });

  test.each(['/a/b/xlink', '/a/b/xlink/'])('works at %s, with the password in its address', async (path) => {
    const adapter = await adapterOf();
    const app = express().use('/a/b', express().use('/xlink', adapter.dashboard({ password: PASSWORD })));
    const { port } = await listen(createServer(app));
    const opened = await visit(`http://operator:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}${path}`);
    await untilLive(opened);
    expect(opened.requests.at(-1)).toMatch(new RegExp(`${path}\\?format=json$`));
    expectClean(opened);
  });

  test('names of clients are text, whatever is in them', async () => {
    const names = [
      '<img src=x onerror="document.title=1">',
      '</td></tr></table><script>document.title=2</script>',
      '\u202Eevil\u202C\u2066',
      'x'.repeat(10_000),
      '{{title}}',
    ];
    const clients = new MemoryClientStore(names.map((name) => clientRecord(name, { lastKeyUse: NOON })));
    const opened = await open(await adapterOf({ clients, clock: frozenClock() }), { title: '<i>title</i>' });
    const shown = (await rows(opened, '#clients')).map(([name]) => name!);
    expect(shown).toContain(names[0]);
    expect(shown).toContain(names[1]);
    expect(shown).toContain('\uFFFDevil\uFFFD\uFFFD');
    expect(shown).toContain(`${'x'.repeat(79)}…`);
    expect(await opened.page.locator('main img, main script').count()).toBe(0);
    expect(await opened.page.title()).toBe('<i>title</i>');
    expect(await opened.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    await screenshot(opened, 'dashboard-hostile');
    expectClean(opened);
  });

  test('of 5 000 clients it shows the first and finds the rest', async () => {
    const records = Array.from({ length: 5000 }, (_, i) =>
      clientRecord(`client-${i}`, { keyRequests: i, lastKeyUse: NOON }),
    );
    const opened = await open(await adapterOf({ clients: new MemoryClientStore(records) }));
    expect((await rows(opened, '#clients')).length).toBe(100);
    expect(await text(opened, '#page-text')).toBe('Page 1 of 50');
    await opened.page.getByLabel('Find a client').fill('CLIENT-4711');
    await until('the client', async () => (await rows(opened, '#clients')).length === 1);
    expect((await rows(opened, '#clients'))[0]).toMatchObject([
      'client-4711',
      expect.anything(),
      expect.anything(),
      'never',
      '4,711',
      '0',
      '0',
      'Not yet',
    ]);
    expect(await text(opened, '#clients-text')).toContain('1 of 5,000 clients matches.');
    expectClean(opened);
  });

  test('says that the connection is lost, keeps the figures, and goes on by itself', async () => {
    const adapter = await adapterOf();
    const { url, server } = await serveDashboard(adapter);
    for (let i = 0; i < 4; i++) adapter.emit(requestEvent('xlink'));
    const opened = await visit(url);
    await untilLive(opened);
    const { port } = server.address() as { port: number };
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await opened.page.locator('#connection[data-state=lost]').waitFor();
    expect(await text(opened, '#connection')).toMatch(
      /Connection lost since \d\d:\d\d:\d\d\. These figures are from then\./,
    );
    expect(await text(opened, '#announcement')).toContain('Connection lost');
    expect(await text(opened, '#share')).toBe('100%');
    await screenshot(opened, 'dashboard-lost');
    adapter.emit(requestEvent('api-key'));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await untilLive(opened);
    expect(await text(opened, '#share')).toBe('80.0%');
    expect(await text(opened, '#announcement')).toBe('The connection is back.');
    expect(opened.strangers).toEqual([]);
  });

  test('warns where several instances answer in turn', async () => {
    const instances = [await adapterOf(), await adapterOf()].map((adapter) =>
      express().use('/xlink', adapter.dashboard({ unsafeOpenToEveryone: true, refreshMs: 200 })),
    );
    let answers = 0;
    const { port } = await listen(createServer((req, res) => instances[(answers += 1) % 2]!(req, res)));
    const opened = await visit(`http://127.0.0.1:${port}/xlink`);
    await until('the warning', async () =>
      (await opened.page.locator('#notice').innerText()).startsWith('Several instances answer in turn'),
    );
    expectClean(opened);
  });

  test('rests while nobody can see it', async () => {
    const opened = await open(await adapterOf());
    const hide = (hidden: boolean) =>
      opened.page.evaluate((value) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await hide(true);
    const asked = opened.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 1000)); // five times the time between two questions
    expect(opened.requests.length).toBe(asked);
    await hide(false);
    await until('the next question', async () => opened.requests.length > asked + 1);
  });

  test('stops asking once it is not let in any more', async () => {
    let open = true;
    const opened = await visit((await serveDashboard(await adapterOf(), { authorize: () => open })).url);
    await untilLive(opened);
    open = false;
    await opened.page.locator('#connection[data-state=lost]').waitFor();
    expect(await text(opened, '#connection')).toContain('no longer have access');
    const asked = opened.requests.length;
    await opened.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(opened.requests.length).toBe(asked);
  });

  test('without clients, traffic and plan it says what is missing', async () => {
    const agent = await new World().agent('orders-api');
    const opened = await open(new DualModeAdapter({ agent, legacyKeyValidator: () => null }));
    expect(await text(opened, '#clients-text')).toContain('option clients');
    expect(await text(opened, '#gate')).toContain('Pass a MigrationPlan');
    expect(await text(opened, '#no-failures')).toBe('No request was refused.');
    expect(await text(opened, '#split-summary')).toBe('No requests in the last 10 minutes.');
    expect(await opened.page.locator('#clients-table').isVisible()).toBe(false);
    expect(await text(opened, 'footer')).toContain(`process ${process.pid}`);
  });

  async function midway(options: Parameters<typeof visit>[1] = {}): Promise<Visit> {
    const { adapter, plan, play, clock } = await midMigration();
    const { url } = await serveDashboard(adapter, { plan, clock });
    play();
    await plan.evaluate();
    const opened = await visit(url, options);
    await untilLive(opened);
    return opened;
  }

  test('can be used by keyboard: skip link, range, table, search, links', async () => {
    const opened = await midway();
    const { page } = opened;
    const focused = () =>
      page.evaluate(() => {
        const { activeElement: at } = document;
        const mark = at instanceof HTMLInputElement && at.type === 'radio' ? at.nextElementSibling! : at!;
        return `${at!.id || at!.tagName} ${getComputedStyle(mark).outlineStyle}`;
      });
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('Skip to the figures');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('main');
    const tabTo = async (what: string) => {
      for (let i = 0; i < 40 && (await focused()) !== `${what} solid`; i++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(`${what} solid`);
    };
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('shop-terminal');
    await tabTo('range-minutes');
    await page.keyboard.press('ArrowRight');
    expect(await text(opened, '#split-summary')).toMatch(/^Requests every 5 minutes/);
    await tabTo('SUMMARY');
    await page.keyboard.press('Enter');
    expect((await rows(opened, '#data-rows')).length).toBeGreaterThan(1);
    await tabTo('search');
    await page.keyboard.type('fraud');
    await until('the client', async () => (await rows(opened, '#clients')).length === 1);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('state solid');
    for (let i = 0; i < 9; i++) await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('fraud-check');
    await page.keyboard.press('Enter');
    await page.locator('#client[open]').waitFor();
    expect(await text(opened, '#client-name')).toBe('fraud-check');
    await page.keyboard.press('Escape');
    await page.locator('#client:not([open])').waitFor({ state: 'attached' });
    expect(await page.locator(':focus').innerText()).toBe('fraud-check');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').innerText()).toBe('About TIMESTAMP_EXPIRED');
    await until('some more figures', async () => opened.requests.length > 20);
    expect(await page.locator('#failures li').count()).toBe(3);
    expect(await page.locator(':focus').innerText()).toBe('About TIMESTAMP_EXPIRED');
    expectClean(opened);
  });

  test('is a page of landmarks, headings and tables to who hears it', async () => {
    const opened = await midway();
    const tree = await opened.page.locator('body').ariaSnapshot();
    for (const line of [
      '- banner:',
      '- main:',
      '- contentinfo:',
      '- status',
      '- heading "xLink migration" [level=1]',
      '- region "6 of 12 clients are ready":',
      '- region "Mode and next step":',
      '- region "Traffic":',
      '- region "Clients":',
      '- region "Refused requests, and what to do":',
      '- group "Time shown":',
      '- radio "10 minutes" [checked]',
      '- table "Clients":',
      '- columnheader "Last key use"',
      '- rowheader "shop-terminal"',
      '- searchbox "Find a client"',
    ])
      expect(tree).toContain(line);
    expect(tree).not.toContain('- img');
    expect(await opened.page.locator('html').getAttribute('lang')).toBe('en');
  });

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 320],
  ] as const)('every text stands out from its ground: %s, %i wide', async (colorScheme, width) => {
    const opened = await midway({ colorScheme, viewport: { width, height: 800 } });
    const faint = await opened.page.evaluate(() => {
      const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
      const luminance = (color: string) => {
        const [r, g, b] = channels(color).map((value) => {
          const c = value / 255;
          return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      };
      const groundOf = (start: Element) => {
        for (let at: Element | null = start; at; at = at.parentElement) {
          const ground = getComputedStyle(at).backgroundColor;
          if ((channels(ground)[3] ?? 1) === 1) return ground;
        }
        return 'rgb(255, 255, 255)';
      };
      const found: string[] = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      let seen = 0;
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement!;
        if (
          !node.textContent!.trim() ||
          element.closest('script, style, noscript') ||
          !element.checkVisibility()
        )
          continue;
        seen += 1;
        const [a, b] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${node.textContent}`);
      }
      return { found, enough: seen > 100 };
    });
    expect(faint).toEqual({ found: [], enough: true });
  });

  test.each([
    [390, 844],
    [320, 640],
    [640, 450],
    [900, 700],
  ])('nothing is to be scrolled sideways at %i x %i', async (width, height) => {
    const { page } = await midway({ viewport: { width, height } });
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll('main *')]
        .filter(
          (one) =>
            one.checkVisibility() &&
            one.getBoundingClientRect().right > innerWidth + 1 &&
            !one.closest('.unseen, .wide'),
        )
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    expect(wide).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
  });

  test('its charts are drawn in the colors of the scheme, and follow it', async () => {
    const opened = await midway({ colorScheme: 'light' });
    const inks = () =>
      opened.page.locator('#split-chart canvas').evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Map<string, number>();
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] !== 255) continue;
          const ink = `${data[i]},${data[i + 1]},${data[i + 2]}`;
          seen.set(ink, (seen.get(ink) ?? 0) + 1);
        }
        return [...seen].filter(([, count]) => count > 1000).map(([ink]) => ink);
      });
    expect(await inks()).toEqual(expect.arrayContaining(['11,116,102', '150,79,5']));
    await opened.page.emulateMedia({ colorScheme: 'dark' });
    await until('the dark chart', async () => (await inks()).includes('79,201,181'));
    expect(opened.strangers).toEqual([]);
  });
});
