import { expect, test } from '@jest/globals';
import { route } from '../../src/server/route.js';
import { request, startHere } from './support.js';

test('routes of a module are served, validated, guarded and described as those of the server', async () => {
  const hello = route(
    {
      id: 'hello',
      method: 'GET',
      path: '/v1/hello/{name}',
      tag: 'Hello',
      summary: 'Says hello',
      access: 'agents:read',
      params: { name: { type: 'string', pattern: '^[a-z]+$', description: 'small letters' } },
      answer: {
        status: 200,
        description: 'Hello',
        schema: { type: 'object', properties: { hello: { type: 'string' } }, required: ['hello'] },
      },
    },
    ({ params, caller }) => ({ hello: `${params.name}, ${caller.role}` }),
  );
  const server = await startHere({ routes: [hello] });
  const ask = async (target: string, token?: string) => {
    const response = await fetch(server.url + target, {
      headers: token ? { authorization: `Bearer ${token}` } : {},
    });
    return [response.status, await response.json()];
  };
  expect(await ask('/v1/hello/bob', server.admin)).toEqual([200, { hello: 'bob, admin' }]);
  expect((await ask('/v1/hello/bob'))[0]).toBe(401);
  expect(await ask('/v1/hello/BOB', server.admin)).toMatchObject([
    400,
    { field: 'name', expected: 'small letters' },
  ]);
  const { json } = await request(server.url, 'GET', '/openapi.json');
  expect(json.paths['/v1/hello/{name}'].get).toMatchObject({
    operationId: 'hello',
    'x-permission': 'agents:read',
  });
});
