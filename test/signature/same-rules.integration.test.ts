import { describe, expect, test } from '@jest/globals';
import { type Agent, type AgentOptions, type DualModeOptions, MemoryNonceStore } from '@private.me/xlink';
import { enrollment } from '../adapters/requests.js';
import { SECOND } from '../support/clock.js';
import { ACME, clientOf, json, ORDER, type RefusalText, type Sent, signedRequest } from '../support/http.js';
import { World } from '../support/world.js';
import { expectSigned, type SignedSent, signedSent } from './support.js';

// What is true of an envelope in a header is true of a signature: each row is run with both.

interface Pair {
  readonly api: Agent;
  readonly caller: Agent;
  readonly clock: () => number;
}
type Make = (pair: Pair, sent?: Sent, draft?: { scope?: string }) => Promise<Sent>;

const FORMS: [string, Make][] = [
  ['an envelope', signedRequest],
  ['a signature', signedSent],
];

interface Row {
  readonly setup?: Partial<DualModeOptions>;
  readonly forApi?: (world: World) => AgentOptions;
  readonly sent?: Sent;
  readonly scope?: string;
  /** What happens to the request before it is sent. */
  readonly change?: (sent: Sent) => Sent;
  readonly before?: (world: World, caller: Agent) => unknown;
  /** What happens after it was made. */
  readonly meanwhile?: (world: World, caller: Agent) => unknown;
  readonly refusal: RefusalText;
}

const ROWS: Record<string, Row> = {
  'a DID that was revoked': {
    before: ({ registry }, { did }) => registry.revoke(did),
    refusal: '403 VERIFICATION_FAILED:DID_REVOKED',
  },
  'a scope that was not granted': {
    before: ({ registry }, { did }) => registry.updateScopes(did, { scopes: ['orders:read'] }),
    scope: 'orders:write',
    refusal: '403 SCOPE_DENIED',
  },
  'a scope that is not accepted': {
    forApi: () => ({ receiveScopes: ['orders:read'] }),
    scope: 'orders:write',
    refusal: '403 SCOPE_NOT_ALLOWED',
  },
  'a scope of the library elsewhere than at its route': {
    scope: 'xlink:key',
    refusal: '403 SCOPE_NOT_ALLOWED',
  },
  'a request that is too old': {
    meanwhile: ({ clock }) => clock.advance(32 * SECOND),
    refusal: '401 TIMESTAMP_EXPIRED',
  },
  'a request from the future': {
    meanwhile: ({ clock }) => clock.advance(-32 * SECOND),
    refusal: '401 TIMESTAMP_EXPIRED:FUTURE',
  },
  'another body': {
    sent: json(ORDER),
    change: (sent) => ({ ...sent, body: '{}' }),
    refusal: '401 CONTENT_DIGEST_MISMATCH',
  },
  'a body where none was signed': {
    sent: { method: 'POST' },
    change: (sent) => ({ ...json(ORDER, sent) }),
    refusal: '400 CONTENT_DIGEST_MISSING',
  },
  'a body that is too large': {
    setup: { maxBodyBytes: 10 },
    sent: json(ORDER),
    refusal: '413 BODY_TOO_LARGE',
  },
  'a compressed body': {
    sent: { ...json(ORDER), headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' } },
    refusal: '415 CONTENT_ENCODING_UNSUPPORTED',
  },
  'more nonces than a client may have': {
    setup: { maxNoncesPerClient: 1 },
    refusal: '429 NONCE_STORE_UNAVAILABLE:CLIENT_QUOTA',
  },
  'a nonce store that is down': {
    forApi: ({ clock }) => ({
      nonceStore: Object.assign(new MemoryNonceStore({ clock }), {
        claim: () => Promise.reject(new Error('down')),
      }),
    }),
    refusal: '503 NONCE_STORE_UNAVAILABLE',
  },
  'a mode of the client that takes none': {
    setup: { clientModes: { CALLER: 'observe' } as never },
    refusal: '415 XLINK_NOT_SUPPORTED',
  },
};

describe.each(FORMS)('%s', (_, make) => {
  test.each(Object.entries(ROWS))('of %s is refused', async (name, row) => {
    const world = new World();
    const api = await world.agent('api', row.forApi?.(world));
    const caller = await world.agent('caller');
    const setup = row.setup?.clientModes ? { clientModes: { [caller.did]: 'observe' as const } } : row.setup;
    const service = await world.serve({
      agent: api,
      clock: world.clock,
      clients: world.clients,
      signatures: true,
      ...setup,
    });
    const pair = { api, caller, clock: world.clock };
    await row.before?.(world, caller);
    if (name.includes('more nonces')) await service.send(make(pair));
    const sent = await make(pair, row.sent, row.scope === undefined ? {} : { scope: row.scope });
    await row.meanwhile?.(world, caller);
    const before = service.calls.length;
    const answer = await service.send(row.change?.(sent) ?? sent);
    const { code, subCode } = JSON.parse(answer.text);
    expect(`${answer.status} ${code}${subCode ? `:${subCode}` : ''}`).toBe(row.refusal);
    expect(service.calls).toHaveLength(before);
  });

  async function withStranger() {
    const world = new World();
    const { clock, clients } = world;
    const api = await world.agent('api');
    const service = await world.serve({ agent: api, clock, clients, signatures: true });
    const caller = await world.stranger('device');
    return { api, service, caller, pair: { api, caller, clock } };
  }

  test('of a stranger is refused, until it is enrolled; of a client that is revoked, again', async () => {
    const { api, service, caller, pair } = await withStranger();
    await service.refused(make(pair), '401 VERIFICATION_FAILED:DID_NOT_IN_REGISTRY');
    await service.send(enrollment(caller, api, ACME));
    const { auth } = await service.accepted(make(pair));
    expect(auth).toMatchObject({ client: 'acme', scopes: (clientOf(ACME) as { scopes: string[] }).scopes });
    const [row] = (await service.adapter.report()).clients;
    expect(row).toMatchObject({ client: 'acme', xlinkRequests: 1, state: 'moved' });
    expect(row!.signatureRequests).toBe(make === signedSent ? 1 : undefined);
    await service.adapter.revokeClient('acme');
    await service.refused(make(pair), '403 VERIFICATION_FAILED:DID_REVOKED');
  });

  test('ends itself and switches its key off', async () => {
    const { api, service, caller, pair } = await withStranger();
    await service.send(enrollment(caller, api, ACME));
    const off = await make(
      pair,
      { method: 'DELETE', path: '/.well-known/xlink/key' },
      { scope: 'xlink:key' },
    );
    expect(JSON.parse((await service.send(off)).text)).toMatchObject({ client: 'acme', key: 'off' });
    await service.refused({ headers: { 'x-api-key': ACME } }, '401 API_KEY_SWITCHED_OFF');
    const end = { method: 'DELETE', path: '/.well-known/xlink/enroll' };
    const answer = await service.send(make(pair, end, { scope: 'xlink:enroll' }));
    expect(JSON.parse(answer.text)).toMatchObject({ client: 'acme', linked: false });
    await service.refused(make(pair), '403 VERIFICATION_FAILED:DID_REVOKED');
  });
});

describe('headers that change what a request does', () => {
  test('are taken away unless they are covered', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ signatures: true, clock: known.clock });
    const headers = { 'idempotency-key': 'i', cookie: 'c=1', 'if-match': '"a"', accept: 'text/plain' };
    const bare = await service.accepted(signedSent(known, { headers }));
    expect([bare.headers['idempotency-key'], bare.headers.cookie, bare.headers['if-match']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(bare.headers.accept).toBe('text/plain');
    const covers = Object.keys(headers);
    const { headers: seen, auth } = await service.accepted(signedSent(known, { headers }, { covers }));
    expect(seen).toMatchObject(headers);
    expect(auth).toMatchObject({ signedHeaders: ['xlink-to', 'xlink-scope', ...covers] });
  });

  test('that proxies set cannot be signed', async () => {
    const known = await World.withCaller();
    const service = await known.serve({ signatures: true, clock: known.clock });
    const sent = { headers: { 'x-forwarded-for': '192.0.2.1' } };
    await service.refused(signedSent(known, sent, { covers: ['x-forwarded-for'] }), '400 FIELD_NOT_ALLOWED');
  });
});

