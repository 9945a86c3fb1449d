// Single sign-on in a real browser: what the user sees, at the width of a phone, and that the pages ask for nothing and run nothing else.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import axe from 'axe-core';
import * as client from 'openid-client';
import { chromium, type Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { findProgram } from '../servers.js';
import { afterTest, bytesOf, describeWhere, until } from '../support.js';
import { hasOpenssl, SHOP, samlWorld } from './saml-support.js';
import { approve, CLIENT, place, world } from './support.js';

const SCREENSHOTS = fileURLToPath(new URL('../../../../test-output/screenshots/', import.meta.url));
const ARGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];

/** The pixels of a picture, by the browser. */
const PIXELS = async (base64: string) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d') as unknown as {
    drawImage(picture: unknown, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
  context.drawImage(picture, 0, 0);
  return { width, height, data: [...context.getImageData(0, 0, width, height).data] };
};

/** A page at the width of a phone, and what must not happen on it. */
async function openPage(): Promise<{
  page: Page;
  complaints: string[];
  shoot: (name: string) => Promise<void>;
}> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const browser = await chromium.launch({ executablePath: findProgram('chromium')!, args: ARGS });
  afterTest(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } });
  page.setDefaultTimeout(40_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 403/.test(message.text())) complaints.push(message.text());
  });
  const shoot = async (name: string) => {
    await page.screenshot({ path: join(SCREENSHOTS, `xlock-sso-${name}.png`) });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.evaluate(axe.source);
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id }) => id))')).toEqual(
      [],
    );
  };
  return { page, complaints, shoot };
}

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'in a browser', () => {
  test('SSO: a service logs Ada in by OpenID Connect, and she approves on her device', async () => {
    const shop = await place();
    const ada = await world({ clients: [{ ...CLIENT, redirect_uris: [`${shop.url}/callback`] }] });
    const { config, begin, device, verifier, pushed } = ada;
    const redirect_uri = `${shop.url}/callback`;
    let checks: Awaited<ReturnType<typeof begin>>['checks'];
    shop.serve(async (request, response) => {
      const url = new URL(request.url!, shop.url);
      if (url.pathname === '/') {
        const login = await begin({ redirect_uri, scope: 'openid profile' });
        checks = login.checks;
        return void response.writeHead(303, { location: login.to }).end();
      }
      if (url.pathname !== '/callback') return void response.writeHead(404).end();
      const answer = await client.authorizationCodeGrant(config, url, checks).then(
        (tokens) => tokens.claims()!.sub,
        ({ error }) => String(error),
      );
      response.setHeader('content-type', 'text/html');
      response.end(`<title>${answer}</title><link rel="icon" href="data:,">`);
    });

    const { page, complaints, shoot } = await openPage();
    await page.goto(shop.url);
    expect(await page.textContent('h1')).toBe('Sign in');
    expect(await page.textContent('main')).toContain('Acme Shop');
    await shoot('ask');
    await page.fill('#user', 'ada');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#wait:not([hidden])');
    expect(await page.textContent('#left')).toMatch(/: (120|119|118) s left/);
    await shoot('digits');
    // The first one is denied on the device; the page says so, and the second one is approved.
    await verifier.respond(await device.deny(pushed.at(-1)!));
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#what')).toBe('The user denied the login.');
    await shoot('denied');
    await page.click('#again');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#wait:not([hidden])');
    expect(await device.view(pushed.at(-1)!)).toMatchObject({ action: 'Sign in to Acme Shop' });
    await approve(ada, (await page.textContent('#digits'))!);
    await until('the shop knows Ada', async () => (await page.title()) === 'ada');
    await page.goto(shop.url); // signed in already: no page between
    expect(await page.title()).toBe('ada');
    await page.context().clearCookies();
    await page.goto(shop.url);
    await page.click('#cancel');
    await until('the shop knows that nobody signed in', async () => (await page.title()) === 'access_denied');
    expect(complaints).toEqual([]);
  });

  const saml = hasOpenssl ? test : test.skip;
  saml('SSO: a service logs Ada in by SAML, posted to another origin', async () => {
    const shop = await place();
    const acs = `${shop.url}/acs`;
    const deviceLink = (challenge: string) => `https://approve.acme.com/#${challenge}`;
    const world = await samlWorld(
      { serviceProviders: [{ ...SHOP, acsUrls: [acs] }], deviceLink },
      { callbackUrl: acs },
    );
    shop.serve(async (request, response) => {
      const { method, url = '/' } = request;
      if (method === 'GET') {
        if (url !== '/') return void response.writeHead(404).end();
        return void response.writeHead(303, { location: await world.begin('deep') }).end();
      }
      const form = new URLSearchParams(String(await bytesOf(request)));
      const { profile } = await world.check({ SAMLResponse: form.get('SAMLResponse')! });
      response.setHeader('content-type', 'text/html');
      response.end(
        `<title>${profile!.nameID} ${form.get('RelayState')}</title><link rel="icon" href="data:,">`,
      );
    });
    const { page, complaints, shoot } = await openPage();
    await page.goto(shop.url);
    await page.fill('#user', 'ada');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#wait:not([hidden])');
    await page.click('summary');
    await shoot('saml');
    // A device that nothing was pushed to scans the code.
    const picture = await page.locator('#code').screenshot();
    const pixels = await page.evaluate(PIXELS, picture.toString('base64'));
    const scanned = decodeQR({ ...pixels, data: Uint8Array.from(pixels.data) });
    expect(scanned).toBe(await page.getAttribute('#link', 'href'));
    expect(scanned).toMatch(/^https:\/\/approve\.acme\.com\/#/);
    const challenge = scanned.split('#')[1]!;
    expect(challenge).toBe(world.pushed.at(-1));
    await approve(world, (await page.textContent('#digits'))!);
    await until('the shop knows Ada', async () => (await page.title()) === 'ada deep');
    await page.goto(shop.url);
    await until('the shop knows Ada again', async () => (await page.title()) === 'ada deep');
    expect(complaints).toEqual([]);
  });
});
