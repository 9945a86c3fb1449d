import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  type KeyRecord,
  LoopbackTransport,
  MemoryTrustRegistry,
  type Result,
} from '@private.me/xlink';
import * as second from './second/index.mjs';

import { seed, thrown, world } from './support.js';

const VERSIONS = [1, 2, 3] as const;
const FORMS = [false, true] as const; // signed only?
const CONTENT = { text: 'Grüße ☃ "\\', list: [1, null, true], nested: { a: -0.5 } };
const idOf = (result: Result<unknown>) => (result.ok ? 'accepted' : result.error.id);

const ANY = { sendScopes: ['*'], receiveScopes: ['*'] };

describe('messages', () => {
  for (const a of VERSIONS) {
    for (const b of VERSIONS) {
      test(`version ${a} with version ${b}: encrypted and signed only, both ways`, async () => {
        const { agent, peer } = world();
        const [agentA, peerB] = [await agent(a), await peer(b)];
        const version = Math.min(a, b);
        for (const signedOnly of FORMS) {
          const common = { version, encrypted: !signedOnly, scope: 'orders:read' };

          const sealed = await peerB.seal(agentA.did, {
            scope: 'orders:read',
            content: CONTENT,
            signedOnly,
            request: 'GET /a',
          });
          const received = await agentA.receive(sealed.text, {
            allowCleartext: signedOnly,
            request: 'GET /a',
            requireRequestBinding: true,
          });
          expect(received.value).toMatchObject({
            ...common,
            sender: peerB.did,
            payload: CONTENT,
            envelopeId: sealed.nonce,
            request: 'GET /a',
          });

          const answer = await agentA.createEnvelope({
            to: peerB.did,
            scope: 'orders:read',
            payload: CONTENT,
            signedOnly,
            inReplyTo: sealed.nonce,
          });
          const message = await peerB.receive(JSON.stringify(answer), { allowCleartext: signedOnly });
          expect(message).toMatchObject({
            ...common,
            from: agentA.did,
            to: peerB.did,
            content: CONTENT,
            nonce: answer.nonce,
            inReplyTo: sealed.nonce,
          });
        }
      });
    }
  }

  test.each([
    [2, 3, [[0], [1], [2]]],
    [3, 5, [[0], [1], [2], [3], [4]]],
    [2, 3, [[0, 2], [1]]],
    [2, 3, [[0, 1, 2]]],
  ])('shares, %d of %d over %j, sealed and by Xchange, both ways', async (k, n, routes) => {
    const registry = new MemoryTrustRegistry();
    const lookup = (did: string) => {
      const entry = registry.lookup(did);
      const { keys: record, status, sendScopes, receiveScopes } = entry ?? {};
      return entry && { record, status: status!, sendScopes, receiveScopes };
    };
    for (const xchange of [false, true])
      for (const version of VERSIONS) {
        const transport = Array.from({ length: routes.length }, () => new LoopbackTransport());
        const common = { registry, maxVersion: version, xchange: true, onWarning: () => undefined };
        const agent = await Agent.quickstart({ ...common, transport });
        const peer = new second.Peer(second.identityFromSeed(seed(), version), lookup, { xchange: true });
        const keys = peer.record() as KeyRecord;
        expect((await registry.register({ did: peer.did, keys, xchange: true, ...ANY })).ok).toBe(true);
        const expected = {
          ...{ scope: 'default', version: xchange ? 2 : version, encrypted: true },
          ...{ shares: { total: n, threshold: k }, ...(xchange ? { xchange } : {}) },
        };

        const sealed = await peer.sealShares(agent.did, {
          n,
          k,
          routes,
          xchange,
          scope: 'default',
          content: CONTENT,
        });
        let arrived: unknown;
        for (const text of sealed.reverse()) arrived = (await agent.receive(text)).value ?? arrived;
        expect(arrived).toMatchObject({ ...expected, sender: peer.did, payload: CONTENT });

        const split = { splitChannelConfig: { totalShares: n, threshold: k } };
        const unsafe = { unsafeXchangeOverFewerChannels: true };
        const sent = await agent.send({ to: peer.did, payload: CONTENT, ...split, xchange, ...unsafe });
        expect(sent.error).toBeUndefined();
        const got: unknown[] = [];
        for (const { outbox } of transport)
          for (const envelope of outbox)
            await peer.receive(JSON.stringify(envelope)).then(
              (message) => got.push(message),
              () => undefined,
            );
        expect(got).toEqual([expect.objectContaining({ ...expected, from: agent.did, content: CONTENT })]);
      }
  });

  test('one lower version on request, and refusals of what has no common version', async () => {
    const { agent, peer } = world({ versionFloor: 'shown' });
    const [a, b] = [await agent(3), await peer(3)];
    for (const version of [1, 2] as const) {
      // upwards: a receiver remembers the highest version shown
      const sealed = await b.seal(a.did, { scope: 'orders:read', content: 1, version });
      expect((await a.receive(sealed.text)).value).toMatchObject({ version });
      const envelope = await a.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1, version });
      expect(await b.receive(JSON.stringify(envelope))).toMatchObject({ version });
    }
    const low = await peer(1);
    expect(
      await thrown(a.createEnvelope({ to: low.did, scope: 'orders:read', payload: 1, version: 2 })),
    ).toBe('KEY_AGREEMENT_FAILED:NO_COMMON_VERSION');
    expect(await second.outcome(low.seal(a.did, { scope: 'orders:read', content: 1, version: 2 }))).toBe(
      'KEY_AGREEMENT_FAILED:NO_COMMON_VERSION',
    );
  });

  test('the version of the record is the floor from the first message on, on both sides', async () => {
    for (const a of VERSIONS)
      for (const b of VERSIONS) {
        const { agent, peer } = world();
        const [agentA, peerB] = [await agent(a), await peer(b)];
        const floor = Math.min(a, b);
        for (const version of VERSIONS.filter((one) => one <= floor)) {
          const toAgent = await peerB.seal(agentA.did, { scope: 'orders:read', content: 1, version });
          const toPeer = await agentA.createEnvelope({
            ...{ to: peerB.did, scope: 'orders:read', payload: 1, version },
          });
          const id = version < floor ? 'VERSION_TOO_LOW' : 'accepted';
          expect(idOf(await agentA.receive(toAgent.text))).toBe(id);
          expect(await second.outcome(peerB.receive(JSON.stringify(toPeer)))).toBe(id);
        }
      }
  });

  test('where the record does not count, the version shown is the floor, on both sides', async () => {
    const { agent, peer } = world({ versionFloor: 'shown' });
    const [a, b] = [await agent(3), await peer(3)];
    const outcomes = [];
    for (const version of [2, 1, 3, 2] as const) {
      const toAgent = await b.seal(a.did, { scope: 'orders:read', content: 1, version });
      const toPeer = await a.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1, version });
      outcomes.push([
        idOf(await a.receive(toAgent.text)),
        await second.outcome(b.receive(JSON.stringify(toPeer))),
      ]);
    }
    const low = ['VERSION_TOO_LOW', 'VERSION_TOO_LOW'];
    expect(outcomes).toEqual([['accepted', 'accepted'], low, ['accepted', 'accepted'], low]);
  });

  test('content of any type is what the sender wrote, byte for byte, both ways', async () => {
    const { agent, peer } = world();
    const [a, b] = [await agent(3), await peer(3)];
    for (const [contentType, text, isJson] of [
      ['application/json', '{"n": 12345678901234567.00}', true],
      ['application/merge-patch+json; charset=utf-8', '[1e400]', true],
      ['text/plain; charset="é"', 'plain ☃', false],
      ['', '', false],
    ] as const) {
      const bytes = second.utf8(text);
      const type = contentType === '' ? {} : { contentType };
      const expected = { ...type, ...(isJson ? {} : { bytes }) };
      const sent = await b.seal(a.did, { scope: 'orders:read', bytes, contentType });
      const received = await a.receiveContent(sent.text);
      expect(received.value).toMatchObject({ content: bytes, contentType });
      const made = await a.createEnvelope({ to: b.did, scope: 'orders:read', content: bytes, ...type });
      const got = await b.receive(JSON.stringify(made));
      expect(got).toMatchObject(expected);
      expect('content' in got).toBe(isJson);
    }
  });

  test('[A3] each kind is taken where it belongs and nowhere else, on both sides', async () => {
    const { agent, peer } = world();
    const [a, b] = [await agent(3), await peer(3)];
    const [request, inReplyTo, scope] = ['POST /a', 'A'.repeat(22), 'orders:read'];
    const asBytes = new Uint8Array(16);
    const kinds = {
      message: { kind: 'message', content: 1, request },
      request: { kind: 'request', content: 1, request },
      receipt: { kind: 'receipt', content: 1, signedOnly: true, inReplyTo: asBytes },
      refusal: { kind: 'refusal', content: 1, request, signedOnly: true, inReplyTo: asBytes },
    } as const;
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    for (const made of names)
      for (const kind of names) {
        const asked = kind === 'refusal' ? { inReplyTo } : {};
        const bound = kind === 'receipt' ? {} : { request };
        const options = { kind, ...bound, ...asked, allowCleartext: true };
        const id = made === kind ? 'accepted' : 'KIND_NOT_ACCEPTED';
        const toAgent = (await b.seal(a.did, { ...kinds[made], scope })).text;
        const toPeer = (await b.seal(b.did, { ...kinds[made], scope })).text;
        expect([made, kind, idOf(await a.receiveContent(toAgent, options))]).toEqual([made, kind, id]);
        expect([made, kind, await second.outcome(b.receive(toPeer, options))]).toEqual([made, kind, id]);
      }
    // The payload of an answer travels beside its envelope: alone it is nothing.
    const whole = { status: 200, bytes: new Uint8Array(1) };
    const headFor = async (did: string) => {
      const message = { from: did, scope, request, nonce: inReplyTo } as second.Message;
      return (await b.beginAnswer(message, whole, true)).text;
    };
    for (const kind of [...names, 'answer'] as const) {
      const options = { kind, request, inReplyTo, allowCleartext: true };
      expect(idOf(await a.receiveContent(await headFor(a.did), options))).toBe('PARSE_FAILED:MISSING_FIELD');
      const alone = b.receive(await headFor(b.did), options);
      expect(await second.outcome(alone)).toBe('PARSE_FAILED:MISSING_FIELD');
    }
  });

  test('scopes, unknown and revoked peers: the same ids on both sides', async () => {
    const { agent, peer, registry } = world();
    const [a, b] = [await agent(2), await peer(2)];
    const both = async (scope: string) => [
      await second.outcome(b.seal(a.did, { scope, content: 1 })),
      await thrown(a.createEnvelope({ to: b.did, scope, payload: 1 })),
    ];
    expect(await both('payments')).toEqual(['SCOPE_DENIED', 'SCOPE_DENIED']);

    const toAgent = await b.seal(a.did, { scope: 'orders:write', content: 1 });
    const toPeer = await a.createEnvelope({ to: b.did, scope: 'orders:write', payload: 1 });
    const receive = async () => [
      idOf(await a.receive(toAgent.text)),
      await second.outcome(b.receive(JSON.stringify(toPeer))),
    ];
    for (const { did } of [a, b]) await registry.updateScopes(did, { scopes: ['orders:read'] });
    expect(await receive()).toEqual(['SCOPE_DENIED', 'SCOPE_DENIED']);
    for (const { did } of [a, b]) await registry.updateScopes(did, { receiveScopes: ['orders:read'] });
    expect(await both('orders:write')).toEqual(['RECEIVER_SCOPE_DENIED', 'RECEIVER_SCOPE_DENIED']);
    for (const { did } of [a, b]) await registry.updateScopes(did, { scopes: ['*'] });
    expect(await receive()).toEqual(['accepted', 'accepted']);
    for (const { did } of [a, b]) await registry.revoke(did);
    expect(await both('orders:read')).toEqual(['LOOKUP_FAILED:DID_REVOKED', 'LOOKUP_FAILED:DID_REVOKED']);

    const elsewhere = world();
    const stranger = await elsewhere.agent(2);
    const far = await elsewhere.peer(2);
    for (const recipient of [a, b]) {
      const did = recipient.did;
      const keys = registry.lookup(did)!.keys!;
      await elsewhere.registry.register({ did, keys, ...ANY });
    }
    const fromFar = await far.seal(a.did, { scope: 'orders:read', content: 1 });
    const fromStranger = await stranger.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1 });
    expect(idOf(await a.receive(fromFar.text))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    expect(await second.outcome(b.receive(JSON.stringify(fromStranger)))).toBe(
      'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    );
  });
});
