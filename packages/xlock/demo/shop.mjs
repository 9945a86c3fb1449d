// A web shop that asks for a login, and an approver beside it, in one terminal. Everything is real: HTTP, a relay, shares in files and in an
// object store. With --check it answers by itself, and fails where something is not as it should be.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Identity } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay } from '@private.me/xlink/server';
import {
  EncryptedFileBackend,
  HttpBackend,
  MemoryBackend,
  PasskeyVault,
  RelayChannel,
  RelayPush,
  XlockDevice,
  XlockGate,
  XlockInbox,
  XlockVerifier,
} from '@private.me/xlock';

const isCheck = process.argv.includes('--check');
const isColored = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (isColored ? `\u001b[${code}m${text}\u001b[0m` : text);
const [shopColor, phoneColor, strong] = [paint(36), paint(33), paint(1)];
const shop = (text) => console.log(`${shopColor('shop   │')} ${text}`);
const phone = (text) => console.log(`${phoneColor('phone  │')} ${text}`);
const closers = [];

async function listen(handler) {
  const server = createServer((request, response) => void handler(request, response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}

const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'xlock-demo-'));
closers.push(() => rm(folder, { recursive: true, force: true }));

// The relay, and a store of shares on another machine.
const store = await FileRelayStore.open({ path: join(folder, 'relay.jsonl') });
const relay = await createRelay({ identity: await newIdentity(), store, open: true });
const relayServer = await listen(relay.handler);
relayServer.server.on('upgrade', relay.upgrade);
closers.push(() => relay.close());
const objects = new Map();
const webdav = await listen(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (request.method === 'PUT') objects.set(request.url, Buffer.concat(chunks));
  const found = objects.get(request.url);
  response.writeHead(found ? 200 : 404).end(request.method === 'GET' ? found : undefined);
});

// The shop: every page needs a session; the gate does the rest.
let gate;
const web = await listen(async (request, response) => {
  const pass = await gate.pass(request, response);
  if (pass) response.end(JSON.stringify({ orders: ['1 espresso machine'], of: pass.session.userId }));
});
const shopIdentity = await newIdentity();
const shopChannel = channelOf(shopIdentity);
const push = new RelayPush(shopChannel);
const verifier = new XlockVerifier({ origin: web.url, identity: shopIdentity, push });
push.answerTo(verifier);
gate = new XlockGate({ verifier });

// The phone: shares in a file, in the store, and (of this demo) in memory; any two make a signature.
const phoneIdentity = await newIdentity();
const vault = new PasskeyVault({
  stores: [
    new EncryptedFileBackend({ folder: join(folder, 'phone'), keyFile: join(folder, 'phone.key') }),
    new HttpBackend({ url: webdav.url, id: 'webdav' }),
    new MemoryBackend('third'),
  ],
});
closers.push(() => vault.close());
const phoneChannel = channelOf(phoneIdentity);
const device = new XlockDevice({
  identity: phoneIdentity,
  vault,
  name: 'phone',
  keys: () => phoneChannel.keys(),
});
const inbox = new XlockInbox({
  channel: phoneChannel,
  device,
  onChallenge: (pushed) => answer(pushed).finally(() => said()),
});

let page;
let phoneIsDone;
let said;
let failure;
try {
  await story();
} catch (error) {
  failure = error;
}
for (const close of closers.reverse()) await close();
if (failure) {
  console.error(failure);
  process.exitCode = 1;
} else
  console.log(
    `${strong('ok')}: a login in ${((performance.now() - started) / 1000).toFixed(1)} s, all in all`,
  );

