// Tokens of another class, epoch, issuer, identity; keys that are swapped; holders that ask too often; certificates as the registrar refuses them.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Identity, MemoryClientStore } from '@private.me/xlink';
import {
  FileIssuerKeys,
  KnownIssuerKeys,
  requestToken,
  type TrustedRegistrar,
  XidRegistrar,
  type XidRegistrarOptions,
  XidService,
  type XidServiceOptions,
  type XidToken,
} from '../src/index.js';
import { CLASSES, clockAt, DAY, failure, registrarAt, seedOf, temporaryFolder, trusted } from './support.js';

const AUDIENCE = 'https://api.example';
const TWO = { ...CLASSES, guests: { scopes: ['orders:read'] } };

async function world() {
  const clock = clockAt();
  const registrar = await registrarAt(clock, { classes: TWO, maxTokensPerHolder: 5 });
  const { did } = await Identity.fromSeed(seedOf('ann'), { maxVersion: 1 });
  const serve = (more: Partial<TrustedRegistrar> = {}) =>
    new XidService({ audience: AUDIENCE, registrars: [trusted(registrar, more)], clock });
  const token = async (
    by = registrar,
    { name = 'members', epoch = by.epoch, who = did, audience = AUDIENCE, holder = 'ann' } = {},
  ) =>
    requestToken({
      did: who,
      audience,
      issuerKey: await by.issuerKey(name, epoch),
      registrar: { did: by.did },
      sign: (blinded) => by.blindSign(name, epoch, blinded, holder),
    });
  const shown = async (service: XidService, proof: unknown, who = did) => {
    const answer = await service.verify({ did: who, service: did, proof, at: clock() });
    return 'refused' in answer ? answer.refused : answer.client;
  };
  return { clock, registrar, did, serve, token, shown };
}

