import { describe, expect, test } from '@jest/globals';
import type { NonceStore, Version } from '@private.me/xlink';
import { identityOf } from '../support/agents.js';
import { altered, resigned, withBitFlipped } from '../support/forge.js';
import {
  bodyForm,
  expectRefused,
  headerForm,
  json,
  KEY,
  ORDER,
  sealedEnvelope,
  sealedRequest,
  signedEnvelope,
  signedRequest,
  withKey,
} from '../support/http.js';
import { type Feature, isFor, STAGES } from '../support/stages/stages.js';
import { World } from '../support/world.js';
import { BAD_BODIES } from './bad-bodies.js';
import { BAD_HEADERS } from './bad-headers.js';
import { LIMITS } from './bad-requests.js';

const requestsOf = (events: readonly { type: string }[]) => events.filter(({ type }) => type === 'request');

describe.each(STAGES)('$name', (stage) => {
  const { serve } = stage;

  describe('a failed envelope beside a good key: it is final, and the key is not even looked at', () => {
    const bad = [
      ...BAD_HEADERS.map((row) => ({ ...row, form: 'header' })),
      ...BAD_BODIES.map((row) => ({ ...row, form: 'body' })),
    ];
    test.each(bad.filter(isFor(stage)))('$form: $name', async ({ make, refusal }) => {
      const known = await World.withCaller();
      const service = await serve(known, LIMITS);
      await service.refused(withKey(await make(known)), refusal);
      expect(service.validated).toEqual([]);
      expect(requestsOf(service.events)).toMatchObject([
        { outcome: 'refused', method: 'xlink', reason: refusal.slice(4) },
      ]);
    });

    test.each(['X-API-Key', 'Authorization: Bearer', 'the query', 'extract'])(
      'wherever the key is: %s',
      async (place) => {
        const known = await World.withCaller();
        const extract = () => (place === 'extract' ? KEY : undefined);
        const service = await serve(known, { apiKey: { query: 'key', extract } });
        const path = place === 'the query' ? `/orders?key=${KEY}` : '/orders';
        const envelope = await signedEnvelope(known, { path: '/elsewhere' });
        const headers = {
          'X-API-Key': { 'x-api-key': KEY },
          'Authorization: Bearer': { authorization: `Bearer ${KEY}` },
        }[place];
        const sent = headerForm(envelope, { path, ...(headers ? { headers } : {}) }, 'xlink-envelope');
        await service.refused(sent, '401 REQUEST_BINDING_MISMATCH');
        expect(service.validated).toEqual([]);
      },
    );
  });

  describe('a good envelope at a place it was not made for', () => {
    const moved: { name: string; there: { method?: string; path?: string }; needs?: Feature }[] = [
      { name: 'another method', there: { method: 'PUT' } },
      { name: 'another path', there: { path: '/refunds' } },
      { name: 'a path below', there: { path: '/orders/1' } },
      { name: 'the path in capitals', there: { path: '/ORDERS' } },
      { name: 'the path with a slash more', there: { path: '/orders/' } },
      {
        name: 'a path that normalizes to it',
        there: { path: '/x/../orders' },
        needs: 'targets as sent',
      },
      { name: 'a path that decodes to it', there: { path: '/%6Frders' } },
      { name: 'a query', there: { path: '/orders?force=1' } },
      { name: 'an empty query', there: { path: '/orders?' }, needs: 'targets as sent' },
    ];
    test.each(moved.filter(isFor(stage)))('$name', async ({ there }) => {
      const known = await World.withCaller();
      const service = await serve(known);
      const sealed = await sealedRequest(known);
      await service.refused({ ...sealed, ...there }, '401 REQUEST_BINDING_MISMATCH');
      const beside = await signedRequest(known, json(ORDER));
      await service.refused({ ...beside, ...there }, '401 REQUEST_BINDING_MISMATCH');
      expect((await service.send(sealed)).status).toBe(200); // refused elsewhere, still good where it belongs
    });

    test('another audience', async () => {
      const known = await World.withCaller();
      const service = await serve(known, { agent: await known.agent('another api') });
      await service.refused(await sealedRequest(known), '401 RECIPIENT_MISMATCH');
      await service.refused(await signedRequest(known), '401 RECIPIENT_MISMATCH');
    });
  });

  describe('replay', () => {
    test('an envelope is good once, in whichever form it comes back', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      for (const sent of [await sealedRequest(known), await signedRequest(known, json(ORDER))]) {
        expect((await service.send(sent)).status).toBe(200);
        await service.refused(sent, '409 REPLAY_DETECTED');
        await service.refused(withKey(sent), '409 REPLAY_DETECTED');
      }
      const envelope = await signedEnvelope(known);
      expect((await service.send(headerForm(envelope))).status).toBe(200);
      await service.refused(headerForm(envelope, {}, 'xlink-envelope'), '409 REPLAY_DETECTED');
    });

    test.each(['a sealed body', 'an envelope in a header'])(
      'of fifty at once exactly one gets in: %s',
      async (form) => {
        const known = await World.withCaller();
        const service = await serve(known);
        const sent =
          form === 'a sealed body' ? await sealedRequest(known) : await signedRequest(known, json(ORDER));
        const answers = await Promise.all(Array.from({ length: 50 }, () => service.send(sent)));
        const accepted = answers.filter(({ status }) => status === 200);
        expect(accepted).toHaveLength(1);
        for (const answer of answers.filter((one) => one !== accepted[0]))
          await expectRefused(service, answer, '409 REPLAY_DETECTED', { calls: 1 });
      },
    );

    test('envelopes that fail their signature leave no trace in the nonce store', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const envelope = await signedEnvelope(known);
      const broken = altered(envelope, { signature: withBitFlipped(envelope.signature, 3) });
      await service.refused(headerForm(broken), '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH');
      expect((await service.send(headerForm(envelope))).status).toBe(200);
    });

    test('a nonce store that is down lets nobody in', async () => {
      const cause = new Error('connection refused');
      const nonceStore: NonceStore = { seen: () => false, claim: () => Promise.reject(cause) };
      const known = await World.withCaller({ nonceStore });
      const service = await serve(known);
      await service.refused(withKey(await signedRequest(known)), '503 NONCE_STORE_UNAVAILABLE');
      expect(service.validated).toEqual([]);
      expect(service.events.find(({ type }) => type === 'fault')).toMatchObject({ error: { cause } });
    });
  });

  test('an envelope is good up to the edges of the window and not beyond', async () => {
    const known = await World.withCaller();
    const service = await serve(known);
    const [first, second] = [await signedRequest(known), await signedRequest(known)];
    known.clock.advance(30_000);
    expect((await service.send(first)).status).toBe(200);
    known.clock.advance(1);
    await service.refused(second, '401 TIMESTAMP_EXPIRED');
  });

  test('a caller who is revoked between two requests is out with the second, and no one else is', async () => {
    const known = await World.withCaller();
    const other = { api: known.api, caller: await known.agent('other caller') };
    const service = await serve(known);
    expect((await service.send(await sealedRequest(known))).status).toBe(200);
    await known.registry.revoke(known.caller.did);
    await service.refused(await sealedRequest(known), '403 VERIFICATION_FAILED:DID_REVOKED');
    await service.refused(await signedRequest(known), '403 VERIFICATION_FAILED:DID_REVOKED');
    expect((await service.send(await sealedRequest(other))).status).toBe(200);
  });

  describe('scopes', () => {
    test('that the sender lacks, from the request after they were taken away', async () => {
      const known = await World.withCaller();
      const service = await serve(known);
      const write = () => signedRequest(known, {}, { scope: 'orders:write' });
      await known.registry.updateScopes(known.caller.did, { scopes: ['orders:read', 'orders:write'] });
      expect((await service.send(await write())).status).toBe(200);
      await known.registry.updateScopes(known.caller.did, { scopes: ['orders:read'] });
      await service.refused(await write(), '403 SCOPE_DENIED');
    });

    test('that the receiver does not take, whatever the registry says', async () => {
      const known = await World.withCaller({ receiveScopes: ['orders:read'] });
      await known.registry.updateScopes(known.api.did, { receiveScopes: ['*'] });
      const service = await serve(known);
      expect((await service.send(await signedRequest(known, {}, { scope: 'orders:read' }))).status).toBe(200);
      await service.refused(await signedRequest(known, {}, { scope: 'admin' }), '403 SCOPE_NOT_ALLOWED');
      await service.refused(await sealedRequest(known, {}, { scope: 'admin' }), '403 SCOPE_NOT_ALLOWED');
    });
  });

  describe('a version 3 envelope', () => {
    const version3 = () => World.withCaller({ maxVersion: 3 }, { maxVersion: 3 });

    test.each(['body', 'header'])('stripped of its second signature (%s)', async (form) => {
      const known = await version3();
      const service = await serve(known);
      const envelope = await (form === 'body' ? sealedEnvelope(known) : signedEnvelope(known));
      const wrap = (changed: typeof envelope) => (form === 'body' ? bodyForm(changed) : headerForm(changed));
      const stripped = altered(envelope, { pqSignature: undefined });
      await service.refused(wrap(stripped), '400 PARSE_FAILED:PQ_SIGNATURE_MISSING');
      const suite = envelope.suite.replace('+MLDSA65', '');
      const relabelled = altered(stripped, { version: 2 as Version, suite });
      await service.refused(wrap(relabelled), '401 VERSION_TOO_LOW');
    });

    test('is what its sender is held to, from the first request on [A7]', async () => {
      const known = await version3();
      const service = await serve(known);
      await service.refused(await signedRequest(known, {}, { version: 1 }), '401 VERSION_TOO_LOW');
      await service.refused(await sealedRequest(known, {}, { version: 2 }), '401 VERSION_TOO_LOW');
      expect((await service.send(await signedRequest(known))).status).toBe(200);
      await service.refused(await signedRequest(known, {}, { version: 2 }), '401 VERSION_TOO_LOW');
    });
  });

  test('somebody who signs an envelope of another as their own cannot open it for the API', async () => {
    const known = await World.withCaller();
    const service = await serve(known);
    const thief = await known.agent('thief');
    const stolen = altered(await sealedEnvelope(known), { from: thief.did });
    const sent = bodyForm(await resigned(await identityOf('thief'), stolen));
    await service.refused(sent, '400 DECRYPT_FAILED:DECRYPTION');
  });
});