describe('a second signature by ML-DSA-65', () => {
  const V3 = { postQuantumSig: true };

  test('is wanted where the key record has the key, and signs the answer as well', async () => {
    const known = await World.withCaller(V3, V3);
    const service = await known.serve({ signatures: true, clock: known.clock });
    await service.refused(signedSent(known), '401 SIGNATURE_PQ_REQUIRED');
    const sent: SignedSent = await signedSent(known, json(ORDER), { pq: true });
    const { auth, answer } = await service.accepted(sent);
    expect(auth).toMatchObject({ version: 3, form: 'signature' });
    expectSigned(known.api, sent, answer);
    expect(answer.headers['signature']).toMatch(/, xlink-pq=:[A-Za-z0-9+/=]{4412}:$/);
  });

  test('is wanted where the service takes nothing below version 3', async () => {
    const known = await World.withCaller({ ...V3, minVersion: 3 });
    const service = await known.serve({ signatures: true, clock: known.clock });
    await service.refused(signedSent(known), '401 SIGNATURE_PQ_REQUIRED');
  });

  test('must match, and be by a key that is on record', async () => {
    const known = await World.withCaller(V3, V3);
    const service = await known.serve({ signatures: true, clock: known.clock });
    const sent = await signedSent(known, {}, { pq: true });
    const other = await signedSent(known, {}, { pq: true });
    const [mine, theirs] = [sent, other].map(({ headers }) => headers['signature']!.split(', '));
    const headers = { ...sent.headers, signature: `${mine![0]}, ${theirs![1]}` };
    await service.refused({ ...sent, headers }, '401 VERIFICATION_FAILED:PQ_SIGNATURE_MISMATCH');
    const plain = await World.withCaller(V3);
    const elsewhere = await plain.serve({ signatures: true, clock: plain.clock });
    await elsewhere.refused(signedSent(plain, {}, { pq: true }), '401 VERIFICATION_FAILED:NO_PQ_KEY');
  });
});
