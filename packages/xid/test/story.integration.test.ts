// The demo tells the truth, the calls of the README run, and what is printed holds no secret.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as xlink from '@private.me/xlink';
import express from 'express';
import * as xid from '../src/index.js';
import { afterTest, failure, holder, registrarAt, seedOf, temporaryFolder } from './support.js';

const README = readFileSync(join(process.cwd(), 'packages/xid/README.md'), 'utf8');

/** The block of the README that has this text, as a function of what it declares. */
function snippet(marker: string, names: readonly string[], result: string, origin?: string) {
  const block = [...README.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, text]) => text!)
    .find((text) => text.includes(marker));
  if (!block) throw new Error(`the README has no block with ${marker}`);
  const text = origin === undefined ? block : block.replaceAll('https://api.example.com', origin);
  const code = text.replace(/^import .*$/gm, '').replace(/^declare .*$/gm, '');
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<unknown>;
  return new AsyncFunction(...names, `${code}\nreturn ${result};`);
}

test('the demo checks itself', () => {
  const args = [join(process.cwd(), 'packages/xid/demo/story.mjs'), '--check'];
  const said = execFileSync(process.execPath, args, { encoding: 'utf8' });
  expect(said.trimEnd().endsWith('ok')).toBe(true);
  expect(said).toContain('TOKEN_SPENT');
});

describe('the README', () => {
  test('identities of three kinds', async () => {
    const lines: unknown[] = [];
    const run = snippet('splitConfig', ['EphemeralIdentity', 'console'], '[eph, did1, did2, next]');
    const [eph, ...dids] = (await run(xid.EphemeralIdentity, {
      log: (...all: unknown[]) => lines.push(...all),
    })) as [xid.EphemeralIdentity, ...string[]];
    afterTest(() => eph.close());
    expect(new Set(dids).size).toBe(3);
    expect(lines[0]).toBe(3);
    expect(lines).toHaveLength(5);
  });

  test('a service as it is written, and a caller that it lets in', async () => {
    const registrar = await registrarAt(Date.now, { classes: { members: { scopes: ['orders:read'] } } });
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://localhost:${(server.address() as AddressInfo).port}`;
    const { Agent, DualModeAdapter, MemoryClientStore, MemoryTrustRegistry } = xlink;
    const parts = { express, Agent, DualModeAdapter, MemoryClientStore, MemoryTrustRegistry };
    const all = {
      ...parts,
      XidService: xid.XidService,
      registrarDid: registrar.did,
      registrarMlDsa65: registrar.mlDsa65,
    };
    const run = snippet(
      'xid.adapter(new MemoryClientStore())',
      Object.keys(all),
      '{ adapter, app, xid }',
      url,
    );
    const {
      adapter,
      app,
      xid: service,
    } = (await run(...Object.values(all))) as {
      adapter: xlink.DualModeAdapter;
      app: express.Express;
      xid: xid.XidService;
    };
    server.on('request', app);
    afterTest(async () => {
      server.close();
      server.closeAllConnections();
      await adapter.close();
    });
    const me = await holder('ann', Date.now);
    const ask = (request: xid.CredentialRequest) => registrar.certify({ ...request, class: 'members' });
    const call = async (options?: xid.XidFetchOptions) =>
      (await xid.xidFetch(me, ask, options)(`${url}/orders`)).json();
    expect(await failure(() => call())).toBe('DISCOVERY_FAILED:INSECURE');
    expect(await call({ baseUrl: url })).toEqual({ orders: [] });
    expect(await service.count('members')).toBe(1);
  });

  test('a service that takes tokens, and a revocation', async () => {
    const registrar = await registrarAt(Date.now, { classes: { members: { scopes: ['orders:read'] } } });
    const { did } = await xlink.Identity.fromSeed(seedOf('ann'), { maxVersion: 1 });
    const audience = 'https://api.example.com';
    const certificate = await registrar.certify({ did, audience, class: 'members' });
    const all = {
      XidService: xid.XidService,
      registrarDid: registrar.did,
      registrarMlDsa65: registrar.mlDsa65,
      published: (name: string, epoch: number) => registrar.issuerKey(name, epoch),
      revocation: await registrar.revoke(certificate),
    };
    const run = snippet('issuerKey: published', Object.keys(all), 'xid');
    const service = (await run(...Object.values(all))) as xid.XidService;
    const shown = (who: xlink.Did, proof: unknown) =>
      service.verify({ did: who, service: who, proof, at: Date.now() });
    const member = await registrar.certify({ did, audience, class: 'members' });
    expect(await shown(did, member)).toEqual({ refused: 'CERTIFICATE_REVOKED' });
    expect(await shown(did, { ...member, pqSignature: undefined })).toMatchObject({
      refused: expect.stringMatching(/^CERTIFICATE_INVALID/),
    });
    const bob = await xlink.Identity.fromSeed(seedOf('bob'), { maxVersion: 1 });
    const token = await xid.requestToken({
      did: bob.did,
      audience,
      issuerKey: await registrar.issuerKey('members'),
      registrar: { did: registrar.did },
      sign: (blinded) => registrar.blindSign('members', registrar.epoch, blinded, 'bob'),
    });
    expect(await shown(bob.did, token)).toMatchObject({ client: 'xid:members' });
  });

  test('a registrar, and how its identity is made', async () => {
    const place = join(await temporaryFolder(), 'registrar.p8');
    const fs = await import('node:fs/promises');
    const write = (_: string, data: Uint8Array, options: object) => fs.writeFile(place, data, options);
    const make = snippet('made.exportPKCS8()', ['randomBytes', 'writeFile', 'Identity'], 'made');
    const identity = (await make(randomBytes, write, xlink.Identity)) as xlink.Identity;
    expect(await failure(() => make(randomBytes, write, xlink.Identity))).toContain('EEXIST');
    expect((await fs.stat(place)).mode & 0o777).toBe(0o600);

    const folder = await temporaryFolder();
    class Keys extends xid.FileIssuerKeys {
      constructor() {
        super(folder);
      }
    }
    class Registrar extends xid.XidRegistrar {
      override certify(request: xid.CertificateRequest) {
        return super.certify({ ...request, did: identity.did });
      }
    }
    const lines: unknown[] = [];
    const asRegistrar = snippet(
      'new XidRegistrar',
      ['readFile', 'Identity', 'FileIssuerKeys', 'XidRegistrar', 'console'],
      'certificate',
    );
    const read = () => fs.readFile(place);
    const certificate = await asRegistrar(read, xlink.Identity, Keys, Registrar, {
      log: (...all: unknown[]) => lines.push(...all),
    });
    expect(certificate).toMatchObject({ kind: 'certificate', class: 'members', registrar: identity.did });
    expect(lines).toEqual([
      expect.objectContaining({ kind: 'revocation' }),
      expect.any(Uint8Array),
      identity.did,
      expect.stringMatching(/^[\w-]{2603}$/),
    ]);
  });

  test('lists every error', () => {
    for (const id of Object.keys(xid.XID_ERROR_TABLE)) expect(README).toContain(`| \`${id}\` |`);
  });
});

