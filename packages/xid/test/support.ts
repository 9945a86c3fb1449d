import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import {
  Agent,
  DualModeAdapter,
  type DualModeOptions,
  Identity,
  MemoryClientStore,
  MemoryNonceStore,
  MemoryTrustRegistry,
  type XlinkAuth,
} from '@private.me/xlink';
import express from 'express';
import Koa from 'koa';
import { afterTest } from '../../../test/support/after-test.js';
import {
  EphemeralIdentity,
  type EphemeralIdentityOptions,
  type TrustedRegistrar,
  XidRegistrar,
  type XidRegistrarOptions,
  XidService,
  type XidServiceOptions,
} from '../src/index.js';
import { derivationThread } from '../src/master/thread.js';

export { afterTest } from '../../../test/support/after-test.js';
export { describeWhere } from '../../../test/support/needs-program.js';
export { temporaryFolder } from '../../../test/support/temporary-folder.js';
export { untilFound as until } from '../../../test/support/until.js';

afterAll(() => derivationThread.close());

export const DAY = 86_400_000;
/** Noon of a day: the middle of an epoch of one day. */
export const NOON = 20_000 * DAY + DAY / 2;

/** A clock that stands still until it is set. */
export function clockAt(start = NOON) {
  let now = start;
  return Object.assign(() => now, {
    set: (to: number) => void (now = to),
    advance: (by: number) => void (now += by),
  });
}
export type TestClock = ReturnType<typeof clockAt>;

/** 32 bytes that follow from a name. */
export const seedOf = (name: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`xid ${name}`).digest());

/** An identity that ends with the test; its seed follows from the name. */
export async function holder(
  name: string,
  clock: () => number,
  more: EphemeralIdentityOptions = {},
): Promise<EphemeralIdentity> {
  const me = await EphemeralIdentity.create({ masterSeed: seedOf(name), clock, maxVersion: 2, ...more });
  afterTest(() => me.close());
  return me;
}

export const CLASSES = { members: { scopes: ['orders:read', 'orders:write'] } };

export const registrarIdentity = (name = 'registrar'): Promise<Identity> =>
  Identity.fromSeed(seedOf(name), { maxVersion: 3 });

export async function registrarAt(
  clock: () => number,
  { name = 'registrar', ...more }: Partial<XidRegistrarOptions> & { readonly name?: string } = {},
): Promise<XidRegistrar> {
  const identity = await registrarIdentity(name);
  return new XidRegistrar({ identity, classes: CLASSES, clock, ...more });
}

/** What a service trusts of a registrar: all of its classes, certificates and tokens. */
export const trusted = (registrar: XidRegistrar, more: Partial<TrustedRegistrar> = {}): TrustedRegistrar => ({
  did: registrar.did,
  mlDsa65: registrar.mlDsa65!,
  classes: CLASSES,
  issuerKey: (name, epoch) => registrar.issuerKey(name, epoch),
  ...more,
});

export type Framework = 'Express' | 'Koa';

/** An API on a free port that lets in identities of epochs, and nobody else. */
export async function serve(
  registrars: readonly TrustedRegistrar[],
  clock: () => number,
  {
    framework = 'Express',
    service: settings = {},
    adapter: more = {},
  }: {
    readonly framework?: Framework;
    readonly service?: Partial<XidServiceOptions>;
    readonly adapter?: Partial<DualModeOptions>;
  } = {},
) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  const xid = new XidService({ audience: url, registrars, clock, ...settings });
  const registry = new MemoryTrustRegistry({ clock });
  const clients = new MemoryClientStore();
  const nonceStore = new MemoryNonceStore({ clock, coldStart: 'accept' }); // it runs for longer than the test
  const agent = await Agent.quickstart({ registry: xid.registry(registry), name: 'api', clock, nonceStore });
  const adapter = new DualModeAdapter({
    agent,
    legacyKeyValidator: (key) => (key === 'good' ? { id: 'acme', scopes: ['orders:read'] } : null),
    mode: 'hybrid',
    clock,
    ...xid.adapter(clients),
    ...more,
  });
  const seen: XlinkAuth[] = [];
  const handled = (request: object) => {
    const auth = adapter.authOf(request) as XlinkAuth;
    seen.push(auth);
    return { did: auth.did, client: auth.client, scopes: auth.scopes };
  };
  const app = express().use(adapter.middleware(), express.json());
  app.use((req, res) => void res.json(handled(req)));
  const koa = new Koa().use(adapter.koa());
  koa.use((ctx) => {
    ctx.body = handled(ctx.req);
  });
  server.on('request', framework === 'Express' ? app : koa.callback());
  afterTest(() => {
    adapter.close();
    server.close();
    server.closeAllConnections();
  });
  return { url, xid, registry, clients, agent, adapter, seen };
}

/** What a promise rejects with, in one word: the id, and the reason if there is one. */
export async function failure(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    const { id, reason, message } = error as { id?: string; reason?: string; message?: string };
    return reason === undefined ? (id ?? `no id: ${message}`) : `${id} ${reason}`;
  }
  return 'nothing';
}

/** Files that the project shares, beside the repository. */
export const sharedFile = (name: string): string => join(process.cwd(), '..', 'shared', name);
export const isThere = (file: string): boolean => existsSync(file);
