// The package against a second implementation, written from docs/PROTOCOL.md alone (./second).
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import {
  Agent,
  createKeyRecord,
  DualModeAdapter,
  Identity,
  type KeyRecord,
  LoopbackTransport,
  MemoryTrustRegistry,
  type Result,
  requestBinding,
  type Version,
  XlinkError,
} from '../../src/index.js';
import { assertKeyRecord } from '../../src/server.js';
import * as second from './second/index.mjs';
import * as vectors from './second/vectors.mjs';

const VERSIONS = [1, 2, 3] as const;
const FORMS = [false, true] as const; // signed only?
const CONTENT = { text: 'Grüße ☃ "\\', list: [1, null, true], nested: { a: -0.5 } };
const GRANT = { sendScopes: ['orders:read', 'orders:write'], receiveScopes: ['orders:read', 'orders:write'] };

let seeds = 0;
const seed = () => new Uint8Array(32).fill(++seeds);

function world() {
  const registry = new MemoryTrustRegistry();
  const lookup = (did: string) => {
    const entry = registry.lookup(did);
    return (
      entry && {
        record: entry.keys,
        status: entry.status,
        sendScopes: entry.sendScopes,
        receiveScopes: entry.receiveScopes,
      }
    );
  };
  return {
    registry,
    agent: (maxVersion: Version) => Agent.quickstart({ registry, maxVersion, ...GRANT }),
    peer: async (version: Version, options: object = {}) => {
      const peer = new second.Peer(second.identityFromSeed(seed(), version), lookup, {
        ...GRANT,
        ...options,
      });
      const keys = peer.record() as KeyRecord;
      expect((await registry.register({ did: peer.did, keys, ...GRANT })).error).toBeUndefined();
      return peer;
    },
  };
}

const idOf = (result: Result<unknown>) => (result.ok ? 'accepted' : result.error.id);

async function thrown(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'accepted';
  } catch (error) {
    if (error instanceof XlinkError) return error.id;
    throw error;
  }
}

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
      return entry && { ...entry, record: entry.keys, sendScopes: undefined, receiveScopes: undefined };
    };
    for (const xchange of [false, true])
      for (const version of VERSIONS) {
        const transport = Array.from({ length: routes.length }, () => new LoopbackTransport());
        const common = { registry, maxVersion: version, xchange: true, onWarning: () => undefined };
        const agent = await Agent.quickstart({ ...common, transport });
        const peer = new second.Peer(second.identityFromSeed(seed(), version), lookup, { xchange: true });
        const keys = peer.record() as KeyRecord;
        expect((await registry.register({ did: peer.did, keys, xchange: true })).ok).toBe(true);
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
    const { agent, peer } = world();
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

  test('the version shown is the floor, on both sides', async () => {
    const { agent, peer } = world();
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
      await elsewhere.registry.register({ did, keys });
    }
    const fromFar = await far.seal(a.did, { scope: 'orders:read', content: 1 });
    const fromStranger = await stranger.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1 });
    expect(idOf(await a.receive(fromFar.text))).toBe('VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    expect(await second.outcome(b.receive(JSON.stringify(fromStranger)))).toBe(
      'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY',
    );
  });
});

