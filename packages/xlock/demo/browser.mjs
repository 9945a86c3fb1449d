// A web shop that asks for a login, and the approval page beside it, both in a browser. Everything is real: HTTP, a relay, two share stores. With
// --check Chromium does what a user would, without a window, and the exit code says whether it went well.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import {
  approvalLink,
  approvalPage,
  RelayChannel,
  RelayPush,
  shareStore,
  XlockGate,
  XlockVerifier,
} from '@private.me/xlock';
import { SHOP_FILES } from './shop-page.mjs';

const isCheck = process.argv.includes('--check');
const started = performance.now();
const closers = [];

/** A server on a free port; `localhost`, since browsers let only such pages make keys without https. */
async function listen() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://localhost:${server.address().port}` };
}

async function newIdentity() {
  const made = await generateIdentity({ maxVersion: 1 });
  if (!made.ok) throw made.error;
  return made.value;
}

async function start() {
  const folder = await mkdtemp(join(tmpdir(), 'xlock-demo-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const [page, shop, storeA, storeB] = await Promise.all([listen(), listen(), listen(), listen()]);

  // Two share stores. In earnest each is run by somebody else.
  for (const { server } of [storeA, storeB]) server.on('request', shareStore({ origins: [page.url] }));

  // The approval page, and on the same origin the relay over which it is pushed to.
  const store = await FileRelayStore.open({ path: join(folder, 'relay.jsonl') });
  const relay = await createRelay({ identity: await newIdentity(), store, open: true });
  closers.push(() => relay.close());
  const approver = approvalPage({
    origin: page.url,
    services: [shop.url],
    stores: [storeA.url, storeB.url],
    relay: { url: page.url },
  });
  page.server.on('upgrade', relay.upgrade);
  page.server.on('request', (request, response) =>
    approver(request, response, () => relay.handler(request, response)),
  );

  // The shop: orders need a session; the gate does the rest.
  const identity = await newIdentity();
  const channel = new RelayChannel({ identity, relayUrl: page.url });
  closers.push(() => channel.close());
  const push = new RelayPush(channel);
  const verifier = new XlockVerifier({
    origin: shop.url,
    identity,
    push,
    denialPauseMs: 5000,
    maxPushes: 20,
  });
  push.answerTo(verifier);
  const isPublic = (path) => Object.hasOwn(SHOP_FILES, path) || path === '/register';
  const gate = new XlockGate({ verifier, isPublic });
  shop.server.on('request', async (request, response) => {
    const pass = await gate.pass(request, response);
    if (!pass) return;
    const [type, text] = SHOP_FILES[request.url] ?? ['application/json', await answer(request, pass)];
    response.writeHead(200, { 'content-type': type }).end(text);
  });
  async function answer({ method, url }, { session }) {
    if (method === 'POST' && url === '/register') {
      // In earnest: only for a user whom the shop knows by other means.
      const { text } = await verifier.createRegistrationChallenge({ userId: 'ada', replace: true });
      return JSON.stringify({ link: approvalLink(page.url, text) });
    }
    return JSON.stringify(session ? { orders: ['1 espresso machine', '2 kg of beans'] } : {});
  }
  return { shop: shop.url, page: page.url };
}

/** What a user does, in Chromium. */
async function check({ shop }) {
  const { chromium } = await import('playwright-core');
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  closers.push(() => browser.close());
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const login = await context.newPage();
  await login.goto(shop);
  const [approver] = await Promise.all([context.waitForEvent('page'), login.click('#register')]);
  await approver.click('#register-yes');
  await approver.getByRole('heading', { name: 'Registered' }).waitFor();
  await approver.click('#done');
  console.log(`registered after ${seconds()} s`);

  const tryOnce = async (digitsOf, heading) => {
    await login.click('#login');
    await login.locator('#asking').waitFor();
    const shown = await login.textContent('#digits');
    await approver.getByRole('button', { name: /^Look at the login/ }).click();
    await approver.fill('#digits', digitsOf(shown));
    await approver.click('#yes');
    await approver.getByRole('heading', { name: heading }).waitFor();
    await approver.click('#done');
  };
  await tryOnce((shown) => shown, 'Approved');
  await login.getByText('Welcome, Ada.').waitFor();
  await login.getByText('1 espresso machine').waitFor();
  console.log(`logged in after ${seconds()} s`);
  await login.click('#logout');
  await login.locator('#inside').waitFor({ state: 'hidden' });
  await tryOnce((shown) => (shown === '10' ? '11' : '10'), 'Denied: other digits');
  await login.getByText('are not those of the login page').waitFor();
  if (await login.isVisible('#inside')) throw new Error('not as it should be: wrong digits let in');
  console.log('wrong digits: not let in');
}

const seconds = () => ((performance.now() - started) / 1000).toFixed(1);

const end = async () => {
  for (const close of closers.splice(0).reverse()) await close();
};

try {
  const urls = await start();
  if (isCheck) {
    await check(urls);
    console.log('ok');
    await end();
  } else {
    console.log(`shop           ${urls.shop}`);
    console.log(`approval page  ${urls.page}`);
    console.log('Open the shop, and do what it says. Ctrl-C ends.');
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => void end().then(() => process.exit(0)));
  }
} catch (error) {
  console.error(error);
  process.exitCode = 1;
  await end();
}
