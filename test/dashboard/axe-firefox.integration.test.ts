import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { describeWith } from '../support/needs-program.js';
import { AXE_SCRIPT, type Finding, RUN_AXE } from './axe.js';
import { Firefox } from './firefox.js';
import { PAGE_STATES } from './states.js';

jest.setTimeout(60_000);

/** Resolves to whether something is shown within eight seconds. */
const shown = (selector: string) => `new Promise((resolve) => {
  const until = Date.now() + 8000;
  const look = () => {
    const is = document.querySelector(${JSON.stringify(selector)})?.checkVisibility() === true;
    if (is || Date.now() > until) resolve(String(is));
    else setTimeout(look, 50);
  };
  look();
})`;

describeWith(['firefox-esr'], 'axe finds nothing in Firefox ESR', () => {
  for (const scheme of ['light', 'dark'] as const) {
    let firefox: Firefox | undefined;
    beforeAll(async () => {
      firefox = await Firefox.start(scheme);
    }, 60_000);
    afterAll(() => firefox?.stop());

    test.each([
      ['the page on a desktop', 1280, '', '#clients tr'],
      ['the page on a phone', 390, '', '#clients tr'],
      ['a client that is opened by a link', 1280, '?client=shop-terminal', '#client-body'],
      ['the same on a phone', 390, '?client=shop-terminal', '#client-body'],
    ])(`${scheme}: %s`, async (_, width, query, selector) => {
      const { url } = await PAGE_STATES['midway']!();
      await firefox!.open(`${url}${query}`, width);
      expect(await firefox!.evaluate(shown('#connection[data-state=live]'))).toBe('true');
      expect(await firefox!.evaluate(shown(selector))).toBe('true');
      expect(await firefox!.evaluate("String(matchMedia('(prefers-color-scheme: dark)').matches)")).toBe(
        String(scheme === 'dark'),
      );
      await firefox!.evaluate(`${AXE_SCRIPT};'loaded'`);
      const { found, passed }: Finding = JSON.parse(await firefox!.evaluate(RUN_AXE));
      expect({ found, enough: passed > 20 }).toEqual({ found: [], enough: true });
    });
  }
});