describe('a token', () => {
  test('is good once, for its identity, with the scopes of its class', async () => {
    const { serve, token, shown, did, clock } = await world();
    const service = serve();
    const one = await token();
    const answer = await service.verify({ did, service: did, proof: one, at: clock() });
    expect(answer).toMatchObject({ client: 'xid:members', scopes: CLASSES.members.scopes });
    expect(await shown(service, one)).toBe('TOKEN_SPENT');
    expect(await shown(service, await token())).toBe('xid:members'); // another one, of the same identity
  });

  test('is good again if nothing came of it', async () => {
    const { serve, token, shown, did, clock } = await world();
    const service = serve();
    const one = await token();
    const answer = await service.verify({ did, service: did, proof: one, at: clock() });
    if (!('undo' in answer)) throw new Error('not admitted');
    await answer.undo!();
    expect(await service.count('members')).toBe(0);
    expect(await shown(service, one)).toBe('xid:members');
  });

  test('of another class is refused, also under the name of this one', async () => {
    const { serve, token, shown } = await world();
    const service = serve();
    const guest = await token(undefined, { name: 'guests' });
    expect(await shown(service, guest)).toBe('TOKEN_INVALID:CLASS');
    expect(await shown(service, { ...guest, class: 'members' })).toBe('TOKEN_INVALID:ISSUER');
    const { keyId } = await token();
    expect(await shown(service, { ...guest, class: 'members', keyId })).toBe('TOKEN_INVALID:SIGNATURE');
  });

  test('of another epoch is refused, also under the number of this one', async () => {
    const { clock, registrar, serve, token, shown } = await world();
    const service = serve();
    const old = await token();
    clock.advance(DAY);
    expect(await shown(service, old)).toBe('xid:members'); // the epoch behind
    const older = await token(undefined, { epoch: registrar.epoch - 1 });
    clock.advance(DAY);
    expect(await shown(service, older)).toBe('TOKEN_INVALID:EPOCH');
    expect(await shown(service, { ...older, epoch: registrar.epoch })).toBe('TOKEN_INVALID:ISSUER');
    const { keyId } = await token();
    expect(await shown(service, { ...older, epoch: registrar.epoch, keyId })).toBe('TOKEN_INVALID:SIGNATURE');
    const early = await registrarAt(() => clock() + DAY, { classes: TWO });
    expect(await shown(service, await token(early))).toBe('TOKEN_INVALID:EPOCH');
    expect(await failure(() => registrar.issuerKey('members', registrar.epoch + 1))).toBe(
      'TOKEN_INVALID:EPOCH',
    );
  });

  test('of another issuer is refused, also in the name of this one', async () => {
    const { clock, registrar, serve, token, shown } = await world();
    const service = serve();
    const stranger = await registrarAt(clock, { name: 'stranger' });
    const foreign = await token(stranger);
    expect(await shown(service, foreign)).toBe('TOKEN_INVALID:ISSUER');
    expect(await shown(service, { ...foreign, registrar: registrar.did })).toBe('TOKEN_INVALID:ISSUER');
    const twin = await registrarAt(clock, { classes: TWO }); // the same identity, with keys of its own
    expect(await shown(service, await token(twin))).toBe('TOKEN_INVALID:ISSUER');
    expect(await shown(serve({ issuerKey: async () => undefined }), await token())).toBe(
      'TOKEN_INVALID:ISSUER',
    );
  });

  test('of another identity or service is refused, and so is what is none', async () => {
    const { serve, token, shown } = await world();
    const service = serve();
    const other = (await Identity.fromSeed(seedOf('bob'), { maxVersion: 1 })).did;
    const one = await token();
    expect(await shown(service, one, other)).toBe('TOKEN_INVALID:OTHER_DID');
    expect(await shown(service, { ...one, did: other }, other)).toBe('TOKEN_INVALID:SIGNATURE');
    const elsewhere = await token(undefined, { audience: 'https://other.example' });
    expect(await shown(service, elsewhere)).toBe('TOKEN_INVALID:OTHER_DID');
    for (const [name, value] of Object.entries({
      prefix: 'x',
      signature: '=',
      keyId: '',
      epoch: -1,
      class: 'A',
      audience: 5,
    }))
      expect([name, await shown(service, { ...one, [name]: value } as unknown as XidToken)]).toEqual([
        name,
        'TOKEN_INVALID',
      ]);
    expect(await shown(service, { kind: 'token' })).toBe('TOKEN_INVALID');
  });

  test('of a key that grants more than the issuer may is refused', async () => {
    const { serve, token, shown } = await world();
    const service = serve({ classes: { members: { scopes: ['orders:read'] } } });
    expect(await shown(service, await token())).toBe('TOKEN_INVALID:SCOPES');
  });

  test('that was refused for want of room is not spent', async () => {
    const { serve, token, shown } = await world();
    const service = serve({ classes: { members: { scopes: ['*'], maxIdentities: 1 } } });
    const other = (await Identity.fromSeed(seedOf('bob'), { maxVersion: 1 })).did;
    expect(await shown(service, await token())).toBe('xid:members');
    const late = await token(undefined, { who: other });
    expect(await shown(service, late, other)).toBe('CLASS_FULL');
    expect(await shown(service, late, other)).toBe('CLASS_FULL');
  });
});

