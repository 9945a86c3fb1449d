import { expect, jest, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { AXE_SCRIPT, type Finding, RUN_AXE } from './axe.js';
import { expectClean, untilLive, useBrowser } from './browser.js';
import { PAGE_STATES } from './states.js';

jest.setTimeout(60_000);

const WIDTHS = [1280, 390];
const SCHEMES = ['light', 'dark'] as const;

describeWith(
  ['chromium'],
  'axe finds nothing in Chromium, light and dark, on a desktop and on a phone',
  () => {
    const visit = useBrowser();

    test('and would find it', async () => {
      const { url } = await PAGE_STATES['empty']!();
      const opened = await visit(url);
      await untilLive(opened);
      await opened.page.evaluate(AXE_SCRIPT);
      await opened.page.evaluate(() => {
        const faint = document.createElement('p');
        faint.textContent = 'hard to read';
        faint.style.color = '#bbb';
        document.querySelector('main')!.append(document.createElement('button'), faint);
      });
      const { found }: Finding = JSON.parse(await opened.page.evaluate(RUN_AXE));
      expect(found.map((text) => text.split(':')[0])).toEqual(
        expect.arrayContaining(['button-name', 'color-contrast']),
      );
    });

    test.each(Object.keys(PAGE_STATES))('%s', async (state) => {
      const { url, arrange } = await PAGE_STATES[state]!();
      const opened = await visit(url);
      const { page } = opened;
      await untilLive(opened);
      await arrange?.(page);
      await page.evaluate(AXE_SCRIPT);
      for (const width of WIDTHS)
        for (const colorScheme of SCHEMES) {
          await page.setViewportSize({ width, height: 844 });
          await page.emulateMedia({ colorScheme });
          const { found, passed }: Finding = JSON.parse(await page.evaluate(RUN_AXE));
          expect({ width, colorScheme, found, enough: passed > 20 }).toEqual({
            width,
            colorScheme,
            found: [],
            enough: true,
          });
        }
      if (state !== 'lost') expectClean(opened);
    });
  },
);