describe('tampering', () => {
  type Change = (text: string, other: string) => string;
  const member =
    (name: string, change: (value: string) => string): Change =>
    (text) =>
      text.replace(new RegExp(`("${name}":"?)([^",}]*)`), (_, start, value) => start + change(value));
  const flip = (value: string) => (value[0] === 'A' ? 'B' : 'A') + value.slice(1);
  const mismatch = 'VERIFICATION_FAILED:SIGNATURE_MISMATCH';

  const CHANGES: [name: string, error: string, change: Change][] = [
    ['timestamp', mismatch, member('timestamp', (t) => String(Number(t) + 1))],
    ['nonce', mismatch, member('nonce', flip)],
    ['scope', mismatch, member('scope', () => 'orders:write')],
    ['contentDigest', mismatch, member('contentDigest', flip)],
    ['contentType', mismatch, member('contentType', () => 'text/html')],
    ['inReplyTo', mismatch, member('inReplyTo', flip)],
    ['ephemeralPub', mismatch, member('ephemeralPub', flip)],
    ['kemCiphertext', mismatch, member('kemCiphertext', flip)],
    ['payload', mismatch, member('payload', flip)],
    ['signature', mismatch, member('signature', flip)],
    ['pqSignature', 'VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH', member('pqSignature', flip)],
    ['inReplyTo', mismatch, (t) => t.replace(/"inReplyTo":"[^"]*",/, '')],
    ['pqSignature', 'PARSE_FAILED:PQ_SIGNATURE_MISSING', (t) => t.replace(/,"pqSignature":"[^"]*"/, '')],
    ['signature', 'PARSE_FAILED:MISSING_FIELD', (t) => t.replace(/,"signature":"[^"]*"/, '')],
    ['contentDigest', 'PARSE_FAILED:MISSING_FIELD', (t) => t.replace(/"contentDigest":"[^"]*",/, '')],
    ['request', 'REQUEST_BINDING_MISMATCH', member('request', () => 'GET /b')],
    ['from', mismatch, (t, other) => member('from', () => other)(t, other)],
    ['to', 'RECIPIENT_MISMATCH', (t, other) => member('to', () => other)(t, other)],
    ['from', 'PARSE_FAILED', member('from', (d) => d.slice(0, -1))],
    ['timestamp', 'PARSE_FAILED', member('timestamp', () => '0')],
    ['timestamp', 'PARSE_FAILED:SYNTAX', member('timestamp', (t) => `0${t}`)],
    ['timestamp', 'TIMESTAMP_EXPIRED', member('timestamp', (t) => String(Number(t) - 60_000))],
    ['timestamp', 'TIMESTAMP_EXPIRED:FUTURE', member('timestamp', (t) => String(Number(t) + 60_000))],
    ['version', 'PARSE_FAILED:UNKNOWN_VERSION', member('version', () => '4')],
    ['suite', 'PARSE_FAILED:UNKNOWN_VERSION', member('suite', (s) => s.toLowerCase())],
    ['nonce', 'PARSE_FAILED', member('nonce', (n) => `${n.slice(0, -1)}B`)],
    ['scope', 'PARSE_FAILED:SYNTAX', member('scope', () => 'orders\\u003aread')],
    ['version', 'PARSE_FAILED:DUPLICATE_FIELD', (t) => t.replace('{', '{"version":1,')],
    ['version', 'PARSE_FAILED:UNKNOWN_FIELD', (t) => t.replace('{', '{"__proto__":1,')],
    ['version', 'PARSE_FAILED:SYNTAX', (t) => `\ufeff${t}`],
    ['version', 'PARSE_FAILED:SYNTAX', (t) => `${t}{}`],
  ];

  for (const v of VERSIONS) {
    for (const signedOnly of FORMS) {
      test(`version ${v}${signedOnly ? ' signed only' : ''}: refused alike, then the genuine one once`, async () => {
        const { agent, peer } = world();
        const [a, b, other] = [await agent(v), await peer(v), await peer(v)];
        const options = { allowCleartext: signedOnly, request: 'GET /a' };
        const digest = new Uint8Array(32).fill(7);
        const common = { scope: 'orders:read', signedOnly, request: 'GET /a' };
        const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
        const toAgent = (
          await b.seal(a.did, {
            ...common,
            content: CONTENT,
            contentDigest: digest,
            contentType: 'text/plain',
            inReplyTo: new Uint8Array(16),
          })
        ).text;
        const beside = signedOnly ? { content: digest, contentType: 'text/plain' } : {};
        const toPeer = JSON.stringify(
          await a.createEnvelope({ ...common, ...beside, to: b.did, payload: CONTENT, inReplyTo: nonce }),
        );
        const attempts = async (forAgent: string, forPeer: string) => [
          idOf(await a.receive(forAgent, options)),
          await second.outcome(b.receive(forPeer, options)),
        ];
        for (const [name, error, change] of CHANGES) {
          const results = [];
          if (toAgent.includes(`"${name}":`)) {
            const changed = change(toAgent, other.did);
            expect(changed).not.toBe(toAgent);
            results.push(idOf(await a.receive(changed, options)));
            // and the second implementation addressed by itself, for the members the package does not write
            expect(await second.outcome(b.receive(changed.replace(a.did, b.did), options))).not.toBe(
              'accepted',
            );
          }
          if (toPeer.includes(`"${name}":`)) {
            results.push(await second.outcome(b.receive(change(toPeer, other.did), options)));
          }
          expect([name, results]).toEqual([name, results.map(() => error)]);
        }
        expect(await attempts(toAgent, toPeer)).toEqual(['accepted', 'accepted']);
        expect(await attempts(toAgent, toPeer)).toEqual(['REPLAY_DETECTED', 'REPLAY_DETECTED']);
      });
    }
  }

  test('signed only is refused where it is not allowed, unbound where a binding is required', async () => {
    const { agent, peer } = world();
    const [a, b] = [await agent(2), await peer(2)];
    const cleartext = await b.seal(a.did, { scope: 'orders:read', content: 1, signedOnly: true });
    expect(idOf(await a.receive(cleartext.text))).toBe('CLEARTEXT_NOT_ALLOWED');
    const required = { request: 'GET /a', requireRequestBinding: true };
    const unbound = await b.seal(a.did, { scope: 'orders:read', content: 1 });
    expect(idOf(await a.receive(unbound.text, required))).toBe('REQUEST_BINDING_REQUIRED');

    const signed = await a.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1, signedOnly: true });
    expect(await second.outcome(b.receive(JSON.stringify(signed), { allowCleartext: false }))).toBe(
      'CLEARTEXT_NOT_ALLOWED',
    );
    const plain = await a.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1 });
    expect(
      await second.outcome(b.receive(JSON.stringify(plain), { request: 'GET /a', requireBinding: true })),
    ).toBe('REQUEST_BINDING_REQUIRED');
  });

  test('a message of somebody else under a signature of its own is not opened', async () => {
    const { agent, peer } = world();
    const [a, b, thief] = [await agent(2), await peer(2), await peer(2)];
    const sealed = (await b.seal(a.did, { scope: 'orders:read', content: 1 })).text;
    const stolen = second.resign(sealed.replace(b.did, thief.did), thief.id);
    expect(idOf(await a.receive(stolen))).toBe('DECRYPT_FAILED:DECRYPTION');
    const envelope = JSON.stringify(await a.createEnvelope({ to: b.did, scope: 'orders:read', payload: 1 }));
    const taken = second.resign(envelope.replace(a.did, thief.did), thief.id);
    expect(await second.outcome(b.receive(taken))).toBe('DECRYPT_FAILED:DECRYPTION');
  });
});

