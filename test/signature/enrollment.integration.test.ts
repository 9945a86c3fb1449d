import { describe, expect, test } from '@jest/globals';
import { made } from '../adapters/clients/enrollment-support.js';
import { ACME, BOLT, json, problemOf, type RefusalText, type Sent, WRONG } from '../support/http.js';
import { expectSigned, type SignatureDraft, signedSent } from './support.js';

const PATH = '/.well-known/xlink/enroll';
const SCOPES = ['orders:read', 'orders:write'];

async function setUp(setup: object = {}) {
  const known = await made({ signatures: true, ...setup });
  const { world, api, clock } = known;
  /** The one call: signed, with the key in a header that is covered. */
  const call = async (name: string, key: string, sent: Sent = {}, draft: SignatureDraft = {}) => {
    const caller = await world.stranger(name, draft.pq ? 3 : 2);
    const headers = { 'x-api-key': key, ...sent.headers };
    return {
      caller,
      sent: await signedSent(
        { api, caller, clock },
        { method: 'POST', path: PATH, ...sent, headers },
        { scope: 'xlink:enroll', covers: ['x-api-key'], ...draft },
      ),
    };
  };
  return { ...known, call };
}

describe('enrollment by a signature', () => {
  test('links the DID with the scopes of the key, and its next request is good', async () => {
    const { world, api, service, call, clock } = await setUp();
    const { caller, sent } = await call('device', ACME);
    const answer = await service.send(sent);
    expect([answer.status, problemOf(answer)]).toEqual([
      200,
      { did: caller.did, client: 'acme', scopes: SCOPES },
    ]);
    expectSigned(api, sent, answer);
    expect(world.registry.lookup(caller.did)).toEqual({
      did: caller.did,
      name: 'acme',
      sendScopes: SCOPES,
      status: 'active',
      revision: 1,
    });
    expect(service.of('enrollment')).toMatchObject([{ client: 'acme', did: caller.did }]);
    const pair = { api, caller, clock };
    const { auth } = await service.accepted(signedSent(pair, {}, { scope: 'orders:read' }));
    expect(auth).toMatchObject({ client: 'acme', form: 'signature', scopes: ['orders:read'] });
  });

  test.each<[string, Record<string, string>]>([
    ['Authorization: Bearer', { authorization: `Bearer ${ACME}` }],
    ['Authorization: ApiKey', { authorization: `ApiKey ${ACME}` }],
  ])('takes the key in %s', async (_, headers) => {
    const { world, api, service, clock } = await setUp();
    const caller = await world.stranger('device');
    const sent = { method: 'POST', path: PATH, headers };
    const draft = { scope: 'xlink:enroll', covers: ['authorization'] };
    expect((await service.send(signedSent({ api, caller, clock }, sent, draft))).status).toBe(200);
  });

  test('brings a key record, if there is one: from then on ML-DSA-65 signs as well', async () => {
    const { world, api, service, call, clock } = await setUp();
    const device = await world.stranger('device', 3);
    const keyRecord = await device.keyRecord();
    const { sent } = await call('device', ACME, json({ keyRecord }));
    expect((await service.send(sent)).status).toBe(200);
    expect(world.registry.lookup(device.did)?.keys).toEqual(keyRecord);
    const pair = { api, caller: device, clock };
    await service.refused(signedSent(pair), '401 SIGNATURE_PQ_REQUIRED');
    await service.accepted(signedSent(pair, {}, { pq: true }));
  });

  test('again, without a key, is good for a DID that is linked', async () => {
    const { api, service, call, clock } = await setUp();
    const { caller, sent } = await call('device', ACME);
    await service.send(sent);
    const again = await signedSent(
      { api, caller, clock },
      { method: 'POST', path: PATH },
      { scope: 'xlink:enroll' },
    );
    expect(problemOf(await service.send(again))).toMatchObject({ did: caller.did, client: 'acme' });
  });

  test.each<[string, string, Sent, SignatureDraft, RefusalText]>([
    ['a wrong key', WRONG, {}, {}, '401 API_KEY_INVALID'],
    ['a key that is not covered', ACME, {}, { covers: [] }, '401 ENROLLMENT_REFUSED:KEY_PROOF'],
    ['another scope', ACME, {}, { scope: '*' }, '403 SCOPE_NOT_ALLOWED'],
    ['a body that is no object', ACME, json([1]), {}, '400 PARSE_FAILED:SYNTAX'],
    ['a record that is none', ACME, json({ keyRecord: 1 }), {}, '400 ENROLLMENT_REFUSED'],
    ['another path', ACME, {}, { components: ['@method'] }, '400 SIGNATURE_MALFORMED:COMPONENTS'],
  ])('is refused with %s', async (_, key, sent, draft, refusal) => {
    const { refused, call } = await setUp();
    const made = await call('device', key, sent, draft);
    await refused(made.sent, refusal, made.caller);
  });

  test('is refused with the key of another than it was signed for', async () => {
    const { refused, call } = await setUp();
    const { sent, caller } = await call('device', ACME);
    const stolen = { ...sent, headers: { ...sent.headers, 'x-api-key': BOLT } };
    await refused(stolen, '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH', caller);
  });

  test('is refused with the record of another DID', async () => {
    const { world, refused, call } = await setUp();
    const other = await world.stranger('other');
    const { sent, caller } = await call('device', ACME, json({ keyRecord: await other.keyRecord() }));
    await refused(sent, '403 ENROLLMENT_REFUSED:OTHER_DID', caller);
  });

  test('is refused where no signatures are taken', async () => {
    const { refused, call } = await setUp({ signatures: false });
    const { sent, caller } = await call('device', ACME);
    await refused(sent, '400 SIGNATURE_NOT_ALLOWED', caller);
  });
});
