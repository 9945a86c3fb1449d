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

/** Serves the document at the well-known path; `change` spoils it. */
async function discoverChanged(change: object, options: DiscoverOptions = {}) {
  const document = { ...(await documentOf()), ...change };
  return discover('api.example.com', {
    fetch: fetchOf({ [`https://api.example.com${PATH}`]: document }),
    ...options,
  });
}

describe('the three tiers', () => {
  test('asks the registry for a name, and the origin of the service who it is', async () => {
    const asked: string[] = [];
    const document = await documentOf();
    const answers = {
      'https://xlink.registry.io/services/payments-service': { url: 'https://pay.example.com/xlink' },
      [`https://pay.example.com${PATH}`]: document,
    };
    const service = await discover('payments-service', { fetch: fetchOf(answers, asked) });
    expect(service).toMatchObject({
      did: document['did'],
      url: 'https://pay.example.com/xlink',
      mode: 'hybrid',
    });
    expect(service.endpoints.enroll).toBe('https://pay.example.com/.well-known/xlink/enroll');
    expect(asked).toEqual(Object.keys(answers));
  });

  test('takes another registry, and pins the DID that the registry names', async () => {
    const document = await documentOf();
    const other = await documentOf();
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
    const fetch = fetchOf({ [`${origin}${PATH}`]: await documentOf() });
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
    const service = await discoverChanged({ name: 'Pay', more: 1, endpoints: { key: '/k', other: '//x' } });
    expect(service).toMatchObject({ name: 'Pay', endpoints: { key: 'https://api.example.com/k' } });
    expect(service).not.toHaveProperty('more');
  });

  test.each([
    ['did', { did: 'did:web:example.com' }],
    ['keyRecord', { keyRecord: 'none' }],
    ['versions', { versions: [] }],
    ['versions', { versions: [1, 4] }],
    ['versions', { versions: ['1'] }],
    ['versions', { versions: [1, 2, 3] }],
    ['mode', { mode: 'open' }],
    ['name', { name: 'a\nb' }],
    ['name', { name: 7 }],
    ['endpoints', { endpoints: [] }],
    ['endpoints', { endpoints: { enroll: 'https://evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '//evil.example/enroll' } }],
    ['endpoints', { endpoints: { enroll: '/\\evil.example/enroll' } }],
    ['endpoints', { endpoints: { key: 'relative' } }],
    ['endpoints', { endpoints: { key: '/k#x' } }],
  ])('is refused for its %s: %j', async (field, change) => {
    expect(await rejection(discoverChanged(change))).toMatchObject({ id: INVALID, field });
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
    expect(await rejection(discoverChanged({ keyRecord }))).toMatchObject({
      id: INVALID,
      field: 'keyRecord',
    });
  });

  test('is refused with a key record that was tampered with', async () => {
    const [mine, other] = [await documentOf(), await documentOf()];
    for (const change of [{ x25519: other.keyRecord.x25519 }, { epoch: 1 }, { mlKem768: undefined }]) {
      const keyRecord = { ...mine.keyRecord, ...change };
      const document = { did: mine['did'], keyRecord, versions: [1] };
      expect(await rejection(discoverChanged(document))).toMatchObject({ id: INVALID, field: 'keyRecord' });
    }
  });

  test('is refused if it shows another DID than the pinned one', async () => {
    const pinnedDid = (await generateIdentity()).value!.did;
    expect(await idOfRejection(discoverChanged({}, { pinnedDid }))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
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
      handmade.document = (document) => ({ ...document, did: strong.did, keyRecord: record });
      await fetch('/a').catch(() => {});
      handmade.document = (document) => ({ ...document, did: weak.did, keyRecord, versions: [1] });
      now += 300_001;
      expect(await idOfRejection(fetch('/a'))).toBe(id);
      expect(await agent.registry.lookup(strong.did)).toMatchObject({ keys: record });
    }
  });

  test('may show the same keys under an older epoch, as another instance of it does', async () => {
    const handmade = await serveHandmade();
    const own = await Identity.fromSeed((await handmade.agent.exportPKCS8()).slice(16));
    const records = [
      await createKeyRecord(own, { epoch: 1_800_000_000 }),
      await createKeyRecord(own, { epoch: 1_700_000_000 }),
    ];
    handmade.document = (document) => ({ ...document, keyRecord: records.shift() });
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
    const other = await documentOf();
    handmade.document = (document) => ({ ...document, ...other });
    later = 300_001;
    expect(await idOfRejection(fetch('/a'))).toBe('DISCOVERY_FAILED:OTHER_IDENTITY');
  });
});
