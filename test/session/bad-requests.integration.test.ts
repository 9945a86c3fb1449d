import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  Identity,
  MemoryClientStore,
  MemorySequenceStore,
  MemoryTrustRegistry,
  requireScope,
  xlinkFetch,
} from '@private.me/xlink';
import { concat, lengthPrefixed } from '../../src/crypto/bytes.js';
import { unframePlaintext } from '../../src/envelope/plaintext.js';
import { encodeFrames, FRAME } from '../../src/http/answer-frames.js';
import { encodeCredential } from '../../src/session/credential.js';
import { LOCAL } from '../client/support.js';
import { unwrap } from '../support/results.js';
import { crypto, memoryTickets, RawCaller, type SessionApi, serveSessions } from './support.js';

const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('a request in a session', () => {
  let api: SessionApi;
  let caller: RawCaller;

  beforeEach(async () => {
    api = await serveSessions({ never: ['pay'] }, {}, (app) => app.use('/pay', requireScope('pay')));
    caller = await RawCaller.of(api.url, api.registry);
  });

  test('is what a handler gets, and its answer is sealed for its caller', async () => {
    const plain = await caller.call();
    expect(plain).toMatchObject({
      status: 201,
      body: { form: 'session', version: 2, encrypted: true, scopes: ['*'] },
    });
    expect(plain.body).toMatchObject({ body: { item: 'tea' } });
    expect(plain.body['headers']).not.toHaveProperty('authorization');
    const sealed = await caller.call({}, { wantsSealed: true });
    expect(sealed).toMatchObject({ status: 201, body: { form: 'session' } });
  });

  test('of 50 that are the same at once, one is taken', async () => {
    const before = api.handled.length;
    const sealed = await caller.seal();
    const answers = await Promise.all(Array.from({ length: 50 }, () => caller.send(sealed)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'REPLAY_DETECTED')).toHaveLength(49);
    expect(api.handled.length).toBe(before + 1);
  });

  test.each([
    ['moved to another path', 'SESSION_AUTHENTICATION_FAILED', 401, {}, { path: '/form?x=1' }],
    ['moved to another method', 'SESSION_AUTHENTICATION_FAILED', 401, {}, { method: 'PUT' }],
    ['too old', 'TIMESTAMP_EXPIRED', 401, { timestamp: Date.now() - 120_000 }, {}],
    ['from the future', 'TIMESTAMP_EXPIRED:FUTURE', 401, { timestamp: Date.now() + 120_000 }, {}],
    ['of a number that no session has', 'SESSION_SEQUENCE_INVALID', 400, { seq: 65_536 }, {}],
    ['of a number far ahead', 'SESSION_SEQUENCE_INVALID', 400, { seq: 2 ** 31 }, {}],
    [
      'with a body of another type',
      'SESSION_MALFORMED',
      400,
      {},
      { headers: { 'Content-Type': 'text/plain' } },
    ],
    ['encoded', 'CONTENT_ENCODING_UNSUPPORTED', 415, {}, { headers: { 'Content-Encoding': 'gzip' } }],
    ['for a scope of the library', 'SCOPE_NOT_ALLOWED', 403, { scope: 'xlink:session' }, {}],
    [
      'with a header that is not for callers',
      'FIELD_NOT_ALLOWED',
      400,
      { headers: [['x-forwarded-for', '1']] },
      {},
    ],
    ['beside an envelope', 'ENVELOPE_AMBIGUOUS', 400, {}, { headers: { 'Xlink-Envelope': 'e30' } }],
    ['in two headers', 'ENVELOPE_AMBIGUOUS', 400, {}, { headers: { 'Xlink-Session': 'AA' } }],
  ] as const)('%s is %s', async (_, code, status, what, how) => {
    const before = api.handled.length;
    const answer = await caller.call(what as Parameters<RawCaller['call']>[0], how as never);
    expect([answer.code, answer.status]).toEqual([code, status]);
    expect(api.handled.length).toBe(before);
  });

  test('under a ticket that was forged, changed, or stolen by another caller', async () => {
    const { ticket } = caller.session;
    const other = await RawCaller.of(api.url, api.registry);
    const codes = [
      await caller.call({ ticket: flipped(ticket, 0) }),
      await caller.call({ ticket: flipped(ticket, 10) }),
      await caller.call({ ticket: flipped(ticket, 100) }),
      await caller.call({ ticket: flipped(ticket, ticket.length - 1) }),
      await caller.call({ ticket: crypto.randomBytes(ticket.length) }),
      await other.call({ ticket }),
    ].map(({ code }) => code);
    expect(codes).toEqual([
      'SESSION_UNKNOWN',
      'SESSION_UNKNOWN:FORGED',
      'SESSION_UNKNOWN:FORGED',
      'SESSION_UNKNOWN:FORGED',
      'SESSION_UNKNOWN',
      'SESSION_AUTHENTICATION_FAILED',
    ]);
  });

  test('under a ticket of another service', async () => {
    const other = await serveSessions();
    const theirs = await RawCaller.of(other.url, other.registry);
    const answer = await theirs.at(api.url).call();
    expect([answer.status, answer.code]).toEqual([401, 'SESSION_UNKNOWN']);
  });

  test('with a credential that is none', async () => {
    const sealed = await caller.seal();
    const { ticket } = caller.session;
    const without = { ticket, seq: 1, salt: crypto.randomBytes(16), timestamp: Date.now(), scope: '*' };
    for (const credential of [
      '',
      'AA',
      '=',
      `${sealed.credential}AA`,
      encodeCredential({ ...without, sealed: new Uint8Array(3) }),
    ])
      expect(await caller.send({ ...sealed, credential })).toMatchObject({
        status: 400,
        code: 'SESSION_MALFORMED',
      });
  });

  test('may not use a scope that needs a signature, by name or under *', async () => {
    const named = await caller.call({ scope: 'pay' }, { wantsSealed: true });
    expect(named).toMatchObject({ status: 403, code: 'SESSION_NOT_ALLOWED' });
    expect(named.body).toMatchObject({ scope: 'pay' });
    const guarded = await caller.call({ path: '/pay' }, { wantsSealed: true });
    expect(guarded).toMatchObject({ status: 403, code: 'SESSION_NOT_ALLOWED' });
  });

  test('has the scopes of now, and none once its caller is revoked', async () => {
    const registry = api.registry as MemoryTrustRegistry;
    const one = await RawCaller.of(api.url, api.registry, ['orders:read', 'pay']);
    expect((await one.call()).body['scopes']).toEqual(['orders:read']); // no request of a session has the other one
    await registry.updateScopes(one.agent.did, { scopes: ['orders:write'] });
    expect((await one.call()).body['scopes']).toEqual(['orders:write']);
    expect((await one.call({ scope: 'orders:read' })).code).toBe('SCOPE_DENIED');
    await registry.revoke(one.agent.did);
    expect(await one.call()).toMatchObject({ status: 403, code: 'VERIFICATION_FAILED:DID_REVOKED' });
  });

  test('is refused where its caller has stronger keys by now', async () => {
    const registry = new MemoryTrustRegistry();
    const strong = await serveSessions(true, { agent: await Agent.quickstart({ registry, maxVersion: 3 }) });
    const one = await RawCaller.of(strong.url, registry);
    expect((await one.call()).status).toBe(201);
    const identity = await Identity.fromPKCS8(await one.agent.exportPKCS8(), { maxVersion: 3 });
    const { epoch } = registry.lookup(one.agent.did)!.keys!;
    unwrap(await registry.updateKeys(await createKeyRecord(identity, { epoch: epoch + 1 })));
    expect(await one.call()).toMatchObject({ status: 401, code: 'SESSION_STALE' });
  });

  test('is refused in a mode in which keys decide', async () => {
    api.adapter.setMode('observe');
    expect(await caller.call({}, { wantsSealed: true })).toMatchObject({
      status: 415,
      code: 'XLINK_NOT_SUPPORTED',
    });
    api.adapter.setMode('xlink-only');
    expect((await caller.call()).status).toBe(201);
    api.adapter.setMode('hybrid');
  });

  test('is not taken by a service without sessions, which offers none', async () => {
    const without = await serveSessions(false);
    const answer = await caller.at(without.url).call();
    expect([answer.status, answer.code]).toEqual([400, 'SESSION_NOT_ACCEPTED']);
    const document = (await (await fetch(`${without.url}/.well-known/xlink.json`)).json()) as {
      endpoints: object;
    };
    expect(document.endpoints).not.toHaveProperty('session');
    expect(xlinkFetch({ ...LOCAL, session: false })).toBeInstanceOf(Function);
  });

  test('the routes of the library itself want a signature', async () => {
    for (const path of ['/.well-known/xlink/key', '/.well-known/xlink/session']) {
      const method = path.endsWith('key') ? 'DELETE' : 'POST';
      const sealed = await caller.seal({ path, method });
      expect((await caller.send(sealed)).code).toBe('SESSION_NOT_ACCEPTED');
    }
  });

  test.each([
    [255, 'SESSION_AUTHENTICATION_FAILED'],
    [256, 'SESSION_MALFORMED'],
    [5000, 'SESSION_MALFORMED'],
  ])('of %i empty chunks and a last one is refused with %s', async (count, code) => {
    const sealed = await caller.seal();
    const empty = Array.from({ length: count }, () => ({ type: FRAME.chunk, bytes: new Uint8Array(16) }));
    const bytes = concat([...encodeFrames(empty), sealed.bytes]);
    expect((await caller.send({ ...sealed, bytes })).code).toBe(code);
  });

  test('has at most 256 sealed headers', async () => {
    const headersOf = (count: number) =>
      Array.from({ length: count }, (_, i): [string, string] => [`x-${i}`, 'a']);
    const most = await caller.call({ headers: headersOf(256) });
    expect(most.body['headers']).toMatchObject({ 'x-0': 'a', 'x-255': 'a' });
    const refused = caller.call({ headers: headersOf(257) });
    await expect(refused).rejects.toMatchObject({ id: 'INVALID_OPTION', field: 'headers' }); // by the caller's own side
    const frame = lengthPrefixed([caller.session.from, '', lengthPrefixed(headersOf(257).flat())]);
    expect(() => unframePlaintext('request', caller.session.from, frame)).toThrow(
      expect.objectContaining({ id: 'DECRYPT_FAILED:PARSE' }),
    );
  });

  test('a caller opens as many sessions a minute as it may', async () => {
    const few = await serveSessions({ handshakesPerMinute: 2 });
    const one = await RawCaller.of(few.url, few.registry);
    await one.again();
    await expect(one.again()).rejects.toThrow();
    expect(few.events.filter(({ type }) => type === 'session')).toHaveLength(2);
  });

  test('a client has one share of the store, with all of its identities, and by what takes the place of requests', async () => {
    const clients = new MemoryClientStore();
    const sequences = new MemorySequenceStore({ maxBlocks: 40, maxBlocksPerSender: 4 });
    const small = await serveSessions({ sequences, tickets: memoryTickets() }, { clients });
    const callerOf = async (client: string) => {
      const caller = await RawCaller.of(small.url, small.registry);
      clients.link(caller.agent.did, client);
      return caller;
    };
    const superseding = async (caller: RawCaller, sid: string) => {
      const text = `${sid.padEnd(22, 'A')}.0.${Date.now()}`;
      return (await caller.call({ headers: [['xlink-supersedes', text]] })).code;
    };
    const [one, another, other] = [await callerOf('acme'), await callerOf('acme'), await callerOf('bravo')];
    const codes = [];
    for (const sid of ['a', 'b', 'c', 'd']) codes.push(await superseding(one, sid));
    expect(codes).toEqual([undefined, undefined, undefined, 'NONCE_STORE_UNAVAILABLE:SENDER_QUOTA']);
    expect((await another.call()).code).toBe('NONCE_STORE_UNAVAILABLE:SENDER_QUOTA');
    expect((await other.call()).status).toBe(201);
  });
});
