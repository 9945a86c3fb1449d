import { describe, expect, test } from '@jest/globals';
import { json, KEY, methodOf, ORDER, pathOf, type Sent, withKey } from '../support/http.js';
import { STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { expectSigned, signedSent } from './support.js';

const ON = { signatures: true } as const;

describe.each(STAGES)('$name', ({ serve }) => {
  test.each<[string, Sent]>([
    ['GET', {}],
    ['GET with a query', { path: '/orders?limit=5&q=%20a+b' }],
    ['GET with an empty query', { path: '/orders?' }],
    ['DELETE', { method: 'DELETE', path: '/orders/7' }],
    ['POST', json(ORDER)],
    ['PUT of bytes', { method: 'PUT', body: Buffer.from([0, 255, 10]), headers: { 'content-type': 'a/b' } }],
  ])('takes a signed %s, and signs the answer', async (_, sent) => {
    const known = await World.withCaller();
    const service = await serve(known, ON);
    const signed = await signedSent(known, sent);
    const { answer, auth, method, url, headers } = await service.accepted(signed);
    const shown = (target: string) => target.replace(/\?$/, ''); // where targets are URLs, an empty query is none
    expect([method, shown(url)]).toEqual([methodOf(sent), shown(pathOf(sent))]);
    expect(auth).toMatchObject({
      mode: 'xlink',
      form: 'signature',
      did: known.caller.did,
      scope: '*',
      encrypted: false,
      version: 1,
    });
    for (const name of ['signature', 'signature-input', 'xlink-to', 'xlink-scope'])
      expect(headers[name]).toBeUndefined();
    expectSigned(known.api, signed, answer);
  });

  test('is final: no key beside it is tried', async () => {
    const known = await World.withCaller();
    const service = await serve(known, ON);
    const sent = await signedSent(known);
    await service.refused(
      { ...withKey(sent), path: '/refunds' },
      '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH',
    );
    expect(service.validated).toEqual([]);
  });

  test('is good once', async () => {
    const known = await World.withCaller();
    const service = await serve(known, ON);
    const sent = await signedSent(known, json(ORDER));
    await service.accepted(sent);
    await service.refused(sent, '409 REPLAY_DETECTED');
  });

  test('signs a refusal of what was claimed', async () => {
    const known = await World.withCaller();
    const service = await serve(known, ON);
    const sent = await signedSent(known, json(ORDER));
    const answer = await service.refused({ ...sent, body: `${sent.body} ` }, '401 CONTENT_DIGEST_MISMATCH');
    expectSigned(known.api, sent, answer);
  });
});

test.each([
  ['signature-input', 4096],
  ['signature', 8192],
])('is read only where its header %s has at most %d characters', async (name, most) => {
  const known = await World.withCaller();
  const service = await STAGES[0]!.serve(known, ON);
  const padded = async (length: number) => {
    const signed = await signedSent(known);
    const own = String(signed.headers![name]);
    const other = name === 'signature' ? ', other=:AA==:' : ', other=()';
    const padding = length - own.length - other.length - ';p=""'.length;
    return {
      ...signed,
      headers: { ...signed.headers, [name]: `${own}${other};p="${'x'.repeat(padding)}" ` },
    };
  };
  await service.refused(await padded(most + 1), '400 SIGNATURE_MALFORMED');
  await service.accepted(await padded(most));
});

test('is refused where it is not allowed, whatever is beside it', async () => {
  const known = await World.withCaller();
  const service = await known.serve();
  await service.refused(withKey(await signedSent(known), KEY), '400 SIGNATURE_NOT_ALLOWED');
  expect(service.validated).toEqual([]);
});
