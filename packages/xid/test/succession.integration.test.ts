// A holder carries an account on to the next epoch, over HTTP; nobody else does, and nothing does it by itself.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createSuccession,
  DualModeAdapter,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type XlinkAuth,
} from '@private.me/xlink';
import express from 'express';
import { signRevocation } from '../src/certificate/revocation.js';
import { isXidError, type TakeOptions, XidService, xidFetch } from '../src/index.js';
import {
  afterTest,
  clockAt,
  DAY,
  failure,
  holder,
  registrarAt,
  registrarIdentity,
  trusted,
} from './support.js';

async function shop(options: Omit<TakeOptions, 'by'> = {}) {
  const clock = clockAt();
  const registrar = await registrarAt(clock);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const xid = new XidService({ audience: url, registrars: [trusted(registrar)], clock });
  const nonceStore = new MemoryNonceStore({ clock, coldStart: 'accept' });
  const registry = xid.registry(new MemoryTrustRegistry({ clock }));
  const agent = await Agent.quickstart({ registry, clock, nonceStore, name: 'shop' });
  const adapter = new DualModeAdapter({
    agent,
    clock,
    mode: 'xlink-only',
    legacyKeyValidator: () => null,
    ...xid.adapter(new MemoryClientStore()),
  });
  const accounts = new Map<string, string>();
  const didOf = (request: object) => (adapter.authOf(request) as XlinkAuth).did;
  const app = express().use(adapter.middleware(), express.json());
  app.post('/carry', async (req, res) => {
    try {
      const carry = (from: string, to: string) => {
        accounts.set(to, accounts.get(from) ?? 'new');
        accounts.delete(from);
      };
      const by = didOf(req);
      res.json(await xid.takeSuccession(req.body, { by, carry, ...options }));
    } catch (error) {
      res
        .status(isXidError(error) ? error.status : 500)
        .json({ refused: isXidError(error) ? error.id : 'other' });
    }
  });
  app.use((req, res) => void res.json({ account: accounts.get(didOf(req)) ?? 'new' }));
  server.on('request', app);
  afterTest(() => {
    server.close();
    server.closeAllConnections();
    return adapter.close();
  });
  const enter = async (name: string) => {
    const me = await holder(name, clock);
    const fetch = xidFetch(me, (request) => registrar.certify({ ...request, class: 'members' }), {
      clock,
      baseUrl: url,
    });
    const account = async () => ((await (await fetch('/')).json()) as { account: string }).account;
    const send = async (statement: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch('/carry', { method: 'POST', headers, body: JSON.stringify(statement) });
      const { refused, to } = (await answer.json()) as { refused?: string; to?: string };
      return refused ?? `to ${to}`;
    };
    return { me, account, send };
  };
  return { url, clock, registrar, xid, accounts, enter };
}

/** One who has an account of yesterday. */
async function withAccount(world: Awaited<ReturnType<typeof shop>>, name = 'ann') {
  const one = await world.enter(name);
  expect(await one.account()).toBe('new');
  const old = await one.me.deriveForVerifier(world.url);
  world.accounts.set(old, `${name}'s orders`);
  world.clock.advance(DAY);
  expect(await one.account()).toBe('new'); // by itself nothing goes along
  return { ...one, old };
}

