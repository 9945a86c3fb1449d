import { describe, expect, test } from '@jest/globals';
import { xlinkFetch } from '@private.me/xlink';
import { KEY, LOCAL, rejection, serveApi } from './support.js';

describe('an answer that is not sealed', () => {
  test('says with what the key was refused, where that keeps a new identity out', async () => {
    const api = await serveApi({ mode: 'xlink-only' });
    const fetch = xlinkFetch({ baseUrl: api.url, apiKey: KEY, ...LOCAL });
    const error = await rejection(fetch('/a'));
    expect(error).toMatchObject({ id: 'ANSWER_INVALID:NOT_SEALED', cause: { id: 'XLINK_REQUIRED' } });
    expect(error.message).toContain('The key was refused for the enrollment');
  });

  test('an answer that is no refusal of xLink is not called a failure of the network', async () => {
    const api = await serveApi();
    const inFront: typeof fetch = async (input, init) =>
      String(input).endsWith('/health') ? new Response('ok') : fetch(input, init);
    const call = xlinkFetch({ baseUrl: api.url, apiKey: KEY, fetch: inFront, ...LOCAL });
    const error = await rejection(call('/health'));
    expect([error.id, error.cause]).toEqual([
      'ANSWER_INVALID:NOT_SEALED',
      expect.objectContaining({ id: 'ANSWER_INVALID', hint: expect.stringContaining('HTTP status 200') }),
    ]);
  });
});
