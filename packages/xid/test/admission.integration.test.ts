// What a registrar vouches for lets identities of epochs in, over HTTP, in front of Express and Koa, called by xidFetch and xlinkFetch.
import { describe, expect, test } from '@jest/globals';
import { formatReport } from '@private.me/xlink';
import { xlinkFetch } from '@private.me/xlink/client';
import { type CredentialSource, requestToken, type XidRegistrar, xidFetch } from '../src/index.js';
import {
  clockAt,
  DAY,
  type Framework,
  failure,
  holder,
  NOON,
  registrarAt,
  serve,
  trusted,
} from './support.js';

const bodyOf = async (answer: Response) =>
  (await answer.json()) as { did: string; client: string; scopes: string[] };
const certified =
  (registrar: XidRegistrar): CredentialSource =>
  (request) =>
    registrar.certify({ ...request, class: 'members' });
const blinded =
  (registrar: XidRegistrar, who = 'ann'): CredentialSource =>
  async ({ did, audience, epoch }) =>
    requestToken({
      did,
      audience,
      issuerKey: await registrar.issuerKey('members', epoch),
      registrar: { did: registrar.did },
      sign: (bytes) => registrar.blindSign('members', epoch, bytes, who),
    });

describe.each<[Framework, string, (registrar: XidRegistrar) => CredentialSource]>([
  ['Express', 'a certificate', certified],
  ['Koa', 'a certificate', certified],
  ['Express', 'a blind token', blinded],
  ['Koa', 'a blind token', blinded],
])('in front of %s, by %s', (framework, _, credentials) => {
  test('an identity of an epoch is let in, with the scopes of its class, as one of its class', async () => {
    const clock = clockAt();
    const registrar = await registrarAt(clock);
    const { url, registry, clients, adapter, xid } = await serve([trusted(registrar)], clock, { framework });
    const me = await holder('ann', clock);
    const fetch = xidFetch(me, credentials(registrar), { clock, baseUrl: url });
    const answer = await fetch(`${url}/orders`);
    expect(answer.headers.get('xlink-sealed')).toBe('true');
    const { did, client, scopes } = await bodyOf(answer);
    expect([did, client]).toEqual([await me.deriveForVerifier(url), 'xid:members']);
    expect(scopes).toEqual(['orders:read', 'orders:write']);

    // In the next epoch it is somebody else, and so on, without a restart.
    const dids = [did];
    for (let day = 1; day <= 3; day++) {
      clock.advance(DAY);
      dids.push((await bodyOf(await fetch(`${url}/orders`))).did);
    }
    expect(new Set(dids).size).toBe(4);
    expect(await xid.count('members')).toBe(2); // this epoch and the last one
    expect((await registry.list()).filter((entry) => dids.includes(entry.did))).toEqual([]);
    await adapter.close();
    expect(clients.list()).toMatchObject([{ client: 'xid:members', dids: [], xlinkRequests: 4 }]);
    expect(formatReport(await adapter.report())).toContain('xid:members');
  });
});

test('two lines: xlinkFetch itself takes an identity of an epoch, in sessions too', async () => {
  const clock = clockAt();
  const registrar = await registrarAt(clock);
  const { url, seen } = await serve([trusted(registrar)], clock, { adapter: { sessions: true } });
  const me = await holder('ann', clock);
  const fetch = xidFetch(me, certified(registrar), { clock, baseUrl: url });
  for (let call = 0; call < 3; call++) await fetch('/orders');
  expect(seen.map(({ form }) => form)).toEqual(['envelope', 'session', 'session']);
  const plain = xlinkFetch({
    clock,
    baseUrl: url,
    identity: { load: async () => (await me.identityFor(url)).exportPKCS8(), save() {} },
    introduce: async ({ did, origin }) => ({
      xidCertificate: await registrar.certify({ did, audience: origin, class: 'members' }),
    }),
  });
  expect((await bodyOf(await plain('/orders'))).did).toBe(seen[0]!.did);
});

