import { expect, test } from '@jest/globals';
import { xlinkFetch } from '@private.me/xlink';
import axios from 'axios';
import { KEY, LOCAL, serveApi } from './support.js';

test('axios speaks xLink through its fetch adapter', async () => {
  const api = await serveApi();
  const fetch = xlinkFetch({ ...LOCAL, baseUrl: api.url, apiKey: KEY });
  const client = axios.create({ baseURL: api.url, adapter: 'fetch', env: { fetch } } as object);

  const posted = await client.post('/orders', { item: 'tea' });
  expect(posted).toMatchObject({ status: 201, data: { mode: 'xlink', body: { item: 'tea' } } });
  expect(api.seen.at(-1)!.headers['content-type']).toBe('application/xlink-envelope');
  expect((await client.get('/orders', { params: { a: 1 } })).data).toMatchObject({ mode: 'xlink' });

  const form = new FormData();
  form.set('a', new Blob(['b']));
  expect((await client.post('/orders', form)).data).toMatchObject({ mode: 'xlink' });
  expect((await client.post('/orders', new URLSearchParams('a=1'))).data).toMatchObject({ body: 'a=1' });
  await expect(client.get('/orders', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_CANCELED',
  });
});