describe('a registrar', () => {
  test('signs as often for a holder as it may, in each class and epoch, and whatever comes in', async () => {
    const { clock, registrar, token } = await world();
    for (let at = 0; at < 5; at++) await token();
    expect(await failure(() => token())).toBe('ISSUANCE_REFUSED');
    expect(await failure(() => token(undefined, { name: 'guests' }))).toBe('nothing');
    expect(await failure(() => token(undefined, { holder: 'bob' }))).toBe('nothing');
    clock.advance(DAY);
    expect(await failure(() => token())).toBe('nothing');
    expect(
      await failure(() => registrar.blindSign('members', registrar.epoch, new Uint8Array(5), 'cid')),
    ).toBe('BLIND_INPUT_INVALID');
    expect(await failure(() => registrar.issuerKey('nobody'))).toBe('CLASS_UNKNOWN');
  });

  test('signs with the same key after a restart, where it is kept', async () => {
    const folder = `${await temporaryFolder()}/keys`;
    const clock = clockAt();
    const start = () => registrarAt(clock, { issuerKeys: new FileIssuerKeys(folder) });
    const [one, two] = await Promise.all([start(), start()]);
    const [a, b] = await Promise.all([one!.issuerKey('members'), two!.issuerKey('members')]);
    expect(b.spki).toBe(a.spki);
    expect((await (await start()).issuerKey('members')).spki).toBe(a.spki);
    clock.advance(3 * DAY);
    expect((await one!.issuerKey('members')).spki).not.toBe(a.spki);
  });

  test('keeps one whole key, however many make one, and uses nothing else', async () => {
    const folder = `${await temporaryFolder()}/keys`;
    const clock = clockAt();
    const start = () => registrarAt(clock, { issuerKeys: new FileIssuerKeys(folder) });
    const all = await Promise.all(Array.from({ length: 6 }, start));
    const shown = await Promise.all(all.map((one) => one.issuerKey('members')));
    expect(new Set(shown.map(({ spki }) => spki)).size).toBe(1);
    expect((await readdir(folder)).length).toBe(1); // nothing is left beside it

    const { epoch } = all[0]!;
    const file = join(folder, `members.${epoch}.key`);
    const whole = await readFile(file);
    const unusable = async () => failure(async () => (await start()).issuerKey('members'));
    for (const content of [Buffer.alloc(0), whole.subarray(0, 600), Buffer.from('x')]) {
      await writeFile(file, content);
      expect(await unusable()).toBe('ISSUER_KEY_UNUSABLE');
      expect((await readFile(file)).equals(content)).toBe(true); // it is not replaced
    }
    await writeFile(file, whole);
    await chmod(file, 0o644);
    expect(await unusable()).toBe('ISSUER_KEY_UNUSABLE');
    await chmod(file, 0o600);
    expect(await unusable()).toBe('nothing');
    await rm(file);
    await mkdir(file, { mode: 0o700 });
    expect(await unusable()).toBe('ISSUER_KEY_UNUSABLE');
    await rm(file, { recursive: true });
    execFileSync('mkfifo', ['-m', '600', file]);
    expect(await unusable()).toBe('ISSUER_KEY_UNUSABLE');
  });

  test('removes the keys of past epochs when it is started anew', async () => {
    const folder = await temporaryFolder();
    const clock = clockAt();
    const start = () => registrarAt(clock, { issuerKeys: new FileIssuerKeys(folder) });
    const { epoch } = await start();
    await (await start()).issuerKey('members');
    await writeFile(join(folder, '.members.1.key.0123456789ab.tmp'), 'x', { mode: 0o600 });
    await utimes(join(folder, '.members.1.key.0123456789ab.tmp'), 1, 1);
    await writeFile(join(folder, 'of-others.txt'), 'x');
    clock.advance(2 * DAY);
    await (await start()).issuerKey('members');
    expect(new Set(await readdir(folder))).toEqual(new Set([`members.${epoch + 2}.key`, 'of-others.txt']));
  });

  test('certifies what is in its classes, now', async () => {
    const { clock, registrar, did } = await world();
    const ask = (more: object) => registrar.certify({ did, audience: AUDIENCE, class: 'guests', ...more });
    const first = await ask({});
    expect(await ask({})).toEqual({ ...first, pqSignature: expect.any(String) }); // the same for the same
    expect(await failure(() => ask({ class: 'nobody' }))).toBe('CLASS_UNKNOWN');
    expect(await failure(() => ask({ scopes: ['orders:write'] }))).toBe('CERTIFICATE_INVALID:SCOPES');
    expect(await failure(() => ask({ did: 'did:web:x' }))).toBe('CERTIFICATE_INVALID');
    expect(await failure(() => ask({ epoch: registrar.epoch + 1 }))).toBe('CERTIFICATE_NOT_YET');
    expect(await failure(() => ask({ epoch: registrar.epoch - 2 }))).toBe('CERTIFICATE_EXPIRED');
    expect(await failure(() => ask({ audience: '' }))).toBe('VERIFIER_INVALID');
    clock.advance(1);
    expect((await ask({})).notAfter).toBe(first.notAfter); // a time of day would tell one from another
  });

  test('that shows two keys for one class and epoch is found out by who has seen both', async () => {
    const { clock, registrar } = await world();
    const twin = await registrarAt(clock, { classes: TWO });
    const known = new KnownIssuerKeys({ did: registrar.did, mlDsa65: registrar.mlDsa65! });
    const key = await registrar.issuerKey('members');
    expect(await known.take(key)).toEqual(key);
    expect(await known.take(key)).toEqual(key);
    await known.take(await registrar.issuerKey('guests'));
    expect(await failure(async () => known.take(await twin.issuerKey('members')))).toBe('ISSUER_KEY_CHANGED');
    expect(await failure(() => known.take({ ...key, scopes: ['admin'] }))).toBe('ISSUER_KEY_INVALID');
    expect(await failure(() => known.take({}))).toBe('ISSUER_KEY_INVALID');
  });

  test('revokes what is its own, and in its own words', async () => {
    const { clock, registrar, did, serve, shown } = await world();
    const service = serve();
    const certificate = await registrar.certify({ did, audience: AUDIENCE, class: 'members' });
    const stranger = await registrarAt(clock, { name: 'stranger' });
    const revocation = await registrar.revoke(certificate);
    for (const bad of [
      await stranger.revoke(certificate),
      { ...revocation, did: stranger.did },
      { ...revocation, pqSignature: undefined },
      {},
      null,
    ])
      expect(await failure(() => service.revoke(bad))).toBe('REVOCATION_INVALID');
    expect(await shown(service, certificate)).toBe('xid:members');
    await service.revoke(revocation);
    expect(await shown(service, certificate)).toBe('CERTIFICATE_REVOKED');
  });
});

