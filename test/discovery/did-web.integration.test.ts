import { createServer, type RequestListener } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import {
  Agent,
  createDidWebDocument,
  createKeyRecord,
  type DidWebOptions,
  type Identity,
  LoopbackTransport,
  MemoryTrustRegistry,
  registerDidWeb,
  resolveDidWeb,
} from '@private.me/xlink';
import { didWebUrl } from '../../src/discovery/did-web-url.js';
import { identityOf } from '../support/agents.js';
import { withBitFlipped } from '../support/forge.js';
import { listen } from '../support/http.js';
import { errorOf, idOf, thrownBy, unwrap } from '../support/results.js';

const LOCAL: DidWebOptions = { unsafeAllowHttp: true, unsafeAllowPrivateAddresses: true };
const [alice, bob] = await Promise.all([identityOf('alice'), identityOf('bob')]);

describe('the address of a did:web', () => {
  test.each([
    ['did:web:w3c-ccg.github.io', 'https://w3c-ccg.github.io/.well-known/did.json'],
    ['did:web:w3c-ccg.github.io:user:alice', 'https://w3c-ccg.github.io/user/alice/did.json'],
    ['did:web:example.com%3A3000:user:alice', 'https://example.com:3000/user/alice/did.json'],
    ['did:web:example.com%3a3000', 'https://example.com:3000/.well-known/did.json'],
    ['did:web:Example.COM:a.b_c-d:%20x', 'https://example.com/a.b_c-d/%20x/did.json'],
    ['did:web:xn--bcher-kva.example', 'https://xn--bcher-kva.example/.well-known/did.json'],
  ])('%s', (did, url) => {
    expect(didWebUrl(did).href).toBe(url);
  });

  test.each([
    'did:web:',
    'did:web',
    'did:key:z6Mk',
    'DID:WEB:example.com',
    'did:web:example.com:',
    'did:web:example.com::a',
    'did:web:example.com:..:secret',
    'did:web:example.com:%2e%2e:secret',
    'did:web:example.com:.',
    'did:web:example.com:a%2Fb',
    'did:web:example.com:a%5cb',
    'did:web:example.com:a%00b',
    'did:web:example.com:a/b',
    'did:web:example.com/a',
    'did:web:example.com?a=b',
    'did:web:example.com#key-1',
    'did:web:user@example.com',
    'did:web:example.com%40evil.example',
    'did:web:example.com%3A',
    'did:web:example.com%3A99999',
    'did:web:example.com%3A0080',
    'did:web:example.com%2Fa',
    'did:web:.example.com',
    'did:web:example..com',
    'did:web:-a.example',
    'did:web:127.0.0.1',
    'did:web:127.1',
    'did:web:0x7f.1',
    'did:web:2130706433',
    'did:web:[%3A%3A1]',
    'did:web:example.com\n',
    'did:web:ex ample.com',
    `did:web:example.com:${'a'.repeat(3000)}`,
    7,
  ])('there is none for %j', async (did) => {
    expect((await thrownBy(() => didWebUrl(did as string))).id).toBe('INVALID_DID');
    expect(
      idOf(await resolveDidWeb(did as string, { fetch: () => Promise.reject(new Error('asked')) })),
    ).toBe('INVALID_DID');
  });
});

/** Serves what `answer` says over real HTTP, and the name of it. */
async function serve(answer: (did: string) => unknown, path = ''): Promise<{ did: string; asked: string[] }> {
  const asked: string[] = [];
  const { port } = await listen(
    createServer((request, response) => {
      asked.push(request.url!);
      const given = answer(did);
      if (typeof given === 'function') return (given as RequestListener)(request, response);
      response.setHeader('content-type', 'application/did+json').end(JSON.stringify(given));
    }),
  );
  const did = `did:web:localhost%3A${port}${path}`;
  return { did, asked };
}

const recordOf = (identity: Identity, epoch = 10) => createKeyRecord(identity, { epoch });
const record = await recordOf(alice);
type Document = ReturnType<typeof createDidWebDocument>;

