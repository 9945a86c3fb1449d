// A shop, an approval page with its relay, two share stores, and Chromium. Everything is real.
import { mkdirSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import {
  allPushes,
  approvalLink,
  approvalPage,
  RelayChannel,
  RelayPush,
  shareStore,
  vapidKeys,
  webPush,
  XlockGate,
  XlockVerifier,
  type XlockVerifierOptions,
} from '../src/index.js';
import { findProgram } from './servers.js';
import { afterTest, identityOf, listen, temporaryFolder } from './support.js';

const SCREENSHOTS = fileURLToPath(new URL('../../../test-output/screenshots/', import.meta.url));
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true } as const;
export const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;

/** `flags`: further ones. */
export async function startBrowser(...flags: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: findProgram('chromium')!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      ...flags,
    ],
  });
}

/** What Chrome calls itself. */
const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';

/** A login at the shop, as its page has it. */
export interface ShopLogin {
  readonly id: string;
  readonly match: string;
  readonly link: string;
  readonly cookie: string;
}

/** `localhost` is a secure context, and each port of it an origin of its own. */
const named = (url: string) => url.replace('127.0.0.1', 'localhost');

export async function startWorld(options: Partial<XlockVerifierOptions> = {}) {
  const handlers: Record<'page' | 'shop', RequestListener> = { page: () => {}, shop: () => {} };
  const pageServer = await listen((request, response) => handlers.page(request, response));
  const shopServer = await listen((request, response) => handlers.shop(request, response));
  const [pageUrl, shopUrl] = [named(pageServer.url), named(shopServer.url)];

  const store = await FileRelayStore.open({ path: join(await temporaryFolder(), 'messages.jsonl') });
  const relay = await createRelay({ identity: await identityOf('relay'), store, open: true });
  pageServer.server.on('upgrade', relay.upgrade);
  afterTest(() => relay.close());

  const stores: string[] = [];
  for (let at = 0; at < 2; at++)
    stores.push(`${named((await listen(shareStore({ origins: [pageUrl], path: '/shares' }))).url)}/shares`);

  const identity = await identityOf('shop');
  const channel = new RelayChannel({ identity, relayUrl: pageUrl });
  afterTest(() => channel.close());
  const relayPush = new RelayPush(channel);
  const browserPush = webPush({
    vapid: { ...vapidKeys(), subject: 'mailto:ops@acme.com' },
    dangerouslyAllowPrivateEndpoints: true,
  });
  const verifier = new XlockVerifier({
    origin: shopUrl,
    identity,
    push: allPushes(relayPush, browserPush),
    denialPauseMs: 0,
    maxPushes: 1000,
    ...options,
  });
  relayPush.answerTo(verifier);
  const gate = new XlockGate({ verifier, waitMs: 20_000 });
  const pushHandler = browserPush.handler(verifier);
  handlers.shop = (request, response) =>
    pushHandler(request, response, () => {
      void gate.pass(request, response).then((pass) => pass && response.end('in'));
    });
  const page = approvalPage({
    origin: pageUrl,
    services: [shopUrl],
    stores,
    relay: { url: pageUrl },
    webPush: { publicKey: browserPush.publicKey },
  });
  handlers.page = (request, response) =>
    page(request, response, () => void relay.handler(request as never, response as never));

  return {
    pageUrl,
    shopUrl,
    stores,
    verifier,
    browserPush,
    handlers,
    /** A link of the page that registers; `did`: adds a device. */
    async registration(userId = 'ada', did?: string): Promise<string> {
      const { text } = await verifier.createRegistrationChallenge({ userId, ...(did ? { did } : {}) });
      return approvalLink(pageUrl, text);
    },
    /** A browser at the login page of the shop, or at a copy of it. */
    async login(at = shopUrl): Promise<ShopLogin> {
      const response = await fetch(`${at}/xlock/login`, {
        method: 'POST',
        headers: { 'user-agent': AGENT },
        body: '{"userId":"ada"}',
      });
      const login = (await response.json()) as Omit<ShopLogin, 'cookie'>;
      return { ...login, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
    },
    /** What the login page is told in the end. */
    async outcome({ id, cookie }: ShopLogin, at = shopUrl): Promise<{ state?: string; id?: string }> {
      const response = await fetch(`${at}/xlock/login/${id}`, { headers: { cookie } });
      return (await response.json()) as { state?: string; id?: string };
    },
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;

/** A browser profile of its own at the approval page, and everything about it that must not happen. */
export async function openApprover(
  browser: Browser,
  world: Pick<World, 'pageUrl'>,
  options: BrowserContextOptions = PHONE,
  prepare: (context: BrowserContext) => Promise<unknown> = async () => {},
) {
  const context = await browser.newContext(options);
  afterTest(() => context.close());
  context.setDefaultTimeout(40_000);
  await prepare(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // A store that has no share yet says so by 404, which Chromium writes to its console.
    const isNoShare = message.text().includes('404') && message.location().url.includes('/shares/xlock-');
    if (!isNoShare && (message.type() === 'error' || message.type() === 'warning'))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`violates ${event.violatedDirective}: ${event.blockedURI}`),
    );
  });
  await page.goto(world.pageUrl);
  await page.locator('#home').waitFor();
  return { page, context, complaints };
}

/** Opens a link of the page where it is, as a click on it does. */
export async function follow(page: Page, link: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, new URL(link).hash);
}

/** Registers this browser at the shop; resolves to the DID of the passkey. */
export async function register(page: Page, world: World): Promise<string> {
  await follow(page, await world.registration());
  await page.locator('#register-yes').click();
  await heading(page, 'Registered');
  await page.locator('#done').click();
  const taken = await page.evaluate(
    () =>
      new Promise<{ did: string }[]>((resolve) => {
        indexedDB.open('xlock').onsuccess = (event) => {
          const database = (event.target as IDBOpenDBRequest).result;
          database.transaction('passkeys').objectStore('passkeys').getAll().onsuccess = (found) =>
            resolve((found.target as IDBRequest<{ did: string }[]>).result);
        };
      }),
  );
  return taken[0]!.did;
}

/** Waits for the heading of a view. */
export const heading = (page: Page, name: string) =>
  page.getByRole('heading', { name, exact: true }).waitFor();

/** The whole page as an image, for who wants to look at it. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `xlock-${name}.png`), fullPage: true });
}
