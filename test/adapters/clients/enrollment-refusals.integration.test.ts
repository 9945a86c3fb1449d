import { describe, expect, test } from '@jest/globals';
import { type ClientStore, Identity, type KeyRecord } from '@private.me/xlink';
import { enrollmentProof } from '@private.me/xlink/client';
import { ENROLL_PATH } from '../../../src/http/enrollment.js';
import { MINUTE, NOON, SECOND } from '../../support/clock.js';
import {
  ACME,
  ACME_TOO,
  BOLT,
  bodyForm,
  NAMELESS,
  problemOf,
  type RefusalText,
  WRONG,
} from '../../support/http.js';
import { World } from '../../support/world.js';
import { breakable } from '../breakable-store.js';
import { enrollment, enrollmentEnvelope, sealed, withKey } from '../requests.js';

import { made } from './enrollment-support.js';

const SCOPE = { scope: 'orders:read' };
const SCOPES = ['orders:read', 'orders:write'];

describe('enrollment is refused', () => {
  test('without a key, and with a wrong or revoked one', async () => {
    const keys = new Set([ACME]);
    const { world, api, refused } = await made({
      legacyKeyValidator: (key: string) => (keys.has(key) ? { id: 'acme' } : null),
    });
    const device = await world.stranger('device');
    const { headers, ...keyless } = await enrollment(device, api, ACME);
    await refused(
      { ...keyless, headers: { 'content-type': headers!['content-type'] as string } },
      '401 CREDENTIALS_MISSING',
      device,
    );
    await refused(enrollment(device, api, WRONG), '401 API_KEY_INVALID', device);
    keys.delete(ACME);
    await refused(enrollment(device, api, ACME), '401 API_KEY_INVALID', device);
  });

  test('if the validator is down', async () => {
    const { world, api, refused } = await made({
      legacyKeyValidator: () => {
        throw new Error('the database is down');
      },
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '503 KEY_VALIDATOR_FAILED', device);
  });

  test('if nobody can tell whose key it is', async () => {
    const { world, api, service, refused } = await made();
    const device = await world.stranger('device');
    await refused(enrollment(device, api, NAMELESS), '500 ENROLLMENT_REFUSED:NO_CLIENT', device);
    expect(service.of('fault')).toHaveLength(1);
  });

  test('in xlink-only mode, except to stragglers', async () => {
    const { world, api, service, refused } = await made({
      mode: 'xlink-only',
      clientModes: { bolt: 'hybrid' },
    });
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME), '401 XLINK_REQUIRED', device);
    expect((await service.send(enrollment(device, api, BOLT))).status).toBe(200);
  });

  test('not in a brownout, which is there to make callers move', async () => {
    const { world, api, service } = await made({
      mode: 'deprecation',
      brownouts: [{ from: new Date(0), until: new Date(NOON + MINUTE) }],
    });
    const device = await world.stranger('device');
    await service.refused(withKey(ACME), '401 API_KEY_BROWNOUT');
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
    await service.accepted(sealed(device, api));
  });

  test('KEY_PROOF: a stolen enrollment envelope with a key of the thief', async () => {
    const { world, api, service, refused } = await made();
    const device = await world.stranger('device');
    const envelope = await enrollmentEnvelope(device, api, ACME);
    const stolen = withKey(BOLT, bodyForm(envelope, { path: ENROLL_PATH }));
    await refused(stolen, '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
    expect((await service.send(enrollment(device, api, ACME))).status).toBe(200);
  });

  test('KEY_PROOF: not even with another key of the same client', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const sent = enrollment(device, api, ACME, { proofKey: ACME_TOO });
    await refused(sent, '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test.each([
    [
      'the proof of another DID',
      async () => enrollmentProof((await Identity.fromSeed(new Uint8Array(32))).did, ACME),
    ],
    ['no proof', () => undefined],
    ['an empty one', () => ''],
    ['a number', () => 7],
    ['the key itself', () => ACME],
    ['no base64url', () => '='],
    ['a prefix of the right one', async (did: string) => (await enrollmentProof(did, ACME)).slice(0, 40)],
    ['a list with the right one', async (did: string) => [await enrollmentProof(did, ACME)]],
  ])('KEY_PROOF: %s', async (_, proof) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const payload = { keyRecord: await device.keyRecord(), keyProof: await proof(device.did) };
    await refused(enrollment(device, api, ACME, { payload }), '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test('OTHER_DID: the keys of another DID', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const sent = enrollment(device, api, ACME, { keyRecord: await other.keyRecord() });
    await refused(sent, '403 ENROLLMENT_REFUSED:OTHER_DID', device);
    expect(world.registry.lookup(other.did)).toBeUndefined();
  });

  test('the keys of another DID under its own name', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const keyRecord = { ...(await other.keyRecord()), did: device.did };
    await refused(enrollment(device, api, ACME, { keyRecord }), '401 KEY_RECORD_INVALID', device);
  });

  const broken: [string, (record: KeyRecord) => unknown][] = [
    ['a signature that is not its own', (record) => ({ ...record, epoch: record.epoch + 1 })],
    ['no signature', ({ signature: _, ...record }) => record],
    ['no X25519 key', ({ x25519: _, ...record }) => record],
    ['an X25519 key that is a number', (record) => ({ ...record, x25519: 7 })],
    ['a short ML-KEM key', (record) => ({ ...record, mlKem768: 'AAAA' })],
    ['an ML-KEM key of null', (record) => ({ ...record, mlKem768: null })],
    ['an ML-KEM key that was taken away', ({ mlKem768: _, ...record }) => record],
    ['an epoch that is a text', (record) => ({ ...record, epoch: String(record.epoch) })],
    ['an epoch beyond all numbers', (record) => ({ ...record, epoch: 2 ** 60 })],
  ];
  test.each(broken)('a key record with %s', async (_, change) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyRecord = change(await device.keyRecord());
    await refused(enrollment(device, api, ACME, { keyRecord }), '401 KEY_RECORD_INVALID', device);
  });

  test('what a key record has too much is not kept', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const keyRecord = {
      ...(await device.keyRecord()),
      sendScopes: ['*'],
      status: 'active',
      junk: 'x'.repeat(9999),
    };
    expect((await service.send(enrollment(device, api, ACME, { keyRecord }))).status).toBe(200);
    expect(world.registry.lookup(device.did)?.keys).toEqual(await device.keyRecord());
    expect(world.registry.lookup(device.did)?.sendScopes).toEqual(SCOPES);
  });

  test.each([
    ['no key record', {}, '400 ENROLLMENT_REFUSED'],
    ['a key record of null', { keyRecord: null }, '400 ENROLLMENT_REFUSED'],
    ['a key record that is a text', { keyRecord: 'x' }, '400 ENROLLMENT_REFUSED'],
    ['a key record that is a list', { keyRecord: [] }, '403 ENROLLMENT_REFUSED:OTHER_DID'],
    ['a key record that is empty', { keyRecord: {} }, '403 ENROLLMENT_REFUSED:OTHER_DID'],
  ] as [string, object, RefusalText][])('%s', async (_, payload, refusal) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyProof = await enrollmentProof(device.did, ACME);
    await refused(enrollment(device, api, ACME, { payload: { keyProof, ...payload } }), refusal, device);
  });

  test.each([[null], [7], ['x'], [[]], [{}], [true]])('a payload of %j', async (payload) => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    await refused(enrollment(device, api, ACME, { payload }), '401 ENROLLMENT_REFUSED:KEY_PROOF', device);
  });

  test.each([
    ['no JSON', 'item=tea', '400 PARSE_FAILED:SYNTAX'],
    ['nothing', '', '400 PARSE_FAILED:SYNTAX'],
    ['no UTF-8', Buffer.from([0xff, 0xfe]), '400 PARSE_FAILED:SYNTAX'],
    ['an enrollment without an envelope', '{"keyRecord":{},"keyProof":"x"}', '400 PARSE_FAILED:SYNTAX'],
  ] as [string, string | Buffer, RefusalText][])('a body that is %s', async (_, body, refusal) => {
    const { service } = await made();
    await service.refused(withKey(ACME, { ...bodyForm('', { path: ENROLL_PATH }), body }), refusal);
  });

  test('a body beyond 64 KiB, however it is announced', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    const keyRecord = { ...(await device.keyRecord()), junk: 'x'.repeat(64 * 1024) };
    const sent = await enrollment(device, api, ACME, { keyRecord });
    await refused(sent, '413 BODY_TOO_LARGE', device);
    const headers = { ...sent.headers, 'transfer-encoding': 'chunked' };
    await refused({ ...sent, headers }, '413 BODY_TOO_LARGE', device);
  });

  test('a signature that does not match', async () => {
    const { world, api, refused } = await made();
    const [device, other] = [await world.stranger('device'), await world.stranger('other')];
    const [mine, theirs] = [
      await enrollmentEnvelope(device, api, ACME),
      await enrollmentEnvelope(other, api, ACME),
    ];
    for (const changed of [
      { ...mine, signature: theirs.signature },
      { ...mine, from: other.did },
    ]) {
      const sent = withKey(ACME, bodyForm(changed, { path: ENROLL_PATH }));
      await refused(sent, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH', device);
    }
  });

  test('an envelope for another API', async () => {
    const { world, refused } = await made();
    const [device, elsewhere] = [await world.stranger('device'), await world.agent('another api')];
    await refused(enrollment(device, elsewhere, ACME), '401 RECIPIENT_MISMATCH', device);
  });

  test('an envelope for another request, or for none', async () => {
    const { world, api, refused } = await made();
    const device = await world.stranger('device');
    for (const request of ['POST /orders', `GET ${ENROLL_PATH}`, `POST ${ENROLL_PATH}/`])
      await refused(enrollment(device, api, ACME, { request }), '401 REQUEST_BINDING_MISMATCH', device);
    const request = undefined as unknown as string; // which createIntroduction() does not take from TypeScript
    const unbound = await device.createIntroduction({
      to: api.did,
      scope: 'xlink:enroll',
      request,
      payload: { keyRecord: await device.keyRecord(), keyProof: await enrollmentProof(device.did, ACME) },
    });
    const sent = withKey(ACME, bodyForm(unbound, { path: ENROLL_PATH }));
    await refused(sent, '400 PARSE_FAILED:MISSING_FIELD', device);
  });

  test.each(['orders:read', '*', 'xlink:key', 'xlink:enroll2'])(
    'an envelope with the scope %s',
    async (scope) => {
      const { world, api, refused } = await made();
      const device = await world.stranger('device');
      await refused(enrollment(device, api, ACME, { scope }), '403 SCOPE_NOT_ALLOWED', device);
    },
  );

  test('an enrollment envelope is good for nothing but enrollment', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, BOLT));
    const envelope = await enrollmentEnvelope(device, api, BOLT);
    await service.refused(bodyForm(envelope), '400 CLEARTEXT_NOT_ALLOWED');
  });

  test('a stale envelope, and one from the future', async () => {
    const { world, api, clock, refused } = await made();
    const device = await world.stranger('device');
    const early = await enrollment(device, api, ACME);
    clock.advance(30 * SECOND + 1);
    await refused(early, '401 TIMESTAMP_EXPIRED', device);
    const late = await enrollment(device, api, ACME);
    clock.advance(-30 * SECOND - 1);
    await refused(late, '401 TIMESTAMP_EXPIRED:FUTURE', device);
  });

  test('a replayed envelope', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    const sent = await enrollment(device, api, ACME);
    expect((await service.send(sent)).status).toBe(200);
    await service.refused(sent, '409 REPLAY_DETECTED');
  });

  test('the same envelope twice at once: one of the two', async () => {
    const { world, api, service } = await made();
    const sent = await enrollment(await world.stranger('device'), api, ACME);
    const answers = await Promise.all([service.send(sent), service.send(sent)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('a revoked DID stays revoked, whoever asks', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await world.registry.revoke(device.did);
    for (const key of [ACME, BOLT])
      await service.refused(enrollment(device, api, key), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect(world.registry.lookup(device.did)?.status).toBe('revoked');
    await service.refused(sealed(device, api, {}, SCOPE), '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('TAKEN: a DID of another client', async () => {
    const { world, api, service } = await made();
    const device = await world.stranger('device');
    await service.send(enrollment(device, api, ACME));
    await service.refused(enrollment(device, api, BOLT), '409 ENROLLMENT_REFUSED:TAKEN');
    expect(world.clients.clientOf(device.did)).toBe('acme');
    expect(world.clients.get('bolt')).toBeUndefined();
  });

  test('TAKEN: two clients at once, at two instances on the same stores', async () => {
    for (let round = 0; round < 5; round++) {
      const { world, api, services } = await twoInstances();
      const device = await world.stranger('device');
      const sent = [await enrollment(device, api, ACME), await enrollment(device, api, BOLT)] as const;
      const answers = await Promise.all([services[0].send(sent[0]), services[1].send(sent[1])]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const winner = problemOf(answers.find(({ status }) => status === 200)!);
      expect(problemOf(answers.find(({ status }) => status === 409)!)).toMatchObject({ subCode: 'TAKEN' });
      expect(world.clients.clientOf(device.did)).toBe(winner.client);
      expect(world.registry.lookup(device.did)?.name).toBe(winner.client);
      const dids = world.clients.list().flatMap((client) => client.dids);
      expect(dids).toEqual([device.did]);
    }
  });

  test('the same client at once, at two instances on the same stores: both succeed', async () => {
    const { world, api, services } = await twoInstances();
    const device = await world.stranger('device');
    const sent = [await enrollment(device, api, ACME), await enrollment(device, api, ACME)] as const;
    const answers = await Promise.all([services[0].send(sent[0]), services[1].send(sent[1])]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(world.clients.get('acme')?.dids).toEqual([device.did]);
    expect(world.registry.lookup(device.did)).toMatchObject({ name: 'acme', sendScopes: SCOPES });
  });

  /** Neither of two enrollments learns whose the DID is before both have asked. */
  async function twoInstances() {
    const world = new World();
    const { clients, clock } = world;
    let asked = 0;
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    const store: ClientStore = {
      ...breakable(clients),
      async clientOf(did) {
        const owner = clients.clientOf(did);
        asked += 1;
        if (asked === 2) release();
        await both;
        return owner;
      },
    };
    const api = await world.agent('api');
    const options = { agent: api, clock, clients: store };
    return { world, api, services: [await world.serve(options), await world.serve(options)] as const };
  }
});
