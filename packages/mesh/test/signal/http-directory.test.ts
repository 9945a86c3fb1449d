import { expect, test } from '@jest/globals';
import { HttpPrekeyDirectory } from '../../src/signal/index.js';
import { World } from './support.js';

const expired = (): Error => Object.assign(new Error('expired'), { id: 'TIMESTAMP_EXPIRED' });

test.each<[string, typeof fetch]>([
  ['an error of the client', () => Promise.reject(expired())],
  ['an answer of the server', async () => Response.json({ code: 'TIMESTAMP_EXPIRED' }, { status: 401 })],
])('a wrong clock is named, by %s', async (_, fetch) => {
  const agent = await new World().agent('clockless');
  const directory = new HttpPrekeyDirectory({ agent, baseUrl: 'http://127.0.0.1:1', fetch });
  await expect(directory.count()).rejects.toMatchObject({
    id: 'SIGNAL_DIRECTORY_FAILED',
    message: expect.stringMatching(/TIMESTAMP_EXPIRED: compare the clocks/),
  });
});

test('nothing but a code is taken from an answer', async () => {
  const agent = await new World().agent('clockless');
  const answer = async () => Response.json({ code: 'secret of somebody' }, { status: 500 });
  const directory = new HttpPrekeyDirectory({ agent, baseUrl: 'http://127.0.0.1:1', fetch: answer });
  await expect(directory.count()).rejects.toMatchObject({
    message: expect.not.stringContaining('secret'),
    cause: { message: 'the server answered 500' },
  });
});
