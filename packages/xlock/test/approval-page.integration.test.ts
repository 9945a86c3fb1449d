// The approval page in Chromium, with a real shop, relay and share stores beside it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import {
  DESKTOP,
  follow,
  heading,
  openApprover,
  PHONE,
  picture,
  register,
  startBrowser,
  startWorld,
  type World,
} from './page-world.js';
import { findProgram } from './servers.js';
import { bytesOf, describeWhere, listen, until } from './support.js';

/** A link of the page for a login that was begun. */
const linkOf = (world: World, link: string) => `${world.pageUrl}/#${encodeURIComponent(link)}`;

/** Nothing is cut off or scrolls sideways. */
const fits = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'the approval page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  test('registers, is pushed a login over the relay, and approves it with the digits', async () => {
    const world = await startWorld();
    const { page, complaints } = await openApprover(browser, world);
    await picture(page, 'home-empty-phone');
    await follow(page, await world.registration());
    await heading(page, 'Register here?');
    await picture(page, 'register-phone');
    await page.locator('#register-yes').click();
    await heading(page, 'Registered');
    await page.locator('#done').click();
    await page.locator('#line[data-state=live]').waitFor();

    const login = await world.login();
    const review = page.getByRole('button', { name: /^Look at the login at localhost/ });
    await review.waitFor();
    await page.getByRole('status').getByText('A login waits to be approved.').waitFor({ state: 'attached' });
    await picture(page, 'home-pending-phone');
    await review.click();
    await heading(page, 'Is it you who logs in?');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('login-title');
    expect(await page.locator('#login-host').textContent()).toBe(new URL(world.shopUrl).host);
    expect(await page.locator('#login-origin').textContent()).toBe(world.shopUrl);
    const facts = await page.locator('#login-facts').textContent();
    expect(facts).toContain('Sign in to localhost');
    expect(facts).toMatch(/IP(127\.0\.0\.1|::1)BrowserChrome on Linux$/);
    // What is to be decided is in view, without scrolling.
    const { y, height } = (await page.locator('#yes').boundingBox())!;
    expect(y + height).toBeLessThan(PHONE.viewport.height);
    await picture(page, 'login-phone');
    await page.getByLabel('Two digits on the login page').fill(login.match);
    await page.keyboard.press('Enter');
    await heading(page, 'Approved');
    await picture(page, 'approved-phone');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
    await page.locator('#done').click();
    expect(await page.locator('#pending li').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('by keyboard alone, at 1280 pixels, in the dark', async () => {
    const world = await startWorld();
    const { page, complaints } = await openApprover(browser, world, { ...DESKTOP, colorScheme: 'dark' });
    await register(page, world);
    const login = await world.login();
    const tabTo = (id: string) =>
      until(`the focus at ${id}`, async () => {
        await page.keyboard.press('Tab');
        return page.evaluate((wanted) => document.activeElement?.id === wanted, id);
      });
    await tabTo('link');
    await page.keyboard.insertText(login.link);
    await picture(page, 'home-desktop-dark');
    await page.keyboard.press('Enter');
    await heading(page, 'Is it you who logs in?');
    await tabTo('digits');
    await page.keyboard.type(login.match);
    await picture(page, 'login-desktop-dark');
    await tabTo('yes');
    await page.keyboard.press('Space');
    await heading(page, 'Approved');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
    expect(complaints).toEqual([]);
  });

  test('wrong digits end the login: there is one try', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await register(page, world);
    const login = await world.login();
    await follow(page, linkOf(world, login.link));
    await page.locator('#yes').click();
    expect(await page.locator('#login').isVisible()).toBe(true); // the browser asks for the digits
    await page.locator('#digits').fill('x1y');
    expect(await page.locator('#digits').inputValue()).toBe('1');
    await page.locator('#digits').fill(login.match === '42' ? '43' : '42');
    await page.locator('#yes').click();
    await heading(page, 'Denied: other digits');
    await picture(page, 'wrong-digits-phone');
    expect((await world.outcome(login)).id).toBe('RESPONSE_USER_REJECTED:NUMBER');
    await follow(page, linkOf(world, login.link));
    await heading(page, 'Answered already');
  });

  test('a denial lets nobody in', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await register(page, world);
    const login = await world.login();
    await follow(page, linkOf(world, login.link));
    await page.getByRole('button', { name: 'Deny', exact: true }).click();
    await heading(page, 'Denied');
    expect((await world.outcome(login)).id).toBe('RESPONSE_USER_REJECTED');
  });

  test('when time is up it says so by itself, and the link says it afterwards', async () => {
    const world = await startWorld({ responseTimeoutMs: 5000 });
    const { page } = await openApprover(browser, world);
    await register(page, world);
    const { link } = await world.login();
    await follow(page, linkOf(world, link));
    await heading(page, 'Is it you who logs in?');
    await heading(page, 'Time is up');
    await page.locator('#done').click();
    await page.getByLabel('Or paste a link').fill(link);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('#open-problem').getByText('The time for this is up').waitFor();
    await picture(page, 'expired-link-phone');
  });

  test('without a line it opens, says what is missing, and approves once it is back', async () => {
    const world = await startWorld();
    const { page, context } = await openApprover(browser, world);
    await register(page, world);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    const login = await world.login();
    await context.setOffline(true);
    await page.reload();
    await page.locator('#home').waitFor();
    await page.locator('#line[data-state=off]').waitFor();
    await follow(page, linkOf(world, login.link));
    await page.locator('#digits').fill(login.match);
    await page.locator('#yes').click();
    await page.locator('#login-problem').getByText('There is no connection').waitFor();
    await picture(page, 'offline-phone');
    await context.setOffline(false);
    await page.locator('#yes').click();
    await heading(page, 'Approved');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
  });

  test('two devices: one joins by the code of the other, both are pushed to, one answers', async () => {
    const world = await startWorld();
    const first = await openApprover(browser, world);
    const did = await register(first.page, world);
    await first.page.getByRole('button', { name: 'Add another device' }).click();
    await heading(first.page, 'Add another device');
    await picture(first.page, 'join-phone');
    const code = await first.page.locator('#join-link').textContent();
    await first.page.locator('#join-done').click();

    const second = await openApprover(browser, world, DESKTOP);
    await follow(second.page, code!);
    await heading(second.page, 'Use the share stores of another device?');
    await picture(second.page, 'take-desktop');
    await second.page.getByRole('button', { name: 'It is mine' }).click();
    await heading(second.page, 'Share stores opened');
    await follow(second.page, await world.registration('ada', did));
    await second.page.locator('#register-yes').click();
    await heading(second.page, 'Registered');
    await second.page.locator('#done').click();
    const { devices } = await world.verifier.account(did);
    expect(devices).toHaveLength(2);

    const login = await world.login();
    const review = { name: /^Look at the login/ };
    await first.page.getByRole('button', review).waitFor();
    await second.page.getByRole('button', review).click();
    await picture(second.page, 'login-desktop');
    await second.page.locator('#digits').fill(login.match);
    await second.page.locator('#yes').click();
    await heading(second.page, 'Approved');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
    await first.page.getByRole('button', review).click();
    await first.page.locator('#digits').fill(login.match);
    await first.page.locator('#yes').click();
    await heading(first.page, 'Answered already');

    // The lost one is revoked; a code for a device that has keys is refused.
    await world.verifier.revokeDevice(did, devices[0]!.id);
    await follow(first.page, code!);
    await heading(first.page, 'Not added');
    const again = await world.login();
    await follow(first.page, linkOf(world, again.link));
    await first.page.locator('#digits').fill(again.match);
    await first.page.locator('#yes').click();
    await heading(first.page, 'Not approved');
    await first.page.getByText('This device was revoked.').waitFor();
  });

  test('a copy of the login page: the origin that is shown is that of the shop, and the copy gets a denial', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await register(page, world);
    let loot = '';
    const copy = await listen(async (request, response) => {
      const body = request.method === 'POST' ? await bytesOf(request) : undefined;
      const init = { method: request.method!, headers: { cookie: loot }, ...(body ? { body } : {}) };
      const answer = await fetch(world.shopUrl + request.url!, init as RequestInit);
      loot = answer.headers.getSetCookie()[0]?.split(';')[0] ?? loot;
      response.writeHead(answer.status).end(await answer.text());
    });
    const login = await world.login(copy.url);
    await follow(page, linkOf(world, login.link));
    await heading(page, 'Is it you who logs in?');
    expect(await page.locator('#login-origin').textContent()).toBe(world.shopUrl);
    expect(await page.locator('#login').textContent()).not.toContain(new URL(copy.url).host);
    await page.getByRole('button', { name: 'My browser shows another address' }).click();
    await heading(page, 'Denied: another address');
    await picture(page, 'phishing-phone');
    expect((await world.outcome(login, copy.url)).id).toBe('RESPONSE_USER_REJECTED:ORIGIN');
    expect(loot).not.toContain('xlock_session');
  });

  test('a service that the page is not for is refused, and what is no challenge', async () => {
    const [world, stranger] = [await startWorld(), await startWorld()];
    const { page } = await openApprover(browser, world);
    const { text } = await stranger.verifier.createRegistrationChallenge({ userId: 'ada' });
    await follow(page, linkOf(world, text));
    await heading(page, 'This cannot be opened');
    await page.getByText(`for ${new URL(world.shopUrl).host} only`).waitFor();
    await follow(page, `${world.pageUrl}/#nonsense`);
    await page.getByText('no login that is signed').waitFor();
  });

  test('keys cannot be read, one share alone is in the browser, and it is sealed', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world);
    await register(page, world);
    const kept = await page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve) => {
        indexedDB.open('xlock').onsuccess = (event) => resolve((event.target as IDBOpenDBRequest).result);
      });
      const all = <T>(name: string) =>
        new Promise<T[]>((resolve) => {
          const asked = database.transaction(name).objectStore(name).getAll();
          asked.onsuccess = () => resolve(asked.result);
        });
      const [device] = await all<{ sealing: CryptoKey; signing: CryptoKeyPair }>('keys');
      const shares = await all<{ bytes: ArrayBuffer }>('shares');
      const text = new TextDecoder('latin1').decode(shares[0]!.bytes);
      return {
        secrets: (await all<unknown>('settings')).filter((one) => typeof one === 'string'),
        extractable: [device!.sealing.extractable, device!.signing.privateKey.extractable],
        shares: shares.length,
        isPlain: text.includes('xlock share'),
      };
    });
    expect(kept).toEqual({ secrets: [], extractable: [false, false], shares: 1, isPlain: false });
  });

  test('a browser without Ed25519 of its own: the seed lies sealed, and it works all the same', async () => {
    const world = await startWorld();
    const { page } = await openApprover(browser, world, PHONE, (context) =>
      context.addInitScript(() => {
        const generateKey = crypto.subtle.generateKey.bind(crypto.subtle) as (
          ...args: unknown[]
        ) => Promise<never>;
        crypto.subtle.generateKey = ((algorithm: unknown, ...rest: unknown[]) =>
          algorithm === 'Ed25519'
            ? Promise.reject(new DOMException('not here', 'NotSupportedError'))
            : generateKey(algorithm, ...rest)) as never;
      }),
    );
    await register(page, world);
    await page.getByText('Keys of this device').click();
    await page.getByText('the key of this device lies encrypted here').waitFor();
    await page.reload(); // the key is the same one afterwards
    await page.locator('#home').waitFor();
    const login = await world.login();
    await follow(page, linkOf(world, login.link));
    await page.locator('#digits').fill(login.match);
    await page.locator('#yes').click();
    await heading(page, 'Approved');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
  });

  test.each([360, 390, 768, 1280])(
    'everything fits at %i pixels, and every control has a name',
    async (width) => {
      const world = await startWorld();
      const { page } = await openApprover(browser, world, { viewport: { width, height: 740 } });
      await register(page, world);
      const { text } = await world.verifier.createAuthChallenge({
        userId: 'ada',
        metadata: {
          browser: 'x'.repeat(120),
          location: 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch',
        },
      });
      expect(await fits(page)).toBe(true);
      await page.getByRole('button', { name: 'Add another device' }).click();
      await heading(page, 'Add another device');
      expect(await fits(page)).toBe(true);
      await follow(page, linkOf(world, text));
      await heading(page, 'Is it you who logs in?');
      expect(await fits(page)).toBe(true);
      if (width === 360) await picture(page, 'login-360');
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLInputElement>('button, input')]
          .filter((one) => !(one.textContent?.trim() || one.labels?.length || one.getAttribute('aria-label')))
          .map(({ id }) => id),
      );
      expect(nameless).toEqual([]);
      const low = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>('#login button, #login input')]
          .filter((one) => one.getBoundingClientRect().height < 44)
          .map(({ id }) => id),
      );
      expect(low).toEqual([]);
    },
  );

  test('nothing comes from anywhere else', async () => {
    const world = await startWorld();
    const hosts = new Set<string>();
    const { page } = await openApprover(browser, world, PHONE, async (context) => {
      context.on('request', (request) => hosts.add(new URL(request.url()).host));
    });
    await page.waitForLoadState('networkidle');
    expect([...hosts]).toEqual([new URL(world.pageUrl).host]);
    const response = await page.goto(world.pageUrl);
    expect(response!.headers()['content-security-policy']).not.toContain('unsafe');
  });
});
