import { describe, expect, test } from '@jest/globals';
import { type RouteEncryption, xlinkFetch } from '@private.me/xlink';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import { Registry } from 'prom-client';
import {
  json,
  ORDER,
  type RefusalText,
  type Sent,
  sealedRequest,
  signedRequest,
  withKey,
} from '../support/http.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { signedSent } from './support.js';

const ROUTES: RouteEncryption[] = [
  { path: '/payments', encryption: 'required' },
  { path: '/payments/status', methods: ['GET'], encryption: 'optional' },
];
const REFUSED: RefusalText = '400 ENCRYPTION_REQUIRED';
const SEALED_ANSWER = { accept: 'application/xlink-answer' };

/** An option that is on beside, so that nothing else refuses. */
const OPTIONS = { signatures: true, allowCleartext: true, routeEncryption: ROUTES };

const path = '/payments/7';
/** What can be read on the way, and what cannot. */
const READABLE: [string, (known: WorldWithCaller, path: string) => Promise<Sent>][] = [
  ['a signature', (known, path) => signedSent(known, { path, headers: SEALED_ANSWER })],
  ['a signature with a body', (known, path) => signedSent(known, json(ORDER, { path }))],
  [
    'an envelope in a header beside a body',
    (known, path) => signedRequest(known, json(ORDER, { path, headers: SEALED_ANSWER })),
  ],
  ['an envelope in a header, its answer not sealed', (known, path) => signedRequest(known, { path })],
  ['a sealed body, its answer not sealed', (known, path) => sealedRequest(known, { path })],
];
const SEALED: [string, (known: WorldWithCaller) => Promise<Sent>][] = [
  ['a sealed body', (known) => sealedRequest(known, { path, headers: SEALED_ANSWER })],
  [
    'an envelope in a header without a body',
    (known) => signedRequest(known, { path, headers: SEALED_ANSWER }),
  ],
  ['HEAD', (known) => signedRequest(known, { path, method: 'HEAD' })],
];

describe.each(STAGES)('$name: where encryption is required', (stage) => {
  test.each(READABLE)('%s is refused, and its nonce not used', async (_, make) => {
    const known = await World.withCaller();
    const service = await stage.serve(known, OPTIONS);
    const sent = await make(known, path);
    await service.refused(sent, REFUSED);
    await service.refused(sent, REFUSED); // not a replay
    expect((await service.send(make(known, '/orders/7'))).status).toBe(200);
    expect(service.calls).toHaveLength(1);
    expect(service.validated).toEqual([]);
  });

  test.each(SEALED)('%s is taken', async (_, make) => {
    const known = await World.withCaller();
    const service = await stage.serve(known, OPTIONS);
    expect((await service.send(make(known))).status).toBe(200);
    expect(service.calls).toHaveLength(1);
  });

  having(stage, 'targets as sent').test('no spelling of the path gets around it', async () => {
    const known = await World.withCaller();
    const service = await stage.serve(known, OPTIONS);
    for (const spelled of [
      '/PAYMENTS/7',
      '/%70ayments/7',
      '/x/../payments/7',
      '//payments/7',
      '/payments;a/7',
      '/payments;/..',
    ])
      await service.refused(signedSent(known, { path: spelled }), REFUSED);
  });
});

describe('where encryption is required', () => {
  test('what xlinkFetch sends is taken, with a body and without', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ ...OPTIONS, clock: known.clock });
    const { clock } = known;
    const unsafe = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true, clock };
    const call = xlinkFetch({ agent: known.caller, ...unsafe });
    const headers = { 'content-type': 'a/b' };
    for (const init of [{}, { method: 'HEAD' }, { method: 'PUT', headers, body: new Uint8Array(9) }])
      expect((await call(`http://127.0.0.1:${service.port}${path}`, init)).status).toBe(200);
    expect(service.calls).toHaveLength(3);
  });

  test('an exception below counts for its methods only, and a part of a segment is another path', async () => {
    const known = await World.withCaller();
    const service = await known.serve(OPTIONS);
    await service.accepted(signedSent(known, { path: '/payments/status' }));
    await service.refused(signedSent(known, { path: '/payments/status', method: 'DELETE' }), REFUSED);
    await service.accepted(signedSent(known, { path: '/paymentsx' }));
  });

  test('an envelope in the body has to be sealed', async () => {
    const known = await World.withCaller();
    const service = await known.serve(OPTIONS);
    const draft = { signedOnly: true, payload: undefined };
    const sent = (path: string) => sealedRequest(known, { path, headers: SEALED_ANSWER }, draft as never);
    await service.refused(await sent(path), '400 CLEARTEXT_NOT_ALLOWED');
  });

  test('keys are a matter of modes', async () => {
    const known = await World.withCaller();
    const service = await known.serve(OPTIONS);
    await service.accepted(withKey({ path }));
    service.adapter.setMode('xlink-only', 'encrypted only', { route: { path: '/payments' } });
    await service.refused(withKey({ path }), '401 XLINK_REQUIRED');
  });

  test('in observe mode it is said beside the key, which decides', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ ...OPTIONS, mode: 'observe' });
    await service.accepted(withKey(await signedSent(known, { path })));
    expect(service.of('observed')).toMatchObject([{ reason: 'ENCRYPTION_REQUIRED' }]);
  });

  test('a method that is overridden behind the adapter counts, too', async () => {
    const known = await World.withCaller();
    const routeEncryption: RouteEncryption[] = [{ path, methods: ['DELETE'], encryption: 'required' }];
    const service = await known.serve({ ...OPTIONS, routeEncryption });
    const headers = { 'x-http-method-override': 'DELETE' };
    await service.refused(signedRequest(known, { path, method: 'POST', headers }), REFUSED);
    expect((await service.send(signedRequest(known, { path, method: 'POST' }))).status).toBe(200);
  });

  test('the routes of the library go on taking signatures', async () => {
    const known = await World.withCaller();
    const { clients } = known;
    const service = await known.serve({
      ...OPTIONS,
      clients,
      routeEncryption: [{ path: '/', encryption: 'required' }],
    });
    const off = { method: 'DELETE', path: '/.well-known/xlink/enroll' };
    const answer = await service.send(signedSent(known, off, { scope: 'xlink:enroll' }));
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'ENROLLMENT_REFUSED' }); // it is linked to no client
  });

  test('is counted by its reason, and the details say what to do', async () => {
    const register = new Registry();
    const known = await World.withCaller();
    const observers = [prometheusMetrics({ register })];
    const service = await known.serve({ ...OPTIONS, observers, exposeDetails: true });
    const { text } = await service.refused(await signedSent(known, { path }), REFUSED);
    expect(JSON.parse(text)).toMatchObject({
      field: 'signature-input',
      detail: expect.stringContaining('routeEncryption'),
    });
    await service.quiet();
    expect(await register.metrics()).toMatch(
      /xlink_requests_total\{[^}]*reason="ENCRYPTION_REQUIRED"[^}]*\} 1/,
    );
    expect(service.adapter.getMetrics().signatureRequests).toBe(0);
  });
});