async function story() {
  console.log(strong('1  Ada registers'));
  const registration = await verifier.createRegistrationChallenge({ userId: 'ada' });
  shop(`shows a code to scan: ${registration.links.app.slice(0, 64)}…`);
  const registered = await verifier.verifyRegistration(await device.register(registration.links.app));
  assert(registered.ok, 'registered');
  phone(`made a key for ${web.url}, and split it: 2 of 3`);
  for (const { id, state } of (await vault.audit({ service: web.url, userId: 'ada' })).stores)
    phone(`  share in ${id.padEnd(6)}  ${state}`);
  const [file] = (await readdir(join(folder, 'phone'))).filter((name) => name.endsWith('.xshare'));
  const size = (await readFile(join(folder, 'phone', file))).length;
  phone(`  the file has ${size} bytes; one share alone says nothing about the key`);
  shop(`knows ${registered.value.did}`);
  await inbox.open();

  console.log(strong('\n2  Ada logs in'));
  assert((await fetch(`${web.url}/orders`)).status === 401, 'no session, no orders');
  shop('GET /orders: 401');
  const { login, cookie } = await begin();
  const waiting = fetch(`${web.url}/xlock/login/${login.id}`, { headers: { cookie } });
  const done = await waiting;
  const { state, message } = await done.json();
  await phoneIsDone;
  if (!isCheck && state !== 'approved') return shop(`no login: ${message}`);
  assert(state === 'approved', 'approved');
  const session = done.headers.getSetCookie()[0].split(';')[0];
  const orders = await fetch(`${web.url}/orders`, { headers: { cookie: session } });
  assert(orders.status === 200, 'orders');
  shop(`GET /orders: 200 ${await orders.text()}`);

  console.log(strong('\n3  Somebody copies the page of the shop'));
  const copied = await begin('https://acme-shop.example');
  const refused = await fetch(`${web.url}/xlock/login/${copied.login.id}`, {
    headers: { cookie: copied.cookie },
  });
  await phoneIsDone;
  assert((await refused.json()).id === 'RESPONSE_USER_REJECTED:ORIGIN', 'the copy is refused');
  shop(`the copy gets ${refused.status}, and no session`);
}

/** A browser at the login page, which may be a copy of it. */
async function begin(shownAt = web.url) {
  let show;
  phoneIsDone = new Promise((resolve) => {
    said = resolve;
  });
  page = new Promise((resolve) => {
    show = resolve;
  });
  const init = { method: 'POST', body: JSON.stringify({ userId: 'ada' }) };
  const response = await fetch(`${web.url}/xlock/login`, init);
  const login = await response.json();
  const cookie = response.headers.getSetCookie()[0].split(';')[0];
  shop(`login page at ${strong(shownAt)}: type ${strong(login.match)} on your phone`);
  show({ shownAt, match: login.match });
  return { login, cookie };
}

async function answer({ challenge, text, send }) {
  const browser = await page; // the push may be faster than the page
  phone(`${strong(challenge.origin)} asks: ${challenge.action}`);
  for (const [name, value] of Object.entries(challenge.metadata)) phone(`  ${name}: ${value}`);
  const isCopy = browser.shownAt !== web.url;
  const seenOrigin = isCheck || isCopy ? browser.shownAt : web.url;
  phone(`  address bar: ${seenOrigin}`);
  const digits = isCheck || isCopy ? browser.match : await asked('phone  │   digits of the login page: ');
  const steps = [];
  try {
    await device.approve(text, {
      digits: digits.trim(),
      seenOrigin,
      send,
      onProgress: ({ message }) => steps.push(message),
    });
    phone(`  ${steps.join(' → ')}`);
    phone('  approved');
  } catch (error) {
    phone(`  denied: ${error.title}`);
  }
}

async function asked(question) {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const text = await lines.question(question);
  lines.close();
  return text;
}

function channelOf(identity) {
  const channel = new RelayChannel({ identity, relayUrl: relayServer.url });
  closers.push(() => channel.close());
  return channel;
}

function newIdentity() {
  return Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32)), { maxVersion: 1 });
}

function assert(holds, what) {
  if (!holds) throw new Error(`not as it should be: ${what}`);
}
