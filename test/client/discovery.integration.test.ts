import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createKeyRecord,
  type DiscoverOptions,
  discover,
  generateIdentity,
  Identity,
  xlinkFetch,
} from '@private.me/xlink';
import { documentOf, fetchOf } from './discovery-support.js';
import { fetchFor, idOfRejection, LOCAL, rejection, serveHandmade } from './support.js';

const PATH = '/.well-known/xlink.json';
const INVALID = 'DISCOVERY_FAILED:INVALID';

const serving = (document: object, options: DiscoverOptions = {}) =>
  discover('api.example.com', {
    fetch: fetchOf({ [`https://api.example.com${PATH}`]: document }),
    ...options,
  });

/** A service that signs the changed document. */
const discoverSigned = async (change: object, options?: DiscoverOptions) =>
  serving(await documentOf({ change }), options);

/** Somebody on the way changes the document. */
const discoverSpoiled = async (change: object, options?: DiscoverOptions) =>
  serving({ ...(await documentOf()), ...change }, options);

describe('the three tiers', () => {
  test('asks the registry for a name, and the origin of the service who it is', async () => {
    const asked: string[] = [];
    const document = await documentOf({ host: 'pay.example.com' });
    const answers = {
      'https://xlink.registry.io/services/payments-service': { url: 'https://pay.example.com/xlink' },
      [`https://pay.example.com${PATH}`]: document,
    };
    const service = await discover('payments-service', { fetch: fetchOf(answers, asked) });
    expect(service).toMatchObject({
      did: document.did,
      url: 'https://pay.example.com/xlink',
      mode: 'hybrid',
    });
    expect(service.endpoints.enroll).toBe('https://pay.example.com/.well-known/xlink/enroll');
    expect(asked).toEqual(Object.keys(answers));
  });

  test('takes another registry, and pins the DID that the registry names', async () => {
    const document = await documentOf({ host: 'pay.example.com' });
    const other = await documentOf({ host: 'pay.example.com' });
    const answers = {
      'https://registry.example.com/v1/services/pay': { ...other, url: 'https://pay.example.com' },
      [`https://pay.example.com${PATH}`]: document,
    };
    const options = { registryUrl: 'https://registry.example.com/v1/', fetch: fetchOf(answers) };
    expect(await idOfRejection(discover('pay', options))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });

  test.each([
    [{}, INVALID],
    [{ url: 'ftp://pay.example.com' }, INVALID],
    [{ url: 'https://user:pw@pay.example.com' }, INVALID],
    [{ url: 'https://pay.example.com', did: 7 }, INVALID],
    [{ url: 'http://pay.example.com' }, 'DISCOVERY_FAILED:INSECURE'],
    [{ url: 'https://169.254.169.254' }, 'DISCOVERY_FAILED:PRIVATE_ADDRESS'],
  ])('refuses a registry entry %j', async (entry, id) => {
    const fetch = fetchOf({ 'https://xlink.registry.io/services/pay': entry });
    expect(await idOfRejection(discover('pay', { fetch }))).toBe(id);
  });

  test('does not take a name that nobody knows for a service without xLink', async () => {
    expect(await idOfRejection(discover('nobody', { fetch: fetchOf({}) }))).toBe('DISCOVERY_FAILED');
  });

  test.each([
    ['api.example.com', 'https://api.example.com', 'https://api.example.com'],
    ['api.example.com:8443', 'https://api.example.com:8443', 'https://api.example.com:8443'],
    ['https://api.example.com/xlink', 'https://api.example.com/xlink', 'https://api.example.com'],
    ['https://api.example.com/v1/?a=b', 'https://api.example.com/v1/?a=b', 'https://api.example.com'],
  ])('reads the document of %s', async (target, url, origin) => {
    const { host } = new URL(origin);
    const fetch = fetchOf({ [`${origin}${PATH}`]: await documentOf({ host }) });
    expect(await discover(target, { fetch })).toMatchObject({ url, origin });
  });

  test.each([
    '',
    ' ',
    'a b',
    'a/b',
    'api.example.com/path',
    'user@host.example',
    'a.b#c',
    'a.b?c',
    'https://',
    'https://u:p@a.b',
    'a\\b.c',
  ])('refuses the target %j', async (target) => {
    const asked: string[] = [];
    expect(await idOfRejection(discover(target, { fetch: fetchOf({}, asked) }))).toBe('DISCOVERY_FAILED');
    expect(asked).toEqual([]);
  });
});

describe('the document', () => {
  test('comes back checked, with what is not known left out', async () => {
    const endpoints = { key: '/k', other: '//x' };
    const document = await documentOf({ change: { name: 'Pay', endpoints } });
    const service = await serving({ ...document, more: 1 });
    expect(service).toMatchObject({ name: 'Pay', endpoints: { key: 'https://api.example.com/k' } });
    expect(service).not.toHaveProperty('more');
    expect(service.endpoints).not.toHaveProperty('other');
  });

  const now = Date.now();
  test.each([
    ['versions', { versions: [] }],
    ['versions', { versions: [1, 4] }],
    ['versions', { versions: ['1'] }],
    ['versions', { versions: [1, 2, 3] }],
    ['mode', { mode: 'open' }],
    ['name', { name: 'a\nb' }],
    ['name', { name: 'x'.repeat(257) }],
    ['acceptsEnvelopes', { acceptsEnvelopes: 'yes' }],
    ['hosts', { hosts: [] }],
    ['hosts', { hosts: Array.from({ length: 65 }, (_, i) => `h${i}`) }],
    ['publicPaths', { publicPaths: Array.from({ length: 1001 }, () => '/a') }],
    ['publicPaths', { publicPaths: ['/'.repeat(1025)] }],
    ['issuedAt', { issuedAt: 2 ** 53, notAfter: 2 ** 53 }],
    ['issuedAt', { issuedAt: -1 }],
    ['notAfter', { issuedAt: now, notAfter: now + 300_001 }],
    ['notAfter', { issuedAt: now, notAfter: now - 1 }],
    ['endpoints', { endpoints: [] }],
    ['endpoints', { endpoints: { enroll: 'https://evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '//evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '/\\evil.example/enroll' } }],
    ['endpoints', { endpoints: { key: 'relative' } }],
    ['endpoints', { endpoints: { key: '/k#x' } }],
  ])('is refused for its %s, though signed: %j', async (field, change) => {
    expect(await rejection(discoverSigned(change))).toMatchObject({ id: INVALID, field });
  });

  test.each([
    ['did', { did: 'did:web:example.com' }],
    ['keyRecord', { keyRecord: 'none' }],
    ['name', { name: 7 }],
    ['hosts', { hosts: 'api.example.com' }],
    ['hosts', { hosts: [7] }],
    ['publicPaths', { publicPaths: undefined }],
    ['acceptsEnvelopes', { acceptsEnvelopes: undefined }],
    ['issuedAt', { issuedAt: '1' }],
    ['issuedAt', { issuedAt: now + 0.5 }],
    ['notAfter', { notAfter: null }],
    ['endpoints', { endpoints: { enroll: 7 } }],
    ['signature', { signature: undefined }],
    ['signature', { signature: 7 }],
    ['signature', { signature: '' }],
    ['signature', { signature: 'A'.repeat(86) }],
    ['pqSignature', { pqSignature: 7 }],
  ])('is refused for its %s: %j', async (field, change) => {
    expect(await rejection(discoverSpoiled(change))).toMatchObject({ id: INVALID, field });
  });

  test.each<[string, object]>([
    ['name', { name: 'Bank' }],
    ['versions', { versions: [1] }],
    ['mode', { mode: 'observe' }],
    ['acceptsEnvelopes', { acceptsEnvelopes: false }],
    ['hosts', { hosts: ['api.example.com', 'evil.example'] }],
    ['endpoints', { endpoints: {} }],
    ['endpoints', { endpoints: { enroll: '/mine' } }],
    ['publicPaths', { publicPaths: ['/*'] }],
    ['issuedAt', { issuedAt: Date.now() + 10_000 }],
    ['notAfter', { notAfter: Date.now() + 200_000 }],
  ])('is refused if its %s was changed after it was signed: %j', async (_, change) => {
    expect(await rejection(discoverSpoiled(change))).toMatchObject({ id: INVALID, field: 'signature' });
  });

  test('is refused without the signature of the ML-DSA key that its record has', async () => {
    const identity = (await generateIdentity({ postQuantumSig: true })).value!;
    const document = await documentOf({ identity, change: { versions: [1, 2, 3] } });
    expect((await serving(document)).versions).toEqual([1, 2, 3]);
    const { pqSignature } = await documentOf({ identity });
    for (const spoiled of [undefined, pqSignature])
      expect(await rejection(serving({ ...document, pqSignature: spoiled }))).toMatchObject({
        id: INVALID,
        field: 'pqSignature',
      });
  });

  test('is refused if it speaks for other hosts', async () => {
    for (const hosts of [['other.example.com'], ['api.example.com:8443'], ['example.com', '*.example.com']])
      expect(await idOfRejection(discoverSigned({ hosts }))).toBe('DISCOVERY_FAILED:OTHER_HOST');
  });

  test.each([
    [-300_000 - 310_000, 'DISCOVERY_FAILED:EXPIRED'],
    [-300_000 - 290_000, undefined],
    [290_000, undefined],
    [310_000, 'DISCOVERY_FAILED:EXPIRED'],
  ])('that was signed %s ms from now, for five minutes: %s', async (away, id) => {
    const document = await documentOf({ now: Date.now() + away });
    if (id) expect(await idOfRejection(serving(document))).toBe(id);
    else expect(await serving(document)).toMatchObject({ did: document.did });
  });

  test.each([[[]], ['text'], [null], [7]])('is refused if it is %j', async (document) => {
    const fetch: typeof globalThis.fetch = async () => Response.json(document);
    expect(await idOfRejection(discover('a.example', { fetch }))).toBe(INVALID);
  });

  test('is refused if it is not JSON, and not quoted', async () => {
    for (const [type, text] of [
      ['application/json', '<html>secret'],
      ['text/html', '{}'],
      ['application/json', '\ud800'],
    ] as const) {
      const fetch: typeof globalThis.fetch = async () =>
        new Response(text, { headers: { 'Content-Type': type } });
      const error = await rejection(discover('a.example', { fetch }));
      expect(error.id).toBe(INVALID);
      expect(error.stack).not.toContain('secret');
    }
  });

  test('is refused with a key record of another DID', async () => {
    const { keyRecord } = await documentOf();
    for (const found of [discoverSigned({ keyRecord }), discoverSpoiled({ keyRecord })])
      expect(await rejection(found)).toMatchObject({ id: INVALID, field: 'keyRecord' });
  });

  test('is refused with a key record that was tampered with', async () => {
    const [mine, other] = [await documentOf(), await documentOf()];
    for (const change of [{ x25519: other.keyRecord.x25519 }, { epoch: 1 }, { mlKem768: undefined }]) {
      const keyRecord = { ...mine.keyRecord, ...change };
      const document = { ...mine, keyRecord, versions: [1] };
      expect(await rejection(serving(document))).toMatchObject({ id: INVALID, field: 'keyRecord' });
    }
  });

  test('is refused if it shows another DID than the pinned one', async () => {
    const pinnedDid = (await generateIdentity()).value!.did;
    expect(await idOfRejection(discoverSigned({}, { pinnedDid }))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });
});

describe('a service that changes', () => {
  test('cannot show weaker or older keys later', async () => {
    const seed = (await Agent.quickstart()).exportPKCS8();
    const strong = await Identity.fromSeed((await seed).slice(16));
    const weak = await Identity.fromSeed((await seed).slice(16), { maxVersion: 1 });
    for (const [keyRecord, id] of [
      [await createKeyRecord(weak, { epoch: 2_000_000_000 }), 'KEY_RECORD_DOWNGRADED'],
      [await createKeyRecord(weak, { epoch: 1 }), 'KEY_RECORD_ROLLED_BACK'],
    ] as const) {
      let now = Date.now();
      const agent = await Agent.quickstart();
      const handmade = await serveHandmade();
      const fetch = xlinkFetch({ ...LOCAL, agent, baseUrl: handmade.url, clock: () => now });
      const record = await createKeyRecord(strong);
      handmade.signer = new Agent({ identity: strong });
      handmade.document = (document) => ({ ...document, keyRecord: record });
      await rejection(fetch('/a')); // it cannot open what is sealed for the keys of this record
      handmade.document = (document) => ({ ...document, keyRecord, versions: [1] });
      now += 300_001;
      expect(await idOfRejection(fetch('/a'))).toBe(id);
    }
  });

  test('may show the same keys under an older epoch, as another instance of it does', async () => {
    const handmade = await serveHandmade();
    const own = await Identity.fromSeed((await handmade.agent.exportPKCS8()).slice(16));
    const records = [
      await createKeyRecord(own, { epoch: 1_800_000_000 }),
      await createKeyRecord(own, { epoch: 1_700_000_000 }),
    ];
    handmade.document = (document) => ({ ...document, keyRecord: records.shift()! });
    let later = 0;
    const fetch = fetchFor(handmade.url, {
      agent: await Agent.quickstart(),
      clock: () => Date.now() + later,
    });
    expect((await fetch('/a')).status).toBe(200);
    later = 300_001;
    expect((await fetch('/a')).status).toBe(200);
    expect(records).toEqual([]);
  });

  test('cannot become somebody else where its DID is pinned', async () => {
    const handmade = await serveHandmade();
    let later = 0;
    const clock = () => Date.now() + later;
    const fetch = fetchFor(handmade.url, { pinnedDid: handmade.agent.did, clock });
    expect((await fetch('/a')).status).toBe(200);
    handmade.signer = await Agent.quickstart();
    later = 300_001;
    expect(await idOfRejection(fetch('/a'))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });
});
