// Web Push to the approval page while it is closed, and codes that are scanned, in Chromium.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import encodeQR from 'qr';
import { type BrowserKeys, browserKeys, fakePushService, opened } from './fake-push-service.js';
import { heading, openApprover, PHONE, picture, register, startBrowser, startWorld } from './page-world.js';
import { findProgram } from './servers.js';
import { afterTest, describeWhere, temporaryFolder, until } from './support.js';

async function chromiumWith(...flags: string[]) {
  const browser = await startBrowser(...flags);
  afterTest(() => browser.close());
  return browser;
}

/** The push service of Chromium is Google's: here it is ours. Keys and permission are asked for as ever. */
const subscribing =
  ({ p256dh, auth }: BrowserKeys, endpoint: string) =>
  async (context: BrowserContext) => {
    await context.addInitScript(
      ({ keys, endpoint }) => {
        const bytes = (text: string) =>
          Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
            .buffer;
        const subscription = { endpoint, getKey: (name: 'p256dh' | 'auth') => bytes(keys[name]) };
        PushManager.prototype.subscribe = async (options) => {
          Object.assign(globalThis, { subscribedWith: options });
          return subscription as never;
        };
      },
      { keys: { p256dh, auth }, endpoint },
    );
  };

/** Hands a message to the service worker, as a browser does that was sent a push. */
async function deliver(context: BrowserContext, origin: string, data: string): Promise<void> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL }) => scopeURL === `${origin}/`);
      if (ours) resolve(ours.registrationId);
    });
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await registered;
  await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data });
  await page.close();
}

describeWhere(findProgram('chromium') !== undefined, 'chromium', 'beside the open page', () => {
  test('permission is asked on a click; a push while the page is closed is shown, and its login approved', async () => {
    const [world, pushes, keys] = [await startWorld(), await fakePushService(), await browserKeys()];
    const browser = await chromiumWith();
    const { page, context } = await openApprover(
      browser,
      world,
      PHONE,
      subscribing(keys, `${pushes.url}/ada`),
    );
    const did = await register(page, world);
    const [device] = (await world.verifier.account(did)).devices;
    // Nothing is asked for before the click; where the user says no, nothing is subscribed to.
    expect(await page.evaluate(() => 'subscribedWith' in globalThis)).toBe(false);
    expect(await world.browserPush.has(device!.id)).toBe(false);
    const turnOn = page.getByRole('button', { name: 'Turn on notifications' });
    await turnOn.click();
    await page.getByText('The browser does not allow it').waitFor();
    expect(await page.evaluate(() => 'subscribedWith' in globalThis)).toBe(false);
    await context.grantPermissions(['notifications']);
    await turnOn.click();
    await page.getByText('Notifications are on').waitFor();
    expect(await world.browserPush.has(device!.id)).toBe(true);
    await page.close();

    const login = await world.login();
    const arrived = await until('the push arrives', () => pushes.arrived[0]);
    const text = await opened(arrived.body, keys);
    expect(Buffer.from(text, 'base64url').toString()).not.toContain('"match"');
    await deliver(context, world.pageUrl, text);
    const worker = context.serviceWorkers()[0]!;
    const shown = await until('it is shown', () =>
      worker.evaluate(async () => {
        const scope = globalThis as unknown as { registration: ServiceWorkerRegistration };
        const [one] = await scope.registration.getNotifications();
        return one && { title: one.title, body: one.body };
      }),
    );
    expect(shown.title).toBe(`Log in at ${new URL(world.shopUrl).host}?`);
    expect(shown.body).not.toContain(login.match);

    const again = await context.newPage();
    await again.goto(world.pageUrl);
    await again.getByRole('button', { name: /^Look at the login/ }).click();
    await again.locator('#digits').fill(login.match);
    await again.locator('#yes').click();
    await heading(again, 'Approved');
    expect(await world.outcome(login)).toEqual({ state: 'approved' });
    // It does not come back with the next delivery.
    await deliver(context, world.pageUrl, text);
    await again.locator('#done').click();
    await until('the second delivery is shown as over', () =>
      worker.evaluate(async () => {
        const scope = globalThis as unknown as { registration: ServiceWorkerRegistration };
        return (await scope.registration.getNotifications()).some(({ tag }) => tag === 'over');
      }),
    );
    expect(await again.locator('#pending li').count()).toBe(0);
  });

  test('a click on the notification opens the login', async () => {
    const world = await startWorld();
    const { page, context } = await openApprover(await chromiumWith(), world);
    await register(page, world);
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
      while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    const { text } = await world.verifier.createAuthChallenge({ userId: 'ada' });
    await context.serviceWorkers()[0]!.evaluate((data) => {
      const click = new Event('notificationclick');
      Object.assign(click, { notification: { data, close() {} }, waitUntil() {} });
      globalThis.dispatchEvent(click);
    }, text);
    await heading(page, 'Is it you who logs in?');
  });

  test('a push that is no login is shown as one that is over, and kept nowhere', async () => {
    const world = await startWorld();
    const { page, context } = await openApprover(await chromiumWith(), world, {
      ...PHONE,
      permissions: ['notifications'],
    });
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await deliver(context, world.pageUrl, '{"kind":"auth"}');
    const worker = context.serviceWorkers()[0]!;
    const titles = await until('it is shown', () =>
      worker.evaluate(async () => {
        const scope = globalThis as unknown as { registration: ServiceWorkerRegistration };
        const all = await scope.registration.getNotifications();
        return all.length > 0 && all.map(({ title }) => title);
      }),
    );
    expect(titles).toEqual(['A login was asked for']);
    expect(await page.locator('#pending li').count()).toBe(0);
  });

  test('the camera reads the code of a registration', async () => {
    const world = await startWorld();
    const link = await world.registration();
    const film = join(await temporaryFolder(), 'code.y4m');
    await writeFile(film, filmOf(link));
    const { page } = await openApprover(
      await chromiumWith(`--use-file-for-fake-video-capture=${film}`),
      world,
      { ...PHONE, permissions: ['camera'] },
    );
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await heading(page, 'Register here?');
    expect(await page.locator('#register-host').textContent()).toBe(new URL(world.shopUrl).host);
    // The camera is off again.
    expect(await page.evaluate(() => document.querySelector('video')!.srcObject)).toBeNull();
  });

  test('without a camera a picture does; one without a code says so', async () => {
    const world = await startWorld();
    const { page } = await openApprover(await chromiumWith(), world, PHONE, (context) =>
      context.addInitScript(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
      }),
    );
    await page.getByRole('button', { name: 'Scan a code' }).click();
    await page.getByText('The camera cannot be used here').waitFor();
    await picture(page, 'no-camera-phone');
    await choose(page, await pictureOf(page, undefined));
    await page.getByText('There is no code in this picture').waitFor();
    await choose(page, await pictureOf(page, await world.registration()));
    await heading(page, 'Register here?');
  });
});

