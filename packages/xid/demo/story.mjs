// A short story in the terminal: one person, two shops, three days. `--check` tells it without color and fails if it is not true.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  EphemeralIdentity,
  MemoryShareBackend,
  requestToken,
  XidRegistrar,
  XidService,
  xidFetch,
} from '@private.me/xid';
import {
  Agent,
  DualModeAdapter,
  Identity,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
} from '@private.me/xlink';
import express from 'express';

const isCheck = process.argv.includes('--check');
const hasColor = process.stdout.isTTY && !isCheck && !process.env.NO_COLOR;
const paint = (code, text) => (hasColor ? `\x1b[${code}m${text}\x1b[0m` : text);
const bold = (text) => paint(1, text);
const dim = (text) => paint(2, text);
const good = (text) => paint(32, text);
const bad = (text) => paint(33, text);
const say = (text = '') => console.log(text);
const chapter = (number, text) => say(`\n${bold(`${number}  ${text}`)}`);
const short = (did) => `did:key:…${did.slice(-10)}`;
const row = (name, text) => say(`   ${name.padEnd(24)} ${text}`);

const DAY = 86_400_000;
let now = Math.floor(Date.now() / DAY) * DAY + DAY / 2;
const clock = () => now;
const servers = [];

/** A shop: an API that knows a registrar, and none of its customers. */
async function shop(registrar) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${server.address().port}`;
  const xid = new XidService({
    audience: url,
    clock,
    registrars: [
      {
        did: registrar.did,
        classes: { members: { scopes: ['orders:read'] } },
        issuerKey: (name, epoch) => registrar.issuerKey(name, epoch),
      },
    ],
  });
  const nonceStore = new MemoryNonceStore({ clock, coldStart: 'accept' });
  const agent = await Agent.quickstart({
    name: 'shop',
    clock,
    nonceStore,
    registry: xid.registry(new MemoryTrustRegistry({ clock })),
  });
  const clients = new MemoryClientStore();
  const adapter = new DualModeAdapter({
    agent,
    clock,
    mode: 'xlink-only',
    legacyKeyValidator: () => null,
    ...xid.adapter(clients),
  });
  const seen = [];
  const accounts = new Map();
  const app = express().use(adapter.middleware(), express.json());
  app.use((req, _res, next) => {
    seen.push(req.auth.did);
    if (!accounts.has(req.auth.did) && req.path === '/orders') accounts.set(req.auth.did, ['tea']);
    next();
  });
  app.post('/carry-over', async (req, res) => {
    try {
      const carry = (from, to) => {
        accounts.set(to, accounts.get(from));
        accounts.delete(from);
      };
      res.json(await xid.takeSuccession(req.body, { by: req.auth.did, carry }));
    } catch (error) {
      res.status(error.status ?? 500).json({ refused: error.id });
    }
  });
  app.use((req, res) => void res.json({ client: req.auth.client, orders: accounts.get(req.auth.did) ?? [] }));
  server.on('request', app);
  servers.push(() => {
    server.close();
    server.closeAllConnections();
    return adapter.close();
  });
  return { url, xid, seen, clients, adapter, accounts };
}

const refusal = async (work) => {
  try {
    await work();
  } catch (error) {
    return error.reason ?? error.id;
  }
  return 'let in';
};

say(bold('XID: one person, another one to each service and each day'));

chapter(1, 'A seed in three shares');
const shares = ['disk', 'vault', 'phone'].map((name) => new MemoryShareBackend(name));
const ann = await EphemeralIdentity.create({ backends: shares, clock, maxVersion: 2 });
row('Ann', 'a master seed that exists in shares only: disk, vault, phone');
const without = [shares[0], new MemoryShareBackend('lost'), shares[2]];
const same = await EphemeralIdentity.create({ backends: without, clock, maxVersion: 2 });
const name = 'https://tea.example';
assert.equal(await same.deriveForVerifier(name), await ann.deriveForVerifier(name));
row('the vault is lost', good('disk and phone give the same Ann'));
const alone = [shares[0], ...['lost', 'lost'].map((each) => new MemoryShareBackend(each))];
const why = await refusal(() => EphemeralIdentity.create({ backends: alone }));
assert.equal(why, 'SHARES_TOO_FEW');
row('the phone, too', bad(`${why}: one share says nothing`));

chapter(2, 'Two shops, two days');
const registrar = new XidRegistrar({
  identity: await Identity.fromSeed(crypto.getRandomValues(new Uint8Array(32))),
  classes: { members: { scopes: ['orders:read'] } },
  clock,
});
const [tea, books] = [await shop(registrar), await shop(registrar)];
const knownToRegistrar = [];
const certificate = (request) => {
  knownToRegistrar.push(request.did);
  return registrar.certify({ ...request, class: 'members' });
};
const [atTea, atBooks] = [tea, books].map(({ url }) => xidFetch(ann, certificate, { baseUrl: url, clock }));
for (const day of ['today', 'tomorrow']) {
  for (const [label, call, { seen }] of [
    ['tea', atTea, tea],
    ['books', atBooks, books],
  ]) {
    const answer = await (await call('/orders')).json();
    assert.equal(answer.client, 'xid:members');
    row(`${day}, at ${label}`, `${short(seen.at(-1))}  ${dim(`known as ${answer.client}`)}`);
  }
  now += DAY;
}
const all = [...tea.seen, ...books.seen];
assert.equal(new Set(all).size, 4);
say(
  `   ${good('Four identities.')} Neither shop, nor both together, can tell from them that it is one person.`,
);
assert.deepEqual(new Set(knownToRegistrar), new Set(all));
say(
  `   ${bad('The registrar can:')} it named each of them in a certificate. That is form A, and it can revoke:`,
);
now -= DAY;
await tea.xid.revoke(await registrar.revoke({ did: tea.seen.at(-1), notAfter: now + 2 * DAY }));
const revoked = await refusal(() => atTea('/orders'));
assert.notEqual(revoked, 'let in');
row('after the revocation', bad('the very next request is refused'));

chapter(3, 'Blind: not even the registrar');
const bob = await EphemeralIdentity.create({ clock, maxVersion: 2 });
const sawBlinded = [];
let lastToken;
const token = async ({ did, audience, epoch }) => {
  lastToken = await requestToken({
    did,
    audience,
    issuerKey: await registrar.issuerKey('members', epoch),
    registrar: { did: registrar.did },
    sign: (blinded) => {
      sawBlinded.push(Buffer.from(blinded).toString('hex'));
      return registrar.blindSign('members', epoch, blinded, 'bob');
    },
  });
  return lastToken;
};
const asBob = xidFetch(bob, token, { baseUrl: books.url, clock });
await asBob('/orders');
row('the registrar signed', `${sawBlinded[0].slice(0, 24)}… ${dim('for Bob, it knows not what')}`);
const shown = Buffer.from(lastToken.signature, 'base64url').toString('hex');
row('the shop was shown', `${shown.slice(0, 24)}… ${dim(`by ${short(lastToken.did)}`)}`);
assert.notEqual(sawBlinded[0], shown);
assert.ok(!knownToRegistrar.includes(lastToken.did));
const eve = await EphemeralIdentity.create({ clock, maxVersion: 2 });
const stolen = await refusal(() => xidFetch(eve, () => lastToken, { baseUrl: books.url, clock })('/orders'));
assert.equal(stolen, 'TOKEN_INVALID:OTHER_DID');
row('Eve shows it, too', bad(stolen));
const twice = await refusal(() => xidFetch(bob, () => lastToken, { baseUrl: books.url, clock })('/orders'));
assert.equal(twice, 'TOKEN_SPENT');
row('Bob shows it again', bad(twice));

chapter(4, 'An account goes along only if its owner says so');
const before = books.accounts.size;
const yesterday = await ann.deriveForVerifier(books.url, ann.epoch);
await atBooks('/orders');
now += DAY;
const empty = await (await atBooks('/')).json();
assert.deepEqual(empty.orders, []);
row('the next day', 'a stranger with no orders');
const statement = await ann.carryOver(books.url);
const post = () =>
  atBooks('/carry-over', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(statement),
  });
const taken = await (await post()).json();
assert.equal(taken.from, yesterday);
const orders = (await (await atBooks('/')).json()).orders;
assert.deepEqual(orders, ['tea']);
row('Ann signs with both', good(`${short(taken.from)} goes on as ${short(taken.to)}: orders ${orders}`));
const replayed = await (await post()).json();
assert.equal(replayed.refused, 'SUCCESSION_INVALID:REPLAYED');
row('the same once more', bad(replayed.refused));
assert.equal(books.accounts.size, before);

chapter(5, 'What the shop has in its books');
await books.adapter.flush?.();
await books.adapter.close();
for (const { client, dids, xlinkRequests } of books.clients.list())
  row(client, `${xlinkRequests} requests, ${dids.length} DIDs written down`);
assert.deepEqual(
  books.clients.list().map(({ client, dids }) => [client, dids.length]),
  [['xid:members', 0]],
);
row('in force now', `${await books.xid.count('members')} identities; they are forgotten with their epoch`);
say(`\n${dim('Not hidden: addresses, times, habits, and how few a class has. The README has figures.')}`);

for (const one of [ann, same, bob, eve]) one.close();
for (const stop of servers) await stop();
if (isCheck) say('ok');
