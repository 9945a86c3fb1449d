import { describe, expect, test } from '@jest/globals';
import { Agent, CallFailure, DualModeClient, type DualModeClientOptions } from '@private.me/xlink';
import { listen } from '../support/listen.js';
import { type ApiService, allText, KEY, LOCAL, serveApi } from './support.js';

async function clientFor(api: { url: string }, options: Partial<DualModeClientOptions> = {}) {
  const xlink = await Agent.quickstart();
  const fallback = { type: 'api-key', key: KEY, url: `${api.url}/v1/` } as const;
  return new DualModeClient({ ...LOCAL, xlink, fallback, ...options });
}

const modesOf = (api: ApiService) =>
  api.events.filter(({ type }) => type === 'request').map((event) => (event as { method: string }).method);

describe('DualModeClient', () => {
  test('calls actions by xLink', async () => {
    const api = await serveApi();
    const client = await clientFor(api);
    expect(await client.call('createCharge', { amount: 100 })).toEqual({
      ok: true,
      value: { mode: 'xlink', client: 'acme', scope: '*', body: { amount: 100 } },
    });
    expect(api.handled).toEqual(['POST /v1/createCharge']);
    expect((await client.call('charges/list all')).ok).toBe(true);
    expect(api.handled.at(-1)).toBe('POST /v1/charges/list%20all');
    expect(client.getMetrics()).toMatchObject({
      totalRequests: 2,
      xlinkRequests: 2,
      apiKeyRequests: 0,
      xlinkPercentage: 100,
      failedAuth: 0,
    });
  });

  test('calls them by key while xLink is not there, and measures the move', async () => {
    const api = await serveApi({ mode: 'observe' });
    const client = await clientFor(api);
    await client.call('a', {});
    api.adapter.setMode('hybrid');
    const other = await clientFor(api);
    for (let i = 0; i < 3; i++) await other.call('a', {});
    expect(client.getMetrics()).toMatchObject({ apiKeyRequests: 1, xlinkPercentage: 0 });
    expect(other.getMetrics()).toMatchObject({ xlinkRequests: 3, xlinkPercentage: 100 });
    expect(modesOf(api)).toEqual(['api-key', 'xlink', 'xlink', 'xlink']);
  });

  test('uses the key alone until an identity is added', async () => {
    const api = await serveApi();
    const client = new DualModeClient({ fallback: { type: 'api-key', key: KEY, url: api.url } });
    expect((await client.call('a', { n: 1 })).value).toMatchObject({ mode: 'api-key', body: { n: 1 } });
    expect(api.seen.map(({ path }) => path)).toEqual(['/a']);
    client.removeFallback();
    expect((await client.call('a')).error?.id).toBe('CREDENTIALS_MISSING');
    expect(api.seen).toHaveLength(1);
  });

  test('never uses the key again after removeFallback()', async () => {
    const api = await serveApi();
    const client = await clientFor(api);
    await client.call('a', {});
    const before = api.seen.length;
    client.removeFallback();
    expect((await client.call('a', {})).ok).toBe(true);
    api.adapter.setMode('observe');
    expect((await client.call('a', {})).error?.id).toBe('XLINK_NOT_SUPPORTED'); // as the service signed it
    expect(JSON.stringify(api.seen.slice(before))).not.toContain(KEY);
    const fresh = await clientFor(await serveApi());
    fresh.removeFallback();
    expect((await fresh.call('a', {})).error).toMatchObject({
      id: 'ANSWER_INVALID:NOT_SEALED',
      cause: { id: 'VERIFICATION_FAILED:DID_NOT_IN_REGISTRY' },
    });
    const nowhere = await clientFor(await listen((_req, res) => void res.writeHead(404).end()));
    nowhere.removeFallback();
    expect((await nowhere.call('a', {})).error?.id).toBe('DISCOVERY_FAILED:NOT_SUPPORTED');
    expect(nowhere.getMetrics()).toMatchObject({ totalRequests: 0, failedAuth: 1 });
  });

  test('says what the service said', async () => {
    const api = await serveApi({}, (app) => {
      app.post('/v1/broke', (_req, res) => void res.status(422).json({ why: 'no funds' }));
      app.post('/v1/text', (_req, res) => void res.send('done'));
      app.post('/v1/none', (_req, res) => void res.status(204).end());
      app.post(
        '/v1/fake',
        (_req, res) =>
          void res.status(401).type('application/problem+json').send('{"code":"XLINK_REQUIRED"}'),
      );
    });
    const client = await clientFor(api);
    const { error } = await client.call('broke', {});
    expect(error).toMatchObject({ id: 'CALL_FAILED', cause: { status: 422, body: { why: 'no funds' } } });
    expect(error!.cause).toBeInstanceOf(CallFailure);
    expect(JSON.stringify(error)).not.toContain('no funds');
    expect((await client.call('text')).value).toBe('done');
    expect(await client.call('none')).toEqual({ ok: true, value: undefined });
    expect((await client.call('fake')).error?.id).toBe('CALL_FAILED');
    expect(client.getMetrics()).toMatchObject({ totalRequests: 3, failedAuth: 1 });
  });

  test('names the refusals of the adapter', async () => {
    const api = await serveApi();
    const fallback = { type: 'api-key', key: 'wrong', url: api.url } as const;
    const keyOnly = new DualModeClient({ fallback });
    expect((await keyOnly.call('a')).error?.id).toBe('API_KEY_INVALID');
    const fresh = new DualModeClient({
      ...LOCAL,
      fallback,
      identity: { load: () => undefined, save: () => {} },
    });
    const { error } = await fresh.call('a');
    expect(error?.id).toBe('API_KEY_INVALID');
    expect(allText(error)).not.toContain('wrong');
    expect(fresh.getMetrics().failedAuth).toBe(1);
  });

  test('never throws', async () => {
    const api = await serveApi();
    const client = await clientFor(api);
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect((await client.call('a', cyclic)).error?.id).toBe('PAYLOAD_NOT_SERIALIZABLE');
    expect((await client.call('a', () => 1)).error?.id).toBe('PAYLOAD_NOT_SERIALIZABLE');
    for (const action of ['', '../admin', 'a//b', './a', undefined as never])
      expect((await client.call(action)).error).toMatchObject({ id: 'INVALID_OPTION', field: 'action' });
    const reason = new Error('enough');
    expect((await client.call('a', {}, { signal: AbortSignal.abort(reason) })).error).toMatchObject({
      id: 'NETWORK_ERROR',
      cause: reason,
    });
    expect(api.handled).toEqual([]);
  });

  test.each<[string, object]>([
    ['fallback', {}],
    ['url', { fallback: { type: 'api-key', key: 'k' } }],
    ['type', { fallback: { type: 'oauth', key: 'k', url: 'https://a.example' } }],
    ['key', { fallback: { type: 'api-key', key: 'with space', url: 'https://a.example' } }],
    ['url', { fallback: { type: 'api-key', key: 'k', url: 'a.example' } }],
    ['apiKey', { fallback: { type: 'api-key', key: 'k', url: 'https://a.example' }, apiKey: 'k' }],
  ])('refuses bad options: %s', (field, options) => {
    expect(() => new DualModeClient(options as never)).toThrow(
      expect.objectContaining({ id: 'INVALID_OPTION', field }),
    );
  });
});