describe('a certificate', () => {
  async function made(options: Parameters<typeof serve>[2] = {}) {
    const clock = clockAt();
    const registrar = await registrarAt(clock);
    const api = await serve([trusted(registrar)], clock, options);
    const me = await holder('ann', clock);
    const call = (source: CredentialSource) => xidFetch(me, source, { clock, baseUrl: api.url })('/orders');
    return { clock, registrar, me, call, ...api };
  }

  test('revoked by its registrar ends at once, in a session, too, and does not come back', async () => {
    const { clock, registrar, me, url, xid } = await made({ adapter: { sessions: true } });
    const fetch = xidFetch(me, certified(registrar), { clock, baseUrl: url });
    for (let call = 0; call < 3; call++) expect((await fetch(`${url}/orders`)).status).toBe(200);
    const did = await me.deriveForVerifier(url);
    const started = performance.now();
    await xid.revoke(
      await registrar.revoke(await registrar.certify({ did, audience: url, class: 'members' })),
    );
    expect(await failure(() => fetch(`${url}/orders`))).toContain('ANSWER_INVALID:NOT_SEALED');
    expect(performance.now() - started).toBeLessThan(5000);
    const again = xidFetch(me, certified(registrar), { clock, baseUrl: url });
    expect(await failure(() => again(`${url}/orders`))).toBe(
      'ENROLLMENT_REFUSED:NOT_ADMITTED CERTIFICATE_REVOKED',
    );
    clock.advance(DAY); // the registrar decides about the next one
    expect((await fetch(`${url}/orders`)).status).toBe(200);
  });

  test('that is shown again by its identity gives nothing more; by another one it is refused', async () => {
    const { registrar, me, url, call, clock, xid } = await made();
    const mine = await registrar.certify({
      did: await me.deriveForVerifier(url),
      audience: url,
      class: 'members',
    });
    for (let time = 0; time < 3; time++) expect((await call(() => mine)).status).toBe(200);
    expect(await xid.count('members')).toBe(1);
    const other = await holder('bob', clock);
    expect(await failure(() => xidFetch(other, () => mine, { clock, baseUrl: url })(url))).toBe(
      'ENROLLMENT_REFUSED:NOT_ADMITTED CERTIFICATE_INVALID:OTHER_DID',
    );
  });

  test.each<[string, string, (made_: Awaited<ReturnType<typeof made>>) => Promise<CredentialSource>]>([
    [
      'of a registrar that does not count',
      'CERTIFICATE_INVALID:REGISTRAR',
      async ({ clock }) => certified(await registrarAt(clock, { name: 'stranger' })),
    ],
    [
      'for another service',
      'CERTIFICATE_INVALID:AUDIENCE',
      async ({ registrar }) =>
        ({ did }) =>
          registrar.certify({ did, audience: 'https://other.example', class: 'members' }),
    ],
    [
      'that was changed',
      'CERTIFICATE_INVALID:SIGNATURE',
      async ({ registrar }) =>
        async (request) => ({
          ...(await registrar.certify({ ...request, class: 'members', scopes: ['orders:read'] })),
          scopes: ['orders:read', 'orders:write'],
        }),
    ],
    [
      'without the second signature',
      'CERTIFICATE_INVALID:SIGNATURE',
      async ({ registrar }) =>
        async (request) => {
          const { pqSignature: _, ...rest } = await registrar.certify({ ...request, class: 'members' });
          return rest;
        },
    ],
    [
      'that grants more than its registrar may',
      'CERTIFICATE_INVALID:SCOPES',
      async ({ clock }) => {
        const classes = { members: { scopes: ['orders:read', 'admin'] } };
        return certified(await registrarAt(clock, { classes }));
      },
    ],
    [
      'of a class that does not count',
      'CERTIFICATE_INVALID:CLASS',
      async ({ clock }) => {
        const strange = await registrarAt(clock, { classes: { guests: { scopes: ['orders:read'] } } });
        return (request) => strange.certify({ ...request, class: 'guests' });
      },
    ],
    ['that is none', 'CERTIFICATE_INVALID', async () => () => ({ kind: 'certificate' }) as never],
    [
      'of an epoch that is over',
      'CERTIFICATE_EXPIRED',
      async ({ clock, registrar }) => {
        return async (request) => {
          const early = await registrarAt(() => clock() - 2 * DAY);
          expect(early.did).toBe(registrar.did);
          return early.certify({ ...request, epoch: early.epoch, class: 'members' });
        };
      },
    ],
    [
      'of an epoch that is to come',
      'CERTIFICATE_NOT_YET',
      async ({ clock }) => {
        const late = await registrarAt(() => clock() + DAY);
        return (request) => late.certify({ ...request, epoch: late.epoch, class: 'members' });
      },
    ],
  ])('%s is refused as %s', async (_, reason, source) => {
    const world = await made();
    const from = await source(world);
    expect(await failure(() => world.call(from))).toBe(`ENROLLMENT_REFUSED:NOT_ADMITTED ${reason}`);
    expect(await world.xid.count('members')).toBe(0);
  });

  test('an identity that ends itself does not come back with the same certificate', async () => {
    const { clock, registrar, me, url, xid } = await made();
    const fetch = xidFetch(me, certified(registrar), { clock, baseUrl: url });
    expect((await fetch(url)).status).toBe(200);
    const ended = await fetch(`${url}/.well-known/xlink/enroll`, { method: 'DELETE' });
    expect([ended.status, await ended.json()]).toMatchObject([200, { client: 'xid:members', linked: false }]);
    expect(await failure(() => xidFetch(me, certified(registrar), { clock, baseUrl: url })(url))).toBe(
      'ENROLLMENT_REFUSED:NOT_ADMITTED CERTIFICATE_REVOKED',
    );
    expect(await xid.count('members')).toBe(1); // it makes no room, or one holder could do so without a bound
    clock.advance(2 * DAY);
    expect(await xid.count('members')).toBe(0);
  });

  test('who is known by a key is no pseudonym', async () => {
    const { clock, registrar, me, url, registry } = await made();
    const did = await me.deriveForVerifier(url);
    await registry.register({ did, sendScopes: ['admin'] });
    expect(await failure(() => xidFetch(me, certified(registrar), { clock, baseUrl: url })(url))).toBe(
      'ENROLLMENT_REFUSED:NOT_ADMITTED IDENTITY_KNOWN',
    );
  });

  test('a class has a bound, and room again when an epoch is over', async () => {
    const clock = clockAt();
    const registrar = await registrarAt(clock);
    const classes = { members: { scopes: ['*'], maxIdentities: 2 } };
    const { url } = await serve([trusted(registrar, { classes })], clock);
    const call = async (name: string) =>
      xidFetch(await holder(name, clock), certified(registrar), { clock, baseUrl: url })(url);
    for (const name of ['ann', 'bob']) expect((await call(name)).status).toBe(200);
    expect(await failure(() => call('cid'))).toBe('ENROLLMENT_REFUSED:NOT_ADMITTED CLASS_FULL');
    clock.advance(2 * DAY);
    expect((await call('cid')).status).toBe(200);
  });

  test('a class that is revoked is out at once, and so is who would join it', async () => {
    const { clock, registrar, me, url, adapter } = await made();
    const fetch = xidFetch(me, certified(registrar), { clock, baseUrl: url });
    expect((await fetch(url)).status).toBe(200);
    await adapter.revokeClient('xid:members', { allowUnknown: true });
    expect(await failure(() => fetch(url))).toContain('ANSWER_INVALID:NOT_SEALED');
    const other = xidFetch(await holder('bob', clock), certified(registrar), { clock, baseUrl: url });
    expect(await failure(() => other(url))).toBe('CLIENT_REVOKED');
  });

  test('keys enroll beside it as before', async () => {
    const { clock, url, clients } = await made();
    const fetch = xlinkFetch({ baseUrl: url, apiKey: 'good', clock });
    expect((await bodyOf(await fetch('/orders'))).client).toBe('acme');
    expect(clients.get('acme')!.dids).toHaveLength(1);
  });
});

