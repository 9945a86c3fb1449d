// What somebody tries who sees requests on their way, or writes their own. What is wrong with a signature by itself is in the vectors.
import { connect, createServer as createHttp2 } from 'node:http2';
import { describe, expect, test } from '@jest/globals';
import { afterTest } from '../support/after-test.js';
import { json, ORDER, type RefusalText, type Sent, signedRequest, withKey } from '../support/http.js';
import { listen } from '../support/listen.js';
import { recorder } from '../support/service.js';
import { having, STAGES } from '../support/stages/stages.js';
import { World, type WorldWithCaller } from '../support/world.js';
import { type SignatureDraft, type SignedSent, signedSent } from './support.js';

const ON = { signatures: true } as const;
const MALFORMED: RefusalText = '400 SIGNATURE_MALFORMED';
const MISMATCH: RefusalText = '401 VERIFICATION_FAILED:SIGNATURE_MISMATCH';

type Change = (sent: SignedSent) => Sent;
const withHeaders =
  (more: object): Change =>
  (sent) =>
    ({ ...sent, headers: { ...sent.headers, ...more } }) as Sent;
const at =
  (path: string): Change =>
  (sent) => ({ ...sent, path });

/** On the way. */
const CHANGES: [string, Sent, Change, RefusalText][] = [
  ['its method is overridden by another one', {}, (sent) => ({ ...sent, method: 'DELETE' }), MISMATCH],
  ['a slash is added', {}, at('/orders/'), MISMATCH],
  ['a slash is doubled', {}, at('//orders'), MISMATCH],
  ['a letter of the path is percent-encoded', {}, at('/%6Frders'), MISMATCH],
  ['a percent-encoding changes its case', { path: '/a%2fb' }, at('/a%2Fb'), MISMATCH],
  ['a percent-encoding is undone', { path: '/a%2fb' }, at('/a/b'), MISMATCH],
  ['dots are put in', {}, at('/x/../orders'), MISMATCH],
  ['the path gets a parameter', {}, at('/orders;admin=1'), MISMATCH],
  ['parameters of the query change places', { path: '/orders?a=1&b=2' }, at('/orders?b=2&a=1'), MISMATCH],
  ['a plus of the query becomes a space', { path: '/orders?q=a+b' }, at('/orders?q=a%20b'), MISMATCH],
  ['a parameter of the query comes twice', { path: '/orders?a=1' }, at('/orders?a=1&a=2'), MISMATCH],
  ['its scope is widened', {}, withHeaders({ 'xlink-scope': 'orders:write' }), MISMATCH],
  ['it gets a body', { method: 'POST' }, (sent) => json(ORDER, sent), '400 CONTENT_DIGEST_MISSING'],
  ['its type is changed', json(ORDER), withHeaders({ 'content-type': 'text/plain' }), MISMATCH],
];

/** By who signs it. */
const DRAFTS: [string, Sent, SignatureDraft, RefusalText][] = [
  ...['constructor', '__proto__'].map((name): [string, Sent, SignatureDraft, RefusalText] => [
    `a header ${name} that is not there, as members of objects are`,
    {},
    { covers: [name] },
    MALFORMED,
  ]),
  ...['connection', 'te', 'transfer-encoding', 'host', 'expect'].map(
    (name): [string, Sent, SignatureDraft, RefusalText] => [
      `the header ${name} of the connection`,
      { headers: name === 'te' ? { te: 'trailers' } : {} },
      { covers: [name] },
      name === 'te' || name === 'connection' || name === 'host' ? '400 FIELD_NOT_ALLOWED' : MALFORMED,
    ],
  ),
  ['a pseudo-header', {}, { covers: [':path'] }, '400 SIGNATURE_MALFORMED:COMPONENTS'],
];