describe('identities and key records', () => {
  for (const version of VERSIONS) {
    test(`version ${version}: the same from the same seed, and each accepts the other's`, async () => {
      const s = seed();
      const ours = await Identity.fromSeed(s, { maxVersion: version });
      const theirs = second.identityFromSeed(s, version);
      expect(theirs.did).toBe(ours.did);
      expect(second.fromPkcs8(ours.exportPKCS8())).toEqual(s);
      const record = await createKeyRecord(ours, { epoch: 1_700_000_000 });
      const made = second.createRecord(theirs, 1_700_000_000);
      expect(made).toEqual({ ...record });
      expect(second.verifyRecord(record, ours.did).version).toBe(version);
      expect(await thrown(assertKeyRecord(made as KeyRecord, ours.crypto))).toBe('accepted');
      for (const changed of [
        { ...made, epoch: made.epoch + 1 },
        { ...made, x25519: `${made.x25519}=` },
        { ...made, x25519: `${made.signature.slice(0, 42)}A` },
        { ...made, mlKem768: 'A'.repeat(1579) },
        { ...made, signature: `A${made.signature.slice(1)}` },
      ]) {
        expect(await thrown(assertKeyRecord(changed as KeyRecord, ours.crypto))).toBe('KEY_RECORD_INVALID');
        expect(
          await second.outcome(Promise.resolve().then(() => second.verifyRecord(changed, ours.did))),
        ).toBe('KEY_RECORD_INVALID');
      }
      const imported = await Agent.importIdentity({ pkcs8: second.toPkcs8(s), maxVersion: version });
      expect(imported.value?.did).toBe(theirs.did);
    });
  }

  test('a peer with a memory: the same answers to one registry', async () => {
    const entries = new Map<string, object>();
    const registry = {
      lookup: (did: string) => entries.get(did) as never,
      register: () => ({ ok: true, value: undefined }) as const,
      updateKeys: () => ({ ok: true, value: undefined }) as const,
    };
    const a = await Agent.quickstart({ registry });
    const lookup = (did: string) => entries.get(did) as never;
    const b = new second.Peer(second.identityFromSeed(seed(), 3), lookup);
    const s = seed();
    const did = second.identityFromSeed(s).did;
    const record = (version: number, epoch: number) =>
      second.createRecord(second.identityFromSeed(s, version), epoch);
    const offer = async (keys: unknown) => {
      entries.set(did, { did, status: 'active', keys, record: keys });
      return [
        await thrown(a.createEnvelope({ to: did, payload: 1, signedOnly: true })),
        await second.outcome(b.seal(did, { scope: 'default', content: 1, signedOnly: true })),
      ];
    };
    const twice = (id: string) => [id, id];
    expect(await offer(undefined)).toEqual(twice('accepted'));
    expect(await offer({ ...record(2, 10), epoch: 11 })).toEqual(twice('KEY_RECORD_INVALID'));
    expect(await offer(record(2, 10))).toEqual(twice('accepted'));
    expect(await offer(record(2, 5))).toEqual(twice('accepted'));
    expect(await offer(record(3, 10))).toEqual(twice('KEY_RECORD_ROLLED_BACK'));
    expect(await offer(record(1, 11))).toEqual(twice('KEY_RECORD_DOWNGRADED'));
    expect(await offer(undefined)).toEqual(twice('KEY_RECORD_DOWNGRADED'));
    expect(await offer(record(2, 20))).toEqual(twice('accepted'));
    expect(await offer(record(3, 20))).toEqual(twice('KEY_RECORD_ROLLED_BACK'));
    expect(await offer(record(3, 21))).toEqual(twice('accepted'));
    a.forgetPeer(did);
    b.forget(did);
    expect(await offer(record(1, 1))).toEqual(twice('accepted'));
  });
});

