import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { programFile } from '../support/needs-program.js';

/** Where screenshots are kept, for who wants to look at them after a run. */
export const SCREENSHOTS = fileURLToPath(new URL('../../test-output/screenshots/', import.meta.url));

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page, and everything about it that must not happen. */
export interface Visit {
  readonly page: Page;
  /** Errors on the console, uncaught ones, and violations of the Content-Security-Policy. */
  readonly complaints: string[];
  /** Addresses that were asked for at other places than the page's own origin. */
  readonly strangers: string[];
  readonly requests: string[];
}

/** Call it inside `describeWith(['chromium'], …)`: one browser for the suite; pages are closed after each test. */
export function useBrowser() {
  let browser: Browser;
  const visits: Visit[] = [];
  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    browser = await chromium.launch({
      executablePath: programFile('chromium'),
      args: [...QUIET, ...(process.env['CHROMIUM_FLAGS']?.split(' ') ?? [])],
    });
  }, 60_000);
  afterEach(async () => {
    await Promise.all(visits.splice(0).map(({ page }) => page.context().close()));
  });
  afterAll(async () => {
    await browser?.close();
    console.info(`screenshots are in ${SCREENSHOTS}`);
  });

  return async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(40_000);
    const page = await context.newPage();
    const visit: Visit = { page, complaints: [], strangers: [], requests: [] };
    visits.push(visit);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') visit.complaints.push(message.text());
    });
    page.on('pageerror', (error) => visit.complaints.push(String(error)));
    page.on('request', (request) => {
      visit.requests.push(request.url());
      if (new URL(request.url()).protocol === 'data:') return;
      if (new URL(request.url()).host !== new URL(url).host) visit.strangers.push(request.url());
    });
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) =>
        console.error(`violates ${event.violatedDirective}: ${event.blockedURI}`),
      );
    });
    await page.goto(url);
    return visit;
  };
}

/** The whole page as an image. */
export async function screenshot({ page }: Visit, name: string): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** Nothing was complained about and nobody else was asked. */
export function expectClean({ complaints, strangers }: Visit): void {
  expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
}

/** Resolves when the first figures are shown. */
export async function untilLive({ page, complaints }: Visit): Promise<void> {
  await page
    .locator('#connection[data-state=live]')
    .waitFor()
    .catch((cause) => {
      throw new Error(`it does not come alive:\n${complaints.join('\n')}`, { cause });
    });
}