describe('resolving', () => {
  test.each([
    ['', '/.well-known/did.json'],
    [':teams:billing', '/teams/billing/did.json'],
  ])('gets the document and checks the key record in it (path "%s")', async (path, asked) => {
    const service = await serve((did) => createDidWebDocument(did, record), path);
    expect(unwrap(await resolveDidWeb(service.did, LOCAL))).toEqual({
      web: service.did,
      did: alice.did,
      keyRecord: record,
    });
    expect(service.asked).toEqual([asked]);
  });

  test('takes documents of other makers: relative references, embedded methods, more of everything', async () => {
    const made = (did: string): object[] => {
      const document = createDidWebDocument(did, record);
      const [method] = document.verificationMethod;
      const other = { ...method!, id: '#other', publicKeyMultibase: bob.did.slice('did:key:'.length) };
      const relative = { ...method!, id: '#key-1', type: 'Ed25519VerificationKey2020' };
      const service = { ...document.service[0]!, type: ['Other', 'XlinkKeyRecord'] };
      return [
        { ...document, verificationMethod: [other, relative], authentication: ['#other', `${did}#key-1`] },
        { ...document, verificationMethod: undefined, authentication: [method] },
        {
          ...document,
          service: [{ id: '#files', type: 'Files', serviceEndpoint: 'https://x.example' }, service],
        },
      ];
    };
    for (const at of [0, 1, 2]) {
      const service = await serve((did) => made(did)[at]);
      expect(unwrap(await resolveDidWeb(service.did, LOCAL)).did).toBe(alice.did);
    }
  });

  test.each<[string, (document: Document) => unknown, string]>([
    ['no object', () => [], 'document'],
    ['the document of another name', (d) => ({ ...d, id: `${d.id}:other` }), 'id'],
    ['no service', (d) => ({ ...d, service: undefined }), 'service'],
    ['services that are none', (d) => ({ ...d, service: [null] }), 'service'],
    [
      'an address in place of the record',
      (d) => ({ ...d, service: [{ ...d.service[0], serviceEndpoint: 'https://x' }] }),
      'authentication',
    ],
    ['no key that may authenticate', (d) => ({ ...d, authentication: [] }), 'authentication'],
    ['no list of such keys', (d) => ({ ...d, authentication: d.authentication[0] }), 'authentication'],
    ['a reference to nothing', (d) => ({ ...d, authentication: ['#key-2'] }), 'authentication'],
    [
      'a key for something else only',
      (d) => ({ ...d, authentication: [], assertionMethod: ['#key-1'] }),
      'authentication',
    ],
    [
      'a key that another controls',
      (d) => ({
        ...d,
        verificationMethod: [{ ...d.verificationMethod[0], controller: 'did:web:x.example' }],
      }),
      'authentication',
    ],
    [
      'a key of another type',
      (d) => ({ ...d, verificationMethod: [{ ...d.verificationMethod[0], type: 'JsonWebKey' }] }),
      'authentication',
    ],
    [
      'another key than the record has',
      (d) => ({
        ...d,
        verificationMethod: [{ ...d.verificationMethod[0], publicKeyMultibase: bob.did.slice(8) }],
      }),
      'authentication',
    ],
    [
      'a record whose proof is wrong',
      (d) => ({
        ...d,
        service: [
          { ...d.service[0], serviceEndpoint: { ...record, x25519: withBitFlipped(record.x25519, 0) } },
        ],
      }),
      'keyRecord',
    ],
  ])('refuses %s', async (_, spoil, field) => {
    const service = await serve((did) => spoil(createDidWebDocument(did, record)));
    const error = errorOf(await resolveDidWeb(service.did, LOCAL));
    expect([error.id, error.field]).toEqual(['DISCOVERY_FAILED:INVALID', field]);
  });

  test.each<[string, RequestListener, string]>([
    ['404', (_, response) => response.writeHead(404).end(), 'DISCOVERY_FAILED'],
    [
      'a page',
      (_, response) => response.setHeader('content-type', 'text/html').end('<p>'),
      'DISCOVERY_FAILED:INVALID',
    ],
    [
      'no JSON',
      (_, response) => response.setHeader('content-type', 'application/json').end('{'),
      'DISCOVERY_FAILED:INVALID',
    ],
    [
      'too much',
      (_, response) => response.setHeader('content-type', 'application/json').end(`"${'x'.repeat(330_000)}"`),
      'DISCOVERY_FAILED:TOO_LARGE',
    ],
    [
      'a redirect to another host',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/did.json' }).end(),
      'DISCOVERY_FAILED:REDIRECT',
    ],
    ['nothing', () => {}, 'DISCOVERY_FAILED:TIMEOUT'],
  ])('fails for %s', async (_, answer, id) => {
    const service = await serve(() => answer);
    expect(idOf(await resolveDidWeb(service.did, { ...LOCAL, timeoutMs: 500 }))).toBe(id);
  });

  test('asks no private address and nobody without TLS, unless told to', async () => {
    const service = await serve((did) => createDidWebDocument(did, record));
    expect(idOf(await resolveDidWeb(service.did))).toBe('DISCOVERY_FAILED:PRIVATE_ADDRESS');
    const { unsafeAllowHttp } = LOCAL as { unsafeAllowHttp: boolean };
    expect(idOf(await resolveDidWeb(service.did, { unsafeAllowHttp }))).toBe(
      'DISCOVERY_FAILED:PRIVATE_ADDRESS',
    );
    expect(idOf(await resolveDidWeb(service.did, { unsafeAllowPrivateAddresses: true }))).toBe(
      'DISCOVERY_FAILED',
    );
    expect(service.asked).toEqual([]);
    const urls: string[] = [];
    const fetch_: typeof fetch = async (url) => {
      urls.push(String(url));
      return Response.json(createDidWebDocument('did:web:example.com', record));
    };
    unwrap(await resolveDidWeb('did:web:example.com', { fetch: fetch_ }));
    expect(urls).toEqual(['https://example.com/.well-known/did.json']);
  });

  test('takes only the did:key that is pinned', async () => {
    const service = await serve((did) => createDidWebDocument(did, record));
    unwrap(await resolveDidWeb(service.did, { ...LOCAL, pinnedDid: alice.did }));
    expect(idOf(await resolveDidWeb(service.did, { ...LOCAL, pinnedDid: bob.did }))).toBe(
      'DISCOVERY_FAILED:OTHER_IDENTITY',
    );
  });

  test('checks its options', async () => {
    const error = errorOf(
      await resolveDidWeb('did:web:example.com', { registryUrl: 'https://x.example' } as never),
    );
    expect([error.id, error.field]).toEqual(['INVALID_OPTION', 'registryUrl']);
  });
});