describe('at the edge of an epoch', () => {
  const EDGE = Math.floor(NOON / DAY) * DAY + DAY;

  /** How far the clocks of holder, service and registrar are off, in s. Envelopes are good for 60 s, so the first two differ by less; the epoch is tolerated for 300 s. */
  test.each([
    [-25, 0, 0],
    [25, 0, 0],
    [-12, 12, 0],
    [12, -12, 0],
    [0, 0, 240],
    [0, 0, -240],
    [12, -12, -240],
    [-12, 12, 240],
  ])('a holder %i s off is let in by a service %i s and a registrar %i s off', async (...off) => {
    for (const at of [-1, 0]) {
      const [clock, ofService, ofRegistrar] = off.map((s) => () => EDGE + at + s * 1000) as [
        () => number,
        () => number,
        () => number,
      ];
      const registrar = await registrarAt(ofRegistrar);
      const { url } = await serve([trusted(registrar)], ofService);
      const me = await holder('ann', clock);
      for (const credentials of [certified, blinded])
        expect((await xidFetch(me, credentials(registrar), { clock, baseUrl: url })(url)).status).toBe(200);
    }
  });

  test('what began before the edge goes on behind it, for one epoch', async () => {
    const clock = clockAt(EDGE - 1000);
    const registrar = await registrarAt(clock);
    const { url } = await serve([trusted(registrar)], clock);
    const me = await holder('ann', clock);
    const before = xidFetch(me, certified(registrar), { clock, baseUrl: url });
    const first = (await bodyOf(await before(url))).did;
    clock.set(EDGE + DAY - 1000);
    const seed = await me.identityFor(url, Math.floor(EDGE / DAY) - 1);
    const old = xlinkFetch({ clock, baseUrl: url, identity: { load: () => seed.exportPKCS8(), save() {} } });
    expect((await bodyOf(await old(url))).did).toBe(first);
    clock.set(EDGE + DAY);
    expect(await failure(() => old(url))).not.toBe('nothing');
  });
});