describe.each(STAGES)('$name: a signed request', (stage) => {
  const targets = having(stage, 'targets as sent');
  const ready = async () => {
    const known = await World.withCaller();
    return { known, service: await stage.serve(known, ON) };
  };

  targets.test.each(CHANGES)('is refused if %s', async (_, sent, change, refusal) => {
    const { known, service } = await ready();
    const good = await signedSent(known, sent);
    await service.refused(change(good), refusal);
  });

  test('that was refused on its way is good all the same: nobody burns its nonce', async () => {
    const { known, service } = await ready();
    const good = await signedSent(known, json(ORDER));
    await service.refused({ ...good, method: 'PUT' }, MISMATCH);
    await service.refused({ ...good, headers: { ...good.headers, 'xlink-scope': 'a' } }, MISMATCH);
    await service.accepted(good);
  });

  test.each(DRAFTS)('cannot cover %s', async (_, sent, draft, refusal) => {
    const { known, service } = await ready();
    await service.refused(await signedSent(known, sent, draft), refusal);
  });

  test.each([['signature'], ['signature-input, xlink-to']])(
    'whose Connection names its %s is what it is',
    async (connection) => {
      const { known, service } = await ready();
      const sent = await signedSent(known, { headers: { connection: `keep-alive, ${connection}` } });
      await service.accepted(sent); // and a proxy that drops what is named there leaves nothing that is signed:
      const { 'xlink-to': _, 'signature-input': __, ...left } = sent.headers;
      await service.refused({ headers: left }, '401 CREDENTIALS_MISSING');
    },
  );

  test('shares its nonces with envelopes, both ways', async () => {
    const { known, service } = await ready();
    const used = '000102030405060708090a';
    const nonce = Buffer.from(`${used}0b0c0d0e0f`, 'hex');
    const envelope = () =>
      signedRequest(known, {}, { identity: { nonce, timestamp: known.clock() } } as never);
    const signature = (more = {}) => signedSent(known, {}, { nonce: nonce.toString('base64url'), ...more });
    await service.accepted(envelope());
    await service.refused(await signature(), '409 REPLAY_DETECTED');

    const other = await ready();
    await other.service.accepted(signedSent(other.known, {}, { nonce: nonce.toString('base64url') }));
    const late = await signedRequest(other.known, {}, {
      identity: { nonce, timestamp: other.known.clock() },
    } as never);
    await other.service.refused(late, '409 REPLAY_DETECTED');
  });

  test('is no envelope, and an envelope no signature', async () => {
    const { known, service } = await ready();
    const signed = await signedSent(known);
    const envelope = await signedRequest(known);
    const bytes = Buffer.from(/:(.*):/.exec(String(signed.headers['signature']))![1]!, 'base64');
    const parsed = JSON.parse(
      Buffer.from(String(envelope.headers!['authorization']).split(' ')[1]!, 'base64url').toString(),
    );
    const inEnvelope = JSON.stringify({ ...parsed, signature: bytes.toString('base64url') });
    const taken = { headers: { authorization: `Xlink ${Buffer.from(inEnvelope).toString('base64url')}` } };
    await service.refused(taken, MISMATCH);
    const ofEnvelope = Buffer.from(parsed.signature, 'base64url').toString('base64');
    await service.refused(withHeaders({ signature: `xlink=:${ofEnvelope}:` })(signed), MISMATCH);
  });

  test('overrides its method only if it says so itself', async () => {
    const { known, service } = await ready();
    const override = { 'x-http-method-override': 'DELETE' };
    const plain = await service.accepted(withHeaders(override)(await signedSent(known)));
    expect(plain.headers['x-http-method-override']).toBeUndefined();
    const own = await signedSent(known, { headers: override }, { covers: ['x-http-method-override'] });
    expect((await service.accepted(own)).headers['x-http-method-override']).toBe('DELETE');
  });
});