describe('a statement of both identities', () => {
  test('carries the account on, once', async () => {
    const world = await shop();
    const { me, account, send } = await withAccount(world);
    const statement = await me.carryOver(world.url);
    expect(await send(statement)).toBe(`to ${await me.deriveForVerifier(world.url)}`);
    expect(await account()).toBe("ann's orders");
    expect(await send(statement)).toBe('SUCCESSION_INVALID:REPLAYED');
    expect(await send(await me.carryOver(world.url))).toBe('SUCCESSION_INVALID:REPLAYED');
    expect(await account()).toBe("ann's orders");
  });

  test('counts in the order of epochs only', async () => {
    const world = await shop();
    const { me, send } = await withAccount(world);
    const { epoch } = me;
    expect(await failure(() => me.carryOver(world.url, { from: epoch, to: epoch }))).toBe(
      'SUCCESSION_INVALID:ORDER',
    );
    expect(await failure(() => me.carryOver(world.url, { from: epoch, to: epoch - 1 }))).toBe(
      'SUCCESSION_INVALID:ORDER',
    );
    const [older, newer] = await Promise.all([
      me.identityFor(world.url, epoch - 1),
      me.identityFor(world.url, epoch),
    ]);
    const back = await createSuccession(newer, older, { clock: world.clock });
    expect(await failure(() => world.xid.takeSuccession(back, { by: older.did }))).toBe(
      'SUCCESSION_INVALID:ORDER',
    );
    const ahead = await me.carryOver(world.url, { from: epoch - 1, to: epoch + 1 });
    expect(await send(ahead)).toBe('SUCCESSION_INVALID:FOREIGN'); // that one has not come in
  });

  test('of others is refused, and so is one that somebody else sends', async () => {
    const world = await shop();
    const ann = await withAccount(world);
    const bob = await world.enter('bob');
    await bob.account();
    const mine = await ann.me.carryOver(world.url);
    expect(await bob.send(mine)).toBe('SUCCESSION_INVALID:FOREIGN');
    const elsewhere = await ann.me.carryOver('https://other.example');
    expect(await ann.send(elsewhere)).toBe('SUCCESSION_INVALID:FOREIGN');

    // Bob would like to have the account: he cannot sign for the older one.
    const old = await ann.me.identityFor(world.url, ann.me.epoch - 1);
    const own = await bob.me.identityFor(world.url);
    const stranger = await bob.me.identityFor('https://x.example');
    const forged = { ...(await createSuccession(stranger, own, { clock: world.clock })), from: old.did };
    expect(await bob.send(forged)).toBe('SUCCESSION_INVALID:SIGNATURE');
    expect(await bob.send({ ...mine, to: own.did })).toBe('SUCCESSION_INVALID:SIGNATURE');
    for (const none of [{}, { ...mine, issuedAt: 'now' }, []])
      expect(await ann.send(none)).toBe('SUCCESSION_INVALID');
    expect(await ann.send(mine)).toMatch(/^to /);
  });

  test('has one successor, however many would be', async () => {
    const world = await shop();
    const ann = await withAccount(world);
    const bob = await world.enter('bob');
    await bob.account();
    const old = await ann.me.identityFor(world.url, ann.me.epoch - 1);
    const toBob = await createSuccession(old, await bob.me.identityFor(world.url), { clock: world.clock });
    const outcomes = await Promise.all([ann.send(await ann.me.carryOver(world.url)), bob.send(toBob)]);
    expect(outcomes.filter((outcome) => outcome.startsWith('to '))).toHaveLength(1);
    expect(outcomes).toContain('SUCCESSION_CONFLICT');
  });

  test('is good for an hour, and not before its time', async () => {
    const world = await shop();
    const { me, send } = await withAccount(world);
    const statement = await me.carryOver(world.url);
    world.clock.advance(3_600_001);
    expect(await send(statement)).toBe('SUCCESSION_INVALID:EXPIRED');
    const [older, newer] = await Promise.all([
      me.identityFor(world.url, me.epoch - 1),
      me.identityFor(world.url),
    ]);
    const early = await createSuccession(older, newer, { clock: () => world.clock() + 400_000 });
    expect(await send(early)).toBe('SUCCESSION_INVALID:EXPIRED');
  });

  test('from an identity that is over needs an account, and from one that was revoked there is no way', async () => {
    const without = await shop();
    const ann = await withAccount(without);
    without.clock.advance(DAY);
    await ann.account();
    const late = await ann.me.carryOver(without.url, { from: ann.me.epoch - 2 });
    expect(await ann.send(late)).toBe('SUCCESSION_INVALID:FOREIGN');

    const world: Awaited<ReturnType<typeof shop>> = await shop({
      hasAccount: (did) => world.accounts.has(did),
    });
    const bob = await withAccount(world, 'bob');
    world.clock.advance(DAY);
    expect(await bob.account()).toBe('new');
    expect(await bob.send(await bob.me.carryOver(world.url, { from: bob.me.epoch - 2 }))).toMatch(/^to /);
    expect(await bob.account()).toBe("bob's orders");
    const certificate = await world.registrar.certify({
      did: await bob.me.deriveForVerifier(world.url),
      audience: world.url,
      class: 'members',
    });
    await world.xid.revoke(await world.registrar.revoke(certificate));
    world.clock.advance(DAY);
    expect(await bob.account()).toBe('new');
    expect(await bob.send(await bob.me.carryOver(world.url))).toBe('SUCCESSION_INVALID:FOREIGN');
  });

  test('of a revoked identity carries nothing, long after its epoch, too', async () => {
    const world = await shop({ hasAccount: () => true });
    const ann = await withAccount(world);
    const old = await ann.me.identityFor(world.url, ann.me.epoch - 1);
    const certificate = await world.registrar.certify({
      did: old.did,
      audience: world.url,
      class: 'members',
      epoch: ann.me.epoch - 1,
    });
    await world.xid.revoke(await world.registrar.revoke(certificate));
    const steal = async () => {
      const to = await ann.me.identityFor(world.url);
      await ann.account();
      return ann.send(await createSuccession(old, to, { clock: world.clock }));
    };
    for (const days of [0, 2, 30, 366]) {
      world.clock.advance(days * DAY + 1);
      expect(await steal()).toBe('SUCCESSION_INVALID:FOREIGN');
    }
    world.clock.advance(3 * DAY);
    expect(await steal()).toMatch(/^to /); // 401 days: what the README says of revocationMemoryMs
  });

  test('of one that was revoked after it had left carries nothing', async () => {
    const world = await shop({ hasAccount: () => true });
    const ann = await withAccount(world);
    world.clock.advance(5 * DAY);
    await ann.account();
    const from = ann.me.epoch - 6;
    const statement = await ann.me.carryOver(world.url, { from });
    const revocation = await signRevocation(await registrarIdentity(), {
      did: ann.old,
      notAfter: (from + 2) * DAY, // over for days
    });
    await world.xid.revoke(revocation);
    expect(await ann.send(statement)).toBe('SUCCESSION_INVALID:FOREIGN');
  });

  test('may be sent again if the account could not be moved', async () => {
    let isDown = true;
    const world = await shop({
      carry: () => {
        if (isDown) throw new Error('the database is down');
      },
    });
    const { me, send } = await withAccount(world);
    const statement = await me.carryOver(world.url);
    expect(await send(statement)).toBe('other');
    isDown = false;
    expect(await send(statement)).toMatch(/^to /);
    expect(await send(statement)).toBe('SUCCESSION_INVALID:REPLAYED');
  });
});