test('an adapter is not put in front of a registry in which identities would never end', async () => {
  const { serve } = await world();
  expect(await failure(() => serve().adapter(new MemoryClientStore()))).toBe('INVALID_OPTION');
});

describe('options', () => {
  const identity = Identity.fromSeed(seedOf('registrar'), { maxVersion: 1 });
  test.each<[string, object]>([
    ['identity', { identity: {} }],
    ['classes', { classes: {} }],
    ['classes', { classes: { A: { scopes: [] } } }],
    ['scopes', { classes: { a: { scopes: 'x' } } }],
    ['modulusLength', { modulusLength: 1024 }],
    ['maxTokensPerHolder', { maxTokensPerHolder: 0 }],
    ['epochDurationMs', { epochDuration: 1 }],
  ])('of a registrar: %s: %j is refused', async (name, options) => {
    const whole = { identity: await identity, classes: CLASSES, ...options } as XidRegistrarOptions;
    expect(() => new XidRegistrar(whole)).toThrow(new RegExp(name));
  });

  test.each<[string, object]>([
    ['audience', { audience: [] }],
    ['registrars', { registrars: [] }],
    ['did', { registrars: [{ did: 'x', classes: CLASSES }] }],
    ['mlDsa65', { registrars: [{ did: '', mlDsa65: 'x', classes: CLASSES }] }],
    ['store', { store: {} }],
    ['maxSkewMs', { maxSkewMs: -1 }],
    ['audience', { audiences: AUDIENCE }],
  ])('of a service: %s: %j is refused', async (name, options) => {
    const { did } = await identity;
    const registrars = [{ did, classes: CLASSES }];
    const whole = { audience: AUDIENCE, registrars, ...options } as XidServiceOptions;
    if (name === 'mlDsa65') Object.assign(whole.registrars[0]!, { did });
    expect(() => new XidService(whole)).toThrow(new RegExp(name));
  });
});
