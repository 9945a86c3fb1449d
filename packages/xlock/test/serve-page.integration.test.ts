// `xlock serve --page` in Chromium: the links that the server makes register and log in, at an origin that serves nothing else.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { heading, openApprover, picture, startBrowser } from './page-world.js';
import { ask, started } from './serve-world.js';
import { findProgram, freePort } from './servers.js';
import { describeWhere, temporaryFolder } from './support.js';

/** Both names lead to the server, as those of a proxy would. */
async function pageServer(...args: string[]) {
  const port = await freePort();
  const [origin, pageUrl] = [`http://127.0.0.1:${port}`, `http://localhost:${port}`];
  const { token } = await started(
    await temporaryFolder(),
    ...['--port', String(port), '--origin', origin, '--page', pageUrl, ...args],
  );
  return { origin, pageUrl, token };
}

test('the host of the page has the page and its shares, the other one the API; links lead from one to the other', async () => {
  const { origin, pageUrl, token } = await pageServer();
  const status = async (url: string) => (await fetch(url, { redirect: 'manual' })).status;
  expect([
    await status(pageUrl),
    await status(`${pageUrl}/health`),
    await status(`${pageUrl}/v1/me`),
  ]).toEqual([200, 404, 404]);
  expect([
    await status(`${origin}/health`),
    await status(`${origin}/index.html`),
    await status(`${origin}/shares/x`),
  ]).toEqual([200, 404, 404]);
  expect(await status(`${pageUrl}/shares/xlock-1`)).toBe(401);
  const policy = (await fetch(pageUrl)).headers.get('content-security-policy')!;
  expect(policy).toContain(`connect-src 'self' ${origin} ${pageUrl};`);

  const { link } = await ask(origin, token, '/v1/register/challenge', { userId: 'ada' });
  const led = await fetch(link, { redirect: 'manual' });
  expect([led.status, led.headers.get('location')]).toEqual([
    303,
    expect.stringMatching(`^${pageUrl}/#[\\w-]+`),
  ]);
  for (const bad of [
    link.replace('/register?', '/auth?'),
    link.replace(/challenge=[^&]*/, 'challenge=x'),
    link.replace('service=', 'service=x'),
  ])
    expect([bad, await status(bad)]).toEqual([bad, 400]);
});

test('without a page the links answer 404, and a page at the origin of the server is refused', async () => {
  const { url, token } = await started(await temporaryFolder(), '--origin', 'http://localhost:4500');
  const { link } = await ask(url, token, '/v1/register/challenge', {});
  expect((await fetch(link.replace('http://localhost:4500', url))).status).toBe(404);
  await expect(
    started(await temporaryFolder(), '--origin', 'https://a.example', '--page', 'https://a.example'),
  ).rejects.toThrow(/another origin/);
  await expect(started(await temporaryFolder(), '--page-store', 'https://s.example')).rejects.toThrow(
    /needs --page/,
  );
});

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'in the browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  test('a user registers by the link, logs in by the link, approves with the digits, and the server has a session', async () => {
    const { origin, pageUrl, token } = await pageServer();
    const { page, complaints } = await openApprover(browser, { pageUrl });
    const registration = await ask(origin, token, '/v1/register/challenge', { userId: 'ada' });
    await page.goto(registration.link);
    await heading(page, 'Register here?');
    expect(new URL(page.url()).origin).toBe(pageUrl);
    await page.locator('#register-yes').click();
    await heading(page, 'Registered');

    const login = await ask(origin, token, '/v1/auth/challenge', { userId: 'ada' });
    const waiting = ask(origin, token, `/v1/auth/${login.id}`);
    await page.goto(login.link);
    await heading(page, 'Is it you who logs in?');
    expect(await page.locator('#login-origin').textContent()).toBe(origin);
    await picture(page, 'serve-page-login');
    await page.getByLabel('Two digits on the login page').fill(login.match);
    await page.keyboard.press('Enter');
    await heading(page, 'Approved');
    expect(await waiting).toMatchObject({ state: 'approved', userId: 'ada' });
    expect(complaints).toEqual([]);
  });

  test('other digits end the login', async () => {
    const { origin, pageUrl, token } = await pageServer();
    const { page } = await openApprover(browser, { pageUrl });
    await page.goto((await ask(origin, token, '/v1/register/challenge', { userId: 'ada' })).link);
    await page.locator('#register-yes').click();
    await heading(page, 'Registered');
    const login = await ask(origin, token, '/v1/auth/challenge', { userId: 'ada' });
    await page.goto(login.link);
    await page.getByLabel('Two digits on the login page').fill(login.match === '10' ? '11' : '10');
    await page.keyboard.press('Enter');
    await heading(page, 'Denied: other digits');
    await expect(ask(origin, token, `/v1/auth/${login.id}`)).rejects.toMatchObject({
      code: 'RESPONSE_USER_REJECTED',
    });
  });
});