describe('headers of signatures', () => {
  const served = async () => {
    const known = await World.withCaller();
    return { known, service: await known.serve(ON) };
  };

  test('have a length that counts for one signature alone, too', async () => {
    const { known, service } = await served();
    const cover = (count: number) => {
      const names = Array.from({ length: count }, (_, at) => `x-${'a'.repeat(40)}-${at}`);
      return signedSent(
        known,
        { headers: Object.fromEntries(names.map((name) => [name, '1'])) },
        { covers: names },
      );
    };
    const short = await cover(60);
    expect(String(short.headers['signature-input']).length).toBeLessThan(4096);
    await service.accepted(short);
    const long = await cover(90);
    expect(String(long.headers['signature-input']).length).toBeGreaterThan(4096);
    await service.refused(long, MALFORMED);
  });

  const junk = '"'.repeat(1) + 'x '.repeat(1900);
  test.each([
    ['strings without an end', `xlink=("@method" ${junk}`],
    ['spaces', `xlink=(${' '.repeat(4000)}`],
    ['semicolons', `xlink=()${';a'.repeat(2000)}`],
    ['numbers', `xlink=();a=${'1'.repeat(4000)}`],
    ['byte sequences', `xlink=()${';a=:AA==:'.repeat(400)}`],
    ['labels', `${'a=(), '.repeat(650)}xlink=()`],
    ['nothing but the tag', `${';tag="xlink"'.repeat(300)}`],
  ])('of many %s cost next to nothing', async (_, input) => {
    const { known, service } = await served();
    const sent = withHeaders({ 'signature-input': input })(await signedSent(known));
    const before = process.cpuUsage();
    for (let times = 0; times < 5; times++) expect((await service.send(sent)).status).toBe(400);
    expect(process.cpuUsage(before).user / 5).toBeLessThan(50_000); // us, with client and server
  });

  test.each<[string, string]>([
    ['in absolute form', 'GET http://test/orders HTTP/1.1'],
    ['in absolute form of another host', 'GET http://evil.example/orders HTTP/1.1'],
    ['with a fragment', 'GET /orders#x HTTP/1.1'],
    ['with a method in small letters', 'get /orders HTTP/1.1'],
  ])('do not count for a target %s', async (_, line) => {
    const { known, service } = await served();
    const sent = await signedSent(known);
    const { status } = await service.raw(line, sent.headers);
    expect([status >= 400, service.calls]).toEqual([true, []]);
    await service.accepted(sent);
  });

  test.each([
    ['folded', (value: string) => value.replace(';nonce', '\r\n ;nonce')],
    ['twice', (value: string) => [value, value]],
    ['twice, once for another label', (value: string) => [value, value.replaceAll('xlink', 'other')]],
    ['with a second label of the tag', (value: string) => `${value}, second${value.slice('xlink'.length)}`],
  ])('that come %s are refused, even with a key', async (_, change) => {
    const { known, service } = await served();
    const sent = await signedSent(known);
    const input = change(String(sent.headers['signature-input']));
    const lines = [input].flat().map((value) => `signature-input: ${value}\r\n`);
    const { 'signature-input': __, ...others } = withKey(sent).headers as Record<string, string>;
    const head = `GET /orders HTTP/1.1\r\n${lines.join('').slice(0, -2)}`;
    const { status } = await service.raw(head.replace(/\r\n$/, ''), others).catch(() => ({ status: 400 }));
    expect([status, service.calls, service.validated]).toEqual([400, [], []]);
  });
});

test('over HTTP/2 what is signed is what the pseudo-headers say', async () => {
  const known: WorldWithCaller = await World.withCaller();
  const { adapter } = recorder(known.api, { ...ON, clock: known.clock });
  const middleware = adapter.middleware();
  const server = createHttp2((req, res) =>
    middleware(req as never, res as never, () => void res.end(`${req.method} ${req.url}`)),
  );
  const { port } = await listen(server as never);
  const client = connect(`http://127.0.0.1:${port}`);
  afterTest(() => {
    client.destroy();
    server.close();
  });
  const ask = async (pseudo: object, draft: SignatureDraft = {}) => {
    const { headers } = await signedSent(known, { path: '/orders?a=1' }, draft);
    const stream = client.request({ ...headers, ':path': '/orders?a=1', ...pseudo });
    let text = '';
    for await (const piece of stream.setEncoding('utf8')) text += piece;
    return text;
  };
  expect(await ask({})).toBe('GET /orders?a=1');
  expect(await ask({ ':path': '/orders?a=2' })).toContain('VERIFICATION_FAILED');
  expect(await ask({ ':path': '/refunds?a=1' })).toContain('VERIFICATION_FAILED');
  expect(await ask({ ':method': 'DELETE' })).toContain('VERIFICATION_FAILED');
  expect(await ask({ ':authority': 'evil.example' })).toBe('GET /orders?a=1'); // the audience is Xlink-To
});