describe('registering', () => {
  test('a name: messages can be sealed for it, under its did:key', async () => {
    const service = await serve((did) => createDidWebDocument(did, record));
    const registry = new MemoryTrustRegistry();
    const { did } = unwrap(await registerDidWeb(registry, service.did, { receiveScopes: ['chat'] }, LOCAL));
    expect(registry.lookup(did)).toEqual({
      did: alice.did,
      name: service.did,
      keys: record,
      receiveScopes: ['chat'],
      status: 'active',
      revision: 1,
    });
    const transport = new LoopbackTransport();
    const [sender, recipient] = [bob, alice].map((identity) => new Agent({ identity, registry, transport }));
    unwrap(await registry.register({ did: bob.did, keys: await recordOf(bob), sendScopes: ['chat'] }));
    const sent = await sender!.send({ to: did, payload: 'hello', scope: 'chat' });
    expect(unwrap(await recipient!.receive(sent)).payload).toBe('hello');
  });

  test('again brings new keys and nothing else; no old ones, and no way back from a revocation', async () => {
    let epoch = 10;
    let shown = record;
    const service = await serve((did) => createDidWebDocument(did, shown));
    const registry = new MemoryTrustRegistry();
    const register = (name = 'A') => registerDidWeb(registry, service.did, { name }, LOCAL);
    unwrap(await register());
    unwrap(await registry.revoke(alice.did));
    shown = await recordOf(alice, (epoch += 10));
    unwrap(await register('B'));
    expect(registry.lookup(alice.did)).toMatchObject({ name: 'A', keys: { epoch: 20 }, status: 'revoked' });
    shown = await createKeyRecord(await identityOf('alice', 1), { epoch: 30 });
    expect(idOf(await register())).toBe('KEY_RECORD_DOWNGRADED');
  });

  test('fails with what failed, and then registers nothing', async () => {
    const service = await serve(() => ({}));
    const registry = new MemoryTrustRegistry();
    expect(idOf(await registerDidWeb(registry, service.did, {}, LOCAL))).toBe('DISCOVERY_FAILED:INVALID');
    expect(registry.list()).toEqual([]);
    const good = await serve((did) => createDidWebDocument(did, record));
    const down = Object.assign(new MemoryTrustRegistry(), {
      lookup: () => Promise.reject(new Error('down')),
    });
    expect(idOf(await registerDidWeb(down, good.did, {}, LOCAL))).toBe('LOOKUP_FAILED');
  });
});

test('no document is made for a name that is none', async () => {
  expect((await thrownBy(() => createDidWebDocument('did:web:127.0.0.1', record))).id).toBe('INVALID_DID');
});
