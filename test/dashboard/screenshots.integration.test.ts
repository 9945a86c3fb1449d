import { jest, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { expectClean, untilLive, useBrowser } from './browser.js';
import { compareScreenshot } from './committed-screenshots.js';
import { PAGE_STATES } from './states.js';

jest.setTimeout(60_000);

const DESKTOP = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const VIEWS = [
  ...Object.keys(PAGE_STATES).flatMap((state) => [
    [state, 'desktop', DESKTOP] as const,
    [state, 'phone', PHONE] as const,
  ]),
  ['midway', 'desktop-dark', { ...DESKTOP, colorScheme: 'dark' }] as const,
  ['midway', 'phone-dark', { ...PHONE, colorScheme: 'dark' }] as const,
];

/** What differs from machine to machine: the font, the zone, the process. */
const FONT = '* { font-family: "DejaVu Sans", sans-serif !important; }';

describeWith(['chromium'], 'each state of the page looks as committed', () => {
  const visit = useBrowser();

  test.each(VIEWS)('%s, %s', async (state, name, options) => {
    const { url, arrange, isDialog } = await PAGE_STATES[state]!();
    const opened = await visit(url, {
      ...options,
      bypassCSP: true, // for the font
      locale: 'en-US',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
    });
    const { page } = opened;
    await page.addStyleTag({ content: FONT });
    await untilLive(opened);
    await arrange?.(page);
    await page.evaluate(() => {
      document.getElementById('foot')!.textContent = 'Counted by process 4711 since 12 Mar, 09:30.';
      dispatchEvent(new Event('resize'));
    });
    compareScreenshot(
      `${state}-${name}`,
      await page.screenshot({ fullPage: !isDialog, animations: 'disabled', caret: 'hide' }),
    );
    if (state !== 'lost') expectClean(opened);
  });
});