const choose = (page: Page, buffer: Buffer) =>
  page.getByLabel('No camera?').setInputFiles({ name: 'code.png', mimeType: 'image/png', buffer });

/** A PNG of a code, or of nothing, drawn by the browser. */
async function pictureOf(page: Page, text: string | undefined): Promise<Buffer> {
  const rows = text === undefined ? [[false]] : encodeQR(text, 'raw', { border: 4 });
  const base64 = await page.evaluate((modules) => {
    const canvas = document.createElement('canvas');
    const [size, scale] = [modules.length, Math.max(4, Math.round(200 / modules.length))];
    canvas.width = canvas.height = size * scale;
    const context = canvas.getContext('2d')!;
    for (const [y, row] of modules.entries())
      for (const [x, isDark] of row.entries()) {
        context.fillStyle = isDark ? '#000' : '#fff';
        context.fillRect(x * scale, y * scale, scale, scale);
      }
    return canvas.toDataURL('image/png').split(',')[1]!;
  }, rows);
  return Buffer.from(base64, 'base64');
}

/** A film of one picture (YUV4MPEG2): a code in the middle of a gray wall. */
function filmOf(text: string): Buffer {
  const rows = encodeQR(text, 'raw', { border: 4 });
  const [width, height] = [1280, 960];
  const scale = Math.floor((height - 20) / rows.length);
  const light = Buffer.alloc(width * height, 150);
  const [left, top] = [width, height].map((size) => Math.floor((size - rows.length * scale) / 2)) as [
    number,
    number,
  ];
  for (const [y, row] of rows.entries())
    for (const [x, isDark] of row.entries())
      for (let line = 0; line < scale; line++) {
        const at = (top + y * scale + line) * width + left + x * scale;
        light.fill(isDark ? 20 : 230, at, at + scale);
      }
  const color = Buffer.alloc((width * height) / 2, 128);
  const frame = [Buffer.from('FRAME\n'), light, color];
  const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  return Buffer.concat([head, ...frame, ...frame]);
}
