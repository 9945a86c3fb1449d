import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  err,
  Identity,
  type KeyRecord,
  operatorHint,
  type TrustRegistry,
  type Version,
  xlinkError,
} from '@private.me/xlink';
import express, { type RequestHandler } from 'express';
import type { SignedDiscoveryDocument } from '../../../src/discovery/document.js';
import { verifyDocument } from '../../../src/discovery/signed-document.js';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { assertKeyRecord } from '../../../src/identity/key-record.js';
import { MINUTE, SECOND } from '../../support/clock.js';
import type { Mounted } from '../../support/express.js';
import { ACME, ACME_TOO, BOLT, bodyForm, problemOf, WRONG } from '../../support/http.js';
import { optionRefusedBy } from '../../support/results.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, enrollmentEnvelope, sealed, withKey } from '../requests.js';

import { made } from './enrollment-support.js';

const SCOPE = { scope: 'orders:read' };
describe('how often a client may try', () => {
  test('ten times in a minute by default, evenly refilled, whether it succeeds or not', async () => {
    const { world, api, service, clock } = await made();
    const device = await world.stranger('device');
    for (let i = 0; i < 10; i++)
      await service.send(enrollment(device, api, ACME, i % 2 ? { payload: 1 } : {}));
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    await service.refused(enrollment(device, api, ACME_TOO), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    expect((await service.send(enrollment(await world.stranger('other'), api, BOLT))).status).toBe(200);

    clock.advance(6 * SECOND - 1);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
    clock.advance(1);
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('a long rest gives no more than a minute of tries', async () => {
    const { world, api, service, clock } = await made({ enrollmentsPerMinute: 2 });
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    clock.advance(24 * 60 * MINUTE);
    for (let i = 0; i < 2; i++) expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.refused(enrollment(device, api, ACME), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('the limit does not touch requests, and wrong keys do not use it up', async () => {
    const { world, api, service } = await made({ enrollmentsPerMinute: 1 });
    const device = await world.stranger('device');
    for (let i = 0; i < 3; i++) await service.refused(enrollment(device, api, WRONG), '401 API_KEY_INVALID');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    for (let i = 0; i < 3; i++) await service.accepted(withKey(ACME));
  });

  test('one that is over the limit is not read at all', async () => {
    const { service } = await made({ enrollmentsPerMinute: 1 });
    const huge = withKey(ACME, bodyForm('{"'.repeat(50_000), { path: ENROLL_PATH }));
    await service.refused(huge, '413 BODY_TOO_LARGE');
    await service.refused(huge, '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test.each([
    ['enrollmentsPerMinute', 0],
    ['enrollmentsPerMinute', 1.5],
    ['maxDidsPerClient', 0],
    ['keySwitchGraceMs', -1],
    ['clients', {}],
    ['clients', null],
    ['clientId', 'userId'],
    ['clientScopes', ['a']],
    ['clientFlushIntervalMs', 0],
  ])('%s: %j is refused', async (name, value) => {
    expect(await optionRefusedBy(() => made({ [name]: value }))).toBe(name);
  });
});

describe('while something is down', () => {
  test('the registry cannot be asked: nothing is linked', async () => {
    const world = new World();
    const registry = failing(world.registry, 'lookup');
    const api = await world.agent('api');
    const broken = new Agent({ identity: await identityOf(api), registry, clock: world.clock });
    const service = await world.serve({ agent: broken, clock: world.clock, clients: world.clients });
    const device = await world.stranger('device');
    await service.refused(enrollment(device, api, ACME), '503 LOOKUP_FAILED');
    expect(world.clients.clientOf(device.did)).toBeUndefined();
    expect(service.of('fault').map(({ error }) => error.cause)).toEqual([
      new Error('lookup: connection refused'),
    ]);
  });

  test.each(['throws', 'answers with an error'])(
    'the registry %s when it should register: tried again later',
    async (how) => {
      const world = new World();
      const registry = failing(world.registry, 'register', how === 'throws');
      const api = await world.agent('api');
      const broken = new Agent({ identity: await identityOf(api), registry, clock: world.clock });
      const service = await world.serve({ agent: broken, clock: world.clock, clients: world.clients });
      const device = await world.stranger('device');
      await service.refused(enrollment(device, api, ACME), '500 REGISTRATION_FAILED');
      expect(world.registry.lookup(device.did)).toBeUndefined();
      registry.broken.clear();
      expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
      await service.accepted(sealed(device, api, {}, SCOPE));
    },
  );

  test.each(['get', 'link'] as const)('the store of clients, at %s: nothing is registered', async (name) => {
    const world = new World();
    const store = breakable(world.clients);
    const api = await world.agent('api');
    const service = await world.serve({ agent: api, clock: world.clock, clients: store });
    const device = await world.stranger('device');
    store.down.add(name);
    await service.refused(enrollment(device, api, ACME), '503 CLIENT_STORE_UNAVAILABLE');
    expect(world.registry.lookup(device.did)).toBeUndefined();
    store.down.clear();
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  const identityOf = async (agent: Agent) =>
    Identity.fromSeed((await agent.exportPKCS8()).slice(16), { maxVersion: 2 });

  function failing(registry: TrustRegistry, method: 'lookup' | 'register', throws = true) {
    const broken = new Set<string>([method]);
    const check = (name: string) => {
      if (broken.has(name)) throw new Error(`${name}: connection refused`);
    };
    return {
      broken,
      lookup(did: string) {
        check('lookup');
        return registry.lookup(did);
      },
      register(entry: Parameters<TrustRegistry['register']>[0]) {
        if (!throws && broken.has('register')) return err(xlinkError('REGISTRATION_FAILED'));
        check('register');
        return registry.register(entry);
      },
      updateKeys: (keys: KeyRecord) => registry.updateKeys(keys),
    };
  }
});

describe('beside body parsers', () => {
  const behind =
    (...parsers: RequestHandler[]) =>
    ({ app, adapter, handler }: Mounted) => {
      for (const parser of parsers) app.use(parser);
      app.use(adapter.middleware());
      app.use(handler);
    };

  test.each([
    ['express.json in front, which leaves envelopes alone', express.json()],
    ['express.raw in front, which leaves the bytes', express.raw({ type: () => true })],
    ['express.text in front, which leaves the text', express.text({ type: () => true })],
  ])('%s', async (_, parser) => {
    const { world, api, service } = await made({ mount: behind(parser) });
    const device = await world.stranger('device');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  test('a parser that keeps the bytes to itself: refused at once, with the fix in the log', async () => {
    const { world, api, service, refused } = await made({
      mount: behind(express.json({ type: () => true })),
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '500 BODY_CONSUMED', device);
    expect(operatorHint(service.of('fault')[0]!.error.id)).toContain('in front of the body parsers');
  });
});

describe('the discovery document', () => {
  const PATH = '/.well-known/xlink.json';

  test('says who the API is and what it takes, to anybody', async () => {
    const { api, clock, service } = await made({ mode: 'deprecation' });
    const answer = await service.send({ path: PATH });
    expect([answer.status, problemOf(answer)]).toEqual([
      200,
      {
        did: api.did,
        name: 'api',
        keyRecord: await api.keyRecord(),
        versions: [1, 2, 3],
        mode: 'deprecation',
        acceptsEnvelopes: true,
        hosts: [`127.0.0.1:${service.port}`],
        endpoints: { enroll: '/.well-known/xlink/enroll', key: '/.well-known/xlink/key' },
        publicPaths: [],
        issuedAt: clock(),
        notAfter: clock() + 5 * MINUTE,
        signature: expect.stringMatching(/^[\w-]{86}$/),
        pqSignature: expect.stringMatching(/^[\w-]{4412}$/),
      },
    ]);
    await verifyDocument(problemOf(answer) as unknown as SignedDiscoveryDocument);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'max-age=60',
    });
    await service.quiet();
    expect([service.calls, service.validated, service.of('request')]).toEqual([[], [], []]);
  });

  test('HEAD has the headers and no body', async () => {
    const { service } = await made();
    const { status, headers, text } = await service.send({ method: 'HEAD', path: PATH });
    expect([status, text]).toEqual([200, '']);
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'max-age=60' });
  });

  test('without clients there is nothing to enroll; without a name there is none', async () => {
    const world = new World();
    const api = new Agent({
      identity: await Identity.fromSeed(new Uint8Array(32).fill(7), { maxVersion: 1 }),
      registry: world.registry,
      clock: world.clock,
    });
    const service = await world.serve({ agent: api, clock: world.clock });
    expect(problemOf(await service.send({ path: PATH }))).toEqual({
      did: api.did,
      keyRecord: await api.keyRecord(),
      versions: [1],
      mode: 'hybrid',
      acceptsEnvelopes: true,
      hosts: [`127.0.0.1:${service.port}`],
      endpoints: {},
      publicPaths: [],
      issuedAt: world.clock(),
      notAfter: world.clock() + 5 * MINUTE,
      signature: expect.stringMatching(/^[\w-]{86}$/),
    });
  });

  test.each([
    [1, 1, [1]],
    [2, 1, [1, 2]],
    [2, 2, [2]],
    [3, 2, [2, 3]],
    [3, 3, [3]],
  ] as [Version, Version, Version[]][])(
    'versions up to %i from %i on are %j',
    async (maxVersion, minVersion, versions) => {
      const { service } = await made({}, { maxVersion, minVersion, postQuantumSig: maxVersion === 3 });
      expect(problemOf(await service.send({ path: PATH })).versions).toEqual(versions);
    },
  );

  test('follows the mode at once', async () => {
    const { service } = await made();
    service.adapter.setMode('xlink-only');
    expect(problemOf(await service.send({ path: `${PATH}?now` })).mode).toBe('xlink-only');
  });

  test('the key record is the one that the DID signed', async () => {
    const { api, service } = await made();
    const { keyRecord } = problemOf(await service.send({ path: PATH })) as { keyRecord: KeyRecord };
    const identity = await Identity.fromSeed((await api.exportPKCS8()).slice(16), { postQuantumSig: true });
    const { signature, pqSignature, ...own } = await createKeyRecord(identity, { epoch: keyRecord.epoch });
    expect(keyRecord).toEqual({ ...own, signature, pqSignature: expect.any(String) }); // ML-DSA signs at random
    expect(keyRecord.pqSignature).not.toBe(pqSignature);
    await assertKeyRecord(keyRecord);
  });

  test.each([
    ['POST', PATH],
    ['GET', ENROLL_PATH],
    ['PUT', ENROLL_PATH],
    ['PATCH', ENROLL_PATH],
    ['GET', '/.well-known/xlink'],
    ['GET', '/.well-known/xlink/'],
    ['GET', '/.well-known/xlink.json/'],
    ['GET', '/.well-known/xlink.jsonx'],
    ['POST', '/.well-known/xlink/enroll/'],
    ['POST', '/.well-known/xlink/enroll/x'],
    ['GET', '/.well-known/security.txt'],
    ['GET', '/api/.well-known/xlink.json'],
  ])('%s %s is left to the application', async (method, path) => {
    const { service } = await made();
    await service.refused({ method, path }, '401 CREDENTIALS_MISSING');
    expect((await service.accepted(withKey(ACME, { method, path }))).url).toBe(path);
  });

  test('without clients so is the path of enrollment', async () => {
    const { world, api } = await made();
    const service = await world.serve({ agent: api, clock: world.clock });
    await service.refused(enrollment(await world.stranger('device'), api, ACME), '400 CLEARTEXT_NOT_ALLOWED');
    expect((await service.accepted(withKey(ACME, { method: 'POST', path: ENROLL_PATH }))).url).toBe(
      ENROLL_PATH,
    );
  });
});

describe('a DID that is enrolled already', () => {
  const withoutKey = async (from: Agent, to: Agent) =>
    bodyForm(
      await enrollmentEnvelope(from, to, 'no key', { payload: { keyRecord: await from.keyRecord() } }),
      {
        path: ENROLL_PATH,
      },
    );

  test('is told what it was granted, without a key and with one that no longer counts', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const first = problemOf(await service.send(enrollment(device, api, ACME)));
    expect(problemOf(await service.send(withoutKey(device, api)))).toEqual(first);
    service.adapter.setMode('xlink-only');
    expect(problemOf(await service.send(withoutKey(device, api)))).toEqual(first);
    expect(problemOf(await service.send(enrollment(device, api, ACME)))).toEqual(first);
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);
  });

  test('gets nothing more by asking, nothing once it is revoked, and nothing without its own signature', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await world.registry.updateScopes(device.did, { scopes: ['orders:read'] });
    expect(problemOf(await service.send(withoutKey(device, api)))).toMatchObject({ scopes: ['orders:read'] });

    const forged = JSON.parse((await withoutKey(await world.stranger('thief'), api)).body as string);
    const stolen = bodyForm({ ...forged, from: device.did }, { path: ENROLL_PATH });
    await service.refused(stolen, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');

    await world.registry.revoke(device.did);
    await service.refused(withoutKey(device, api), '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('cannot be kept from enrolling by forgers who use up its attempts', async () => {
    const { world, api, service } = await made({ enrollmentsPerMinute: 2 });
    const [device, thief] = [await world.stranger('device'), await world.stranger('thief')];
    await service.send(enrollment(device, api, ACME));
    for (let attempt = 0; attempt < 5; attempt++) {
      const forged = JSON.parse((await withoutKey(thief, api)).body as string);
      const stolen = bodyForm({ ...forged, from: device.did }, { path: ENROLL_PATH });
      await service.refused(stolen, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
    }
    expect((await service.send(withoutKey(device, api))).status).toBe(200);
    await service.refused(withoutKey(device, api), '429 ENROLLMENT_REFUSED:RATE_LIMITED');
  });

  test('is the only one: a stranger without a key is refused before its signature is looked at', async () => {
    const { world, api, refused } = await made();
    const stranger = await world.stranger('stranger');
    const sent = await withoutKey(stranger, api);
    await refused(sent, '401 CREDENTIALS_MISSING', stranger);
    await refused(sent, '401 CREDENTIALS_MISSING', stranger); // and its nonce was not claimed
  });
});
