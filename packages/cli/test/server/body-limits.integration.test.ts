import { expect, test } from '@jest/globals';
import { xlinkFetch } from '@private.me/xlink/client';
import { bodyLimitsOf } from '../../src/server/body-limits.js';
import { route } from '../../src/server/route.js';
import { memberOf, startHere } from './support.js';

const MIB = 1024 * 1024;

/** A route that tells how much it got. */
const upload = (id: string, path: string, maxBodyBytes?: number) =>
  route(
    {
      id,
      method: 'POST',
      path,
      tag: 'Uploads',
      summary: 'Tells how much came',
      access: 'member',
      ...(path.includes('{') ? { params: { name: { type: 'string' as const } } } : {}),
      body: { type: 'object', properties: { data: { type: 'string' } }, required: ['data'] },
      ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
      answer: {
        status: 200,
        description: 'Bytes',
        schema: { type: 'object', properties: { bytes: { type: 'integer' } }, required: ['bytes'] },
      },
    },
    ({ body }) => ({ bytes: (body as { readonly data: string }).data.length }),
  );

test('sealed requests may be as large as their route says, also of a wing, and others may not', async () => {
  const routes = [
    upload('large', '/v1/uploads/{name}/parts', 4 * MIB),
    upload('small', '/v1/uploads/{name}'),
  ];
  const server = await startHere({ routes });
  const { agent } = await memberOf(server, 'uploader');
  for (const session of [false, true]) {
    const fetch = xlinkFetch({ agent, baseUrl: server.url, session });
    const send = async (path: string, bytes: number) => {
      const headers = { 'Content-Type': 'application/json' };
      const body = JSON.stringify({ data: 'a'.repeat(bytes) });
      const response = await fetch(path, { method: 'POST', headers, body });
      return { ...((await response.json()) as object), status: response.status };
    };
    const most = 4 * MIB - '{"data":""}'.length;
    expect(await send('/v1/uploads/a/parts', most)).toEqual({ status: 200, bytes: most });
    expect(await send('/v1/uploads/a/parts', most + 1)).toMatchObject({ status: 413 });
    expect(await send('/v1/uploads/a', 100_000)).toEqual({ status: 200, bytes: 100_000 });
    expect(await send('/v1/uploads/a', 300_000)).toMatchObject({ status: 413 });
  }
});

test('of several routes below one prefix the largest counts, and usual sizes need no word', () => {
  expect(
    bodyLimitsOf([
      upload('one', '/v1/a/{name}/x', 2 * MIB),
      upload('two', '/v1/a/{name}/y', 3 * MIB),
      upload('three', '/v1/a'),
      upload('four', '/v1/b', MIB),
    ]),
  ).toEqual([{ path: '/v1/a', methods: ['POST'], maxBytes: 3 * MIB }]);
});