describe('HTTP: the second implementation calls an Express app', () => {
  async function serve<T>(use: (call: Call) => Promise<T>): Promise<T> {
    const { agent, peer } = world();
    const api = await agent(3);
    const adapter = new DualModeAdapter({
      agent: api,
      mode: 'hybrid',
      legacyKeyValidator: (key) => (key === 'sesame' ? { customer: 7 } : null),
    });
    const app = express();
    app.use(adapter.middleware());
    app.use(express.json());
    app.use(express.text({ type: 'text/*' }));
    app.all('/*path', (req, res) => {
      res.json({ auth: (req as { auth?: unknown }).auth, body: req.body ?? null, method: req.method });
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await use({
        base,
        api,
        peer,
        body: (p, method, path, content, options) =>
          second.sendBodyForm(p, api.did, method, base + path, 'orders:write', content, options),
        header: (p, method, path, options) =>
          second.sendHeaderForm(p, api.did, method, base + path, 'orders:read', options),
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  interface Call {
    base: string;
    api: Agent;
    peer: ReturnType<typeof world>['peer'];
    body(
      p: second.Peer,
      method: string,
      path: string,
      content: unknown,
      options?: second.HttpOptions,
    ): Promise<second.Answer>;
    header(
      p: second.Peer,
      method: string,
      path: string,
      options?: second.HttpOptions,
    ): Promise<second.Answer>;
  }

  test('body form and header form, with and without a body, in every version', () =>
    serve(async ({ body, header, peer }) => {
      for (const version of VERSIONS) {
        const p = await peer(version);
        const auth = (encrypted: boolean, scope: string) => ({
          mode: 'xlink',
          did: p.did,
          scope,
          version,
          encrypted,
        });
        const sealed = await body(p, 'POST', '/orders?dry=1&x=%7e"\\', CONTENT);
        expect(sealed).toMatchObject({
          status: 200,
          json: { auth: auth(true, 'orders:write'), body: CONTENT, method: 'POST' },
        });
        const get = await header(p, 'GET', '/orders?limit=5');
        expect(get).toMatchObject({ status: 200, json: { auth: auth(false, 'orders:read'), method: 'GET' } });
        expect(await header(p, 'GET', '/orders?')).toMatchObject({ status: 200 });
        expect(await header(p, 'HEAD', '/orders')).toMatchObject({ status: 200 });

        const json = { body: '{"a":[1, 2]}', contentType: 'application/json; charset="utf-8"' };
        expect(await header(p, 'PUT', '/orders/1', json)).toMatchObject({
          status: 200,
          json: { auth: auth(false, 'orders:read'), body: { a: [1, 2] } },
        });
        const beside = { ...json, apiKeyHeader: 'ApiKey sesame' };
        expect(await header(p, 'PATCH', '/orders/1', beside)).toMatchObject({
          status: 200,
          json: { auth: auth(false, 'orders:read'), body: { a: [1, 2] } },
        });
        expect(await header(p, 'DELETE', '/orders/1', json)).toMatchObject({ status: 200 });
        expect(await body(p, 'DELETE', '/orders/1', CONTENT)).toMatchObject({ status: 200 });
        const text = { body: 'plain ☃', contentType: 'text/plain' };
        expect(await header(p, 'POST', '/orders/2', text)).toMatchObject({
          status: 200,
          json: { body: 'plain ☃' },
        });
        expect(await header(p, 'POST', '/orders/3', { body: 'untyped' })).toMatchObject({ status: 200 });
        expect(await header(p, 'POST', '/orders/4', { body: '' })).toMatchObject({ status: 200 });
      }
    }));

  test('refusals, with the ids and statuses of the document', () =>
    serve(async ({ body, header, peer, api }) => {
      const p = await peer(2);
      const json = { body: '{"a":1}', contentType: 'application/json' };
      const digest = new Uint8Array(32);
      const answers = {
        REQUEST_BINDING_MISMATCH: await header(p, 'GET', '/orders', { target: '/orders?' }),
        REQUEST_BINDING_REQUIRED: await body(p, 'POST', '/orders', 1, { seal: { request: undefined } }),
        CONTENT_DIGEST_MISMATCH: await header(p, 'PUT', '/o', { ...json, sentBody: '{"a":2}' }),
        CONTENT_TYPE_MISMATCH: await header(p, 'PUT', '/o', { ...json, seal: { contentType: 'text/plain' } }),
        CONTENT_DIGEST_MISSING: await header(p, 'PUT', '/o', { sentBody: 'x' }),
        CONTENT_DIGEST_UNEXPECTED: await header(p, 'GET', '/o', { seal: { contentDigest: digest } }),
        ENVELOPE_FORM_NOT_ALLOWED: await header(p, 'GET', '/o', { seal: { content: 1 } }),
        CLEARTEXT_NOT_ALLOWED: await body(p, 'POST', '/o', 1, { seal: { signedOnly: true } }),
        CONTENT_ENCODING_UNSUPPORTED: await body(p, 'POST', '/o', 1, {
          headers: { 'Content-Encoding': 'gzip' },
        }),
        ENVELOPE_AMBIGUOUS: await body(p, 'POST', '/o', 1, { headers: { 'Xlink-Envelope': 'e30' } }),
        'PARSE_FAILED:SYNTAX': await header(p, 'GET', '/o', { headers: { Authorization: 'Xlink e30=' } }),
        'PARSE_FAILED:MISSING_FIELD': await header(p, 'GET', '/o', { seal: { contentType: 'text/plain' } }),
      };
      for (const [id, answer] of Object.entries(answers)) {
        expect([id, answer.error]).toEqual([id, id]);
        const status = /MISMATCH|REQUIRED/.test(id) ? 401 : id === 'CONTENT_ENCODING_UNSUPPORTED' ? 415 : 400;
        expect([id, answer.status, answer.json.status]).toEqual([id, status, status]);
        expect(answer.json).toMatchObject({ authMethod: 'xlink', title: expect.any(String) });
        expect(answer.json.type.endsWith(id)).toBe(true);
        expect(answer.headers['cache-control']).toBe('no-store');
        if (status === 401)
          expect(answer.headers['www-authenticate']).toContain(`Xlink realm="api", error="${id}"`);
      }
      const unexpected = await body(p, 'POST', '/o', 1, { seal: { contentDigest: digest } });
      expect([unexpected.status, unexpected.error]).toEqual([400, 'CONTENT_DIGEST_UNEXPECTED']);
      const long = `Xlink ${'A'.repeat(32_772)}`;
      // Node refuses headers of more than 16 KiB before anybody sees them (12.2)
      expect((await header(p, 'GET', '/o', { headers: { Authorization: long } })).status).toBe(431);

      // a good envelope is not spoiled by a refused request, and is accepted once
      const sealed = await p.seal(api.did, { scope: 'orders:read', signedOnly: true, request: 'GET /once' });
      const Authorization = `xLINK ${second.toBase64url(second.utf8(sealed.text))}`;
      const send = (path: string) => header(p, 'GET', path, { headers: { Authorization } });
      expect((await send('/twice')).error).toBe('REQUEST_BINDING_MISMATCH');
      expect((await send('/once')).status).toBe(200);
      expect(await send('/once')).toMatchObject({ status: 409, error: 'REPLAY_DETECTED' });
    }));
});

describe('HTTP: the package calls, the second implementation receives', () => {
  test('body form and header form, with and without a body', async () => {
    const { agent, peer } = world();
    for (const version of VERSIONS) {
      const [a, b] = [await agent(version), await peer(version)];
      const target = '/orders?a="b"';
      const common = { to: b.did, scope: 'orders:read', request: requestBinding('post', target) };
      const sealed = await a.createEnvelope({ ...common, payload: CONTENT });
      const request = { method: 'POST', target, headers: { 'content-type': 'application/xlink-envelope' } };
      const inBody = (envelope: object) =>
        second.receiveRequest(b, { ...request, body: second.utf8(JSON.stringify(envelope)) });
      expect(await inBody(sealed)).toMatchObject({ from: a.did, version, content: CONTENT, encrypted: true });

      const body = second.utf8('{"a": 1}');
      const contentType = 'multipart/form-data; boundary="é%\\"';
      const beside = await a.createEnvelope({ ...common, signedOnly: true, content: body, contentType });
      const inHeader = (envelope: object, type: string, bytes?: Uint8Array) =>
        second.receiveRequest(b, {
          method: 'POST',
          target,
          headers: {
            'content-type': type,
            authorization: `Xlink ${second.toBase64url(second.utf8(JSON.stringify(envelope)))}`,
          },
          ...(bytes ? { body: bytes } : {}),
        });
      expect(await second.outcome(inHeader(beside, 'text/plain', body))).toBe('CONTENT_TYPE_MISMATCH');
      expect(await second.outcome(inHeader(beside, contentType, second.utf8('{"a": 2}')))).toBe(
        'CONTENT_DIGEST_MISMATCH',
      );
      expect(await second.outcome(inHeader(beside, contentType))).toBe('CONTENT_DIGEST_UNEXPECTED');
      expect(await inHeader(beside, contentType, body)).toMatchObject({
        from: a.did,
        version,
        encrypted: false,
      });
      const alone = await a.createEnvelope({ ...common, signedOnly: true });
      expect(await inHeader(alone, 'text/plain')).toMatchObject({ from: a.did, content: undefined });
    }
  });
});

describe('test vectors (section 15) with the second implementation', () => {
  const same = async (tally: Promise<vectors.Tally>) => {
    const { cases, failures } = await tally;
    expect(failures).toEqual([]);
    expect(cases).toBeGreaterThan(20);
  };
  test('identity.json', () => same(vectors.runIdentity()));
  test('key-record.json', () => same(vectors.runKeyRecord()));
  test('shares.json', () => same(vectors.runShares()));
  test('request-binding.json', () => same(vectors.runRequestBinding()));
  for (const file of ['v1.json', 'v2.json', 'v3.json', 'signed-only.json']) {
    test(file, () => same(vectors.runEnvelopes(file)));
  }
});
