// The demo tells the truth, the calls of the README run, and what is printed holds no secret.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as xlink from '@private.me/xlink';
import * as xid from '../src/index.js';
import { afterTest, temporaryFolder } from './support.js';

const README = readFileSync(join(process.cwd(), 'packages/xid/README.md'), 'utf8');

/** The block of the README that has this text, as a function of what it declares. */
function snippet(marker: string, names: readonly string[], result: string) {
  const block = [...README.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, text]) => text!)
    .find((text) => text.includes(marker));
  if (!block) throw new Error(`the README has no block with ${marker}`);
  const code = block.replace(/^import .*$/gm, '').replace(/^declare .*$/gm, '');
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

  test('a service in two lines, and a registrar of its own', async () => {
    const identity = await xlink.Identity.fromSeed(new Uint8Array(32).fill(7), { maxVersion: 3 });
    const names = [
      'Agent',
      'DualModeAdapter',
      'MemoryClientStore',
      'MemoryTrustRegistry',
      'XidService',
      'registrarDid',
    ];
    const run = snippet('xid.adapter(new MemoryClientStore())', names, 'adapter');
    const { Agent, DualModeAdapter, MemoryClientStore, MemoryTrustRegistry } = xlink;
    const adapter = (await run(
      Agent,
      DualModeAdapter,
      MemoryClientStore,
      MemoryTrustRegistry,
      xid.XidService,
      identity.did,
    )) as xlink.DualModeAdapter;
    expect(adapter.mode).toBe('observe');
    await adapter.close();

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
      ['Identity', 'FileIssuerKeys', 'XidRegistrar', 'console'],
      'certificate',
    );
    const certificate = await asRegistrar({ fromPKCS8: async () => identity }, Keys, Registrar, {
      log: (...all: unknown[]) => lines.push(...all),
    });
    expect(certificate).toMatchObject({ kind: 'certificate', class: 'members', registrar: identity.did });
    expect(lines).toEqual([expect.objectContaining({ kind: 'revocation' }), expect.any(Uint8Array)]);
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