describe('the calls that the identity layers are described by', () => {
  test('an identity for each of two services, and another one in the next epoch', async () => {
    const eph = await xid.EphemeralIdentity.create({
      epochDurationMs: 86400000,
      splitConfig: { totalShares: 3, threshold: 2 },
    });
    afterTest(() => eph.close());
    const { epoch } = eph;
    const did1 = await eph.deriveForVerifier('ServiceA');
    const did2 = await eph.deriveForVerifier('ServiceB');
    expect(did1 !== did2).toBe(true);
    expect((await eph.deriveForVerifier('ServiceA', epoch + 1)) !== did1).toBe(true);
  });

  test('an hour as an epoch, beside an agent that has a lasting identity', async () => {
    const internal = await xlink.Agent.quickstart({ name: 'InternalService' });
    const customer = await xid.EphemeralIdentity.create({ epochDurationMs: 3600000 });
    afterTest(() => customer.close());
    const did = await customer.deriveForVerifier('CustomerPortal');
    expect(did).toMatch(/^did:key:z6Mk/);
    expect(did).not.toBe(internal.did);
  });

  test('one for each device, service and epoch: the laptop and the next week are others', async () => {
    const masterSeed = new Uint8Array(32).fill(5);
    const resource = 'https://app.example.com/dashboard';
    const on = async (device: string) => {
      const eph = await xid.EphemeralIdentity.create({ masterSeed, device, epochDurationMs: 7 * 86_400_000 });
      afterTest(() => eph.close());
      return [await eph.deriveForVerifier(resource), await eph.deriveForVerifier(resource, eph.epoch + 1)];
    };
    expect(new Set([...(await on('mobile')), ...(await on('laptop'))]).size).toBe(4);
  });
});
