import { describe, expect, test } from '@jest/globals';
import { type Did, MigrationPlan } from '@private.me/xlink';
import { ACME } from '../../support/http.js';
import { optionRefusedBy, thrownBy, unwrap } from '../../support/results.js';
import { until } from '../../support/until.js';
import { World } from '../../support/world.js';
import { enrollment, sealed, withKey } from '../requests.js';

const SCOPE = { scope: 'orders:read' };

/** An API with one enrolled device of acme. */
async function made() {
  const world = new World();
  const api = await world.agent('api');
  const service = await world.serve({ agent: api, clock: world.clock, clients: world.clients });
  const device = await world.stranger('device');
  expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  return { world, api, service, adapter: service.adapter, device };
}

type Made = Awaited<ReturnType<typeof made>>;

const idOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (done) => ({ done }),
    ({ id }) => id,
  );

describe('what becomes of a name that is misspelled', () => {
  const unknown = 'did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf' as Did;

  test.each<[call: string, said: unknown, make: (made: Made) => Promise<unknown>]>([
    ['revokeClient', 'CLIENT_UNKNOWN', ({ adapter }) => adapter.revokeClient('amce')],
    ['revokeClient of a DID', 'CLIENT_UNKNOWN', ({ adapter }) => adapter.revokeClient(unknown)],
    ['restoreClient', 'CLIENT_UNKNOWN', ({ adapter }) => adapter.restoreClient('amce', { reactivate: [] })],
    [
      'restoreClient, a DID in it',
      'INVALID_OPTION',
      async ({ adapter }) => {
        await adapter.revokeClient('acme');
        return adapter.restoreClient('acme', { reactivate: [unknown] });
      },
    ],
    ['unlink', 'ENROLLMENT_REFUSED:NOT_ENROLLED', ({ adapter }) => adapter.unlink(unknown)],
    ['clearMode of a client', { done: false }, async ({ adapter }) => adapter.clearMode({ client: 'amce' })],
    [
      'clearMode of a route',
      { done: false },
      async ({ adapter }) => adapter.clearMode({ route: { path: '/odrers' } }),
    ],
    [
      'registry.revoke',
      { done: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY' },
      async ({ world }) => {
        const result = await world.registry.revoke(unknown);
        return result.ok || result.error.id;
      },
    ],
    [
      'registry.updateScopes',
      { done: 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY' },
      async ({ world }) => {
        const result = await world.registry.updateScopes(unknown, { scopes: ['*'] });
        return result.ok || result.error.id;
      },
    ],
  ])('%s', async (_call, said, make) => {
    expect(await idOf(make(await made()))).toEqual(said);
  });

  /** What the message must say of what was given: of a DID itself, of an id only where it is nearly a client's. */
  test.each<[call: string, says: RegExp | ((device: Did) => string), make: (made: Made) => unknown]>([
    [
      'revokeClient, misspelled',
      /revokeClient was given "amce"; did you mean "acme"\?/,
      ({ adapter }) => adapter.revokeClient('amce'),
    ],
    [
      'restoreClient, misspelled',
      /restoreClient was given "Acme"; did you mean "acme"\?/,
      ({ adapter }) => adapter.restoreClient('Acme'),
    ],
    [
      'an API key in place of an id',
      /an id that is not among adapter\.clientRecords\(\)/,
      ({ adapter }) => adapter.revokeClient(ACME),
    ],
    [
      'an unknown DID',
      /was given did:key:z6MknGc3\S+, which is neither a DID of a client nor in the trust registry/,
      ({ adapter }) => adapter.revokeClient(unknown),
    ],
    [
      'a DID of the client, to revoke',
      (did) => `revokeClient was given ${did}, which is a DID of the client "acme"`,
      ({ adapter, device }) => adapter.revokeClient(device.did),
    ],
    [
      'a DID of the client, to restore',
      (did) => `restoreClient was given ${did}, which is a DID of the client "acme"`,
      ({ adapter, device }) => adapter.restoreClient(device.did),
    ],
    ['a number', /must be its id, a string .*not number/, ({ adapter }) => adapter.revokeClient(42 as never)],
    [
      'unlink of an unknown DID',
      /unlink was given did:key:z6MknGc3.*revokeClient\(did\)/,
      ({ adapter }) => adapter.unlink(unknown),
    ],
    [
      'unlink of a client',
      /first argument must be a DID, such as did:key:z6Mk/,
      ({ adapter }) => adapter.unlink('acme'),
    ],
    [
      'a foreign DID to reactivate',
      /did:key:z6MknGc3\S+ is no DID of the client/,
      ({ adapter }) => adapter.restoreClient('acme', { reactivate: [unknown] }),
    ],
    ['a mode', /mode must be one of observe, hybrid/, ({ adapter }) => adapter.setMode('xlinkonly' as never)],
    [
      'a target in place of the reason',
      /comes after it: setMode\(mode, reason, \{ client \}\)/,
      ({ adapter }) => adapter.setMode('hybrid', { client: 'acme' } as never),
    ],
    [
      'a path in place of a route',
      /route must be an object: \{ path, methods\? \}/,
      ({ adapter }) => adapter.setMode('hybrid', 'x', { route: '/a' as never }),
    ],
    [
      'texts in place of dates',
      /scheduleBrownout: from must be a valid Date/,
      ({ adapter }) => adapter.scheduleBrownout({ from: '2027-01-01', until: '2027-01-02' } as never),
    ],
    [
      'a misspelled end',
      /there is no option to; known are from, until/,
      ({ adapter }) => adapter.scheduleBrownout({ from: new Date(), to: new Date() } as never),
    ],
    [
      'days in place of ms',
      /quietMs must be a whole number from .*, in ms/,
      ({ adapter }) => adapter.report({ quietMs: '1d' } as never),
    ],
    [
      'a Date in place of ms',
      /since must be a time in ms since 1970, such as date\.getTime\(\)/,
      ({ adapter }) => new MigrationPlan({ adapter, since: new Date() as never }),
    ],
    [
      'registry.revoke of an unknown DID',
      /did:key:z6MknGc3\S+ has no entry/,
      async ({ world }) => unwrap(await world.registry.revoke(unknown)),
    ],
    [
      'registry.revoke of a client',
      /What was given is no did:key/,
      async ({ world }) => unwrap(await world.registry.revoke('acme')),
    ],
    [
      'a scope in place of a list',
      /sendScopes .*array of strings/,
      async ({ world, device }) =>
        unwrap(await world.registry.updateScopes(device.did, { scopes: 'a' as never })),
    ],
  ])('the message says what was given, and what to do: %s', async (_call, says, make) => {
    const given = await made();
    const { message } = await thrownBy(() => make(given));
    if (typeof says === 'function') expect(message).toContain(says(given.device.did));
    else expect(message).toMatch(says);
    expect(message).not.toContain(ACME);
  });

  test('the message is there where clients cannot be listed', async () => {
    const { adapter, world } = await made();
    world.clients.list = () => {
      throw new Error('away');
    };
    expect((await thrownBy(() => adapter.revokeClient('amce'))).id).toBe('CLIENT_UNKNOWN');
  });

  test('nothing is left behind by what was refused', async () => {
    const { world, adapter } = await made();
    await expect(adapter.revokeClient('amce')).rejects.toMatchObject({ id: 'CLIENT_UNKNOWN' });
    expect(world.clients.get('amce')).toBeUndefined();
  });

  test('a mode for a client of whom nothing is known is set, and warned of', async () => {
    const { adapter, service } = await made();
    adapter.setMode('xlink-only', undefined, { client: 'amce' });
    adapter.setMode('deprecation', undefined, { client: 'acme' });
    await until(() => service.of('warning').length > 0);
    expect(service.of('warning')).toMatchObject([
      { code: 'CLIENT_UNKNOWN', message: expect.stringMatching(/"amce"; did you mean "acme"\?.*clearMode/) },
    ]);
    expect(adapter.clearMode({ client: 'amce' })).toBe(true);
    expect(adapter.clearMode({ client: 'amce' })).toBe(false);
  });

  test('unlink says to the operator where DIDs are listed, not to enroll', async () => {
    const { adapter } = await made();
    await expect(adapter.unlink(unknown)).rejects.toMatchObject({
      hint: expect.stringContaining('clientRecords()'),
    });
  });
});

describe('a client that is known only', () => {
  test('by a request of the last moment can be ended', async () => {
    const { adapter, service } = await made();
    await service.accepted(withKey('key-canary-cask-99e0d1'));
    expect(await adapter.revokeClient('cask')).toMatchObject({ known: true, dids: [] });
    await service.refused(withKey('key-canary-cask-99e0d1'), '403 CLIENT_REVOKED');
  });

  test('to its operator can be ended beforehand', async () => {
    const { adapter, service } = await made();
    const done = await adapter.revokeClient('cask', { allowUnknown: true });
    expect(done).toMatchObject({ known: false, dids: [] });
    await service.refused(withKey('key-canary-cask-99e0d1'), '403 CLIENT_REVOKED');
  });

  test('as a DID that was never enrolled is ended by that, and comes back as what it was', async () => {
    const { world, api, adapter, service } = await made();
    const partner = await world.agent('partner');
    await service.accepted(sealed(partner, api, {}, SCOPE));
    expect(await adapter.revokeClient(partner.did)).toMatchObject({ known: true, dids: [partner.did] });
    await service.refused(sealed(partner, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
    const back = await adapter.restoreClient(partner.did, { reactivate: [partner.did] });
    expect(back).toMatchObject({ reactivated: [partner.did], wasRevoked: true });
    await service.accepted(sealed(partner, api, {}, SCOPE));
    expect(world.clients.clientOf(partner.did)).toBeUndefined();
  });

  test('as a DID of another client is that one’s: the error says so', async () => {
    const { adapter, device } = await made();
    await expect(adapter.revokeClient(device.did)).rejects.toMatchObject({
      id: 'CLIENT_UNKNOWN',
      hint: expect.stringContaining('unlink()'),
    });
  });
});

describe('a client is restored by who says what becomes of its DIDs', () => {
  test('without that nothing is done: it would be locked out, or let in, unseen', async () => {
    const { world, adapter, service, device } = await made();
    await adapter.revokeClient('acme');
    expect(await optionRefusedBy(() => adapter.restoreClient('acme'))).toBe('reactivate');
    await expect(adapter.restoreClient('acme')).rejects.toMatchObject({
      hint: expect.stringMatching(/1 DID.*\[\]/),
    });
    expect(world.clients.clientOf(device.did)).toBe('acme');
    await service.refused(withKey(ACME), '403 CLIENT_REVOKED');
  });

  test('a client that has none needs no word of it', async () => {
    const { adapter, service } = await made();
    await service.accepted(withKey('key-canary-cask-99e0d1'));
    await adapter.revokeClient('cask');
    expect(await adapter.restoreClient('cask')).toMatchObject({ wasRevoked: true, unlinked: [] });
    await service.accepted(withKey('key-canary-cask-99e0d1'));
  });

  test('one that is not revoked is left alone, and that is said', async () => {
    const { world, adapter, service, device } = await made();
    await world.registry.revoke(device.did);
    expect(await adapter.restoreClient('acme')).toEqual({
      client: 'acme',
      wasRevoked: false,
      reactivated: [],
      unlinked: [],
    });
    expect(world.clients.clientOf(device.did)).toBe('acme');
    expect(service.of('client-revocation')).toEqual([]);
  });
});
