import { route } from '../route.js';
import { DID, NAME, OK, ROLE, TIME } from '../shapes.js';

const TOKEN_ID = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{12}$',
  description: 'the id of a token, 12 characters',
} as const;

const TOKEN_MEMBERS = {
  id: TOKEN_ID,
  name: NAME,
  role: ROLE,
  createdAt: TIME,
  expiresAt: TIME,
} as const;

const HOLDER = {
  title: 'RoleHolder',
  type: 'object',
  properties: { did: DID, role: ROLE, since: TIME },
  required: ['did', 'role', 'since'],
} as const;

export const accessRoutes = [
  route(
    {
      id: 'listTokens',
      method: 'GET',
      path: '/v1/tokens',
      tag: 'Access',
      summary: 'All tokens, without what they are',
      access: 'access:read',
      answer: {
        status: 200,
        description: 'The tokens',
        schema: {
          title: 'Tokens',
          type: 'object',
          properties: {
            tokens: {
              type: 'array',
              items: {
                title: 'Token',
                type: 'object',
                properties: TOKEN_MEMBERS,
                required: ['id', 'name', 'role', 'createdAt'],
              },
            },
          },
          required: ['tokens'],
        },
      },
    },
    async ({ server }) => ({ tokens: await server.access.tokens() }),
  ),
  route(
    {
      id: 'createToken',
      method: 'POST',
      path: '/v1/tokens',
      tag: 'Access',
      summary: 'Makes a token; it is shown once, and kept as a hash',
      access: 'access:write',
      body: {
        title: 'NewToken',
        type: 'object',
        properties: { name: NAME, role: ROLE, expiresAt: TIME },
        required: ['name', 'role'],
      },
      answer: {
        status: 201,
        description: 'The token',
        schema: {
          title: 'ShownToken',
          type: 'object',
          properties: { ...TOKEN_MEMBERS, token: { type: 'string' } },
          required: ['id', 'name', 'role', 'createdAt', 'token'],
        },
      },
    },
    ({ server, body }) => server.access.makeToken(body),
  ),
  route(
    {
      id: 'deleteToken',
      method: 'DELETE',
      path: '/v1/tokens/{id}',
      tag: 'Access',
      summary: 'Ends a token at once',
      access: 'access:write',
      params: { id: TOKEN_ID },
      answer: { status: 200, description: 'It is gone', schema: OK },
      errors: ['TOKEN_UNKNOWN', 'LAST_ADMIN'],
    },
    async ({ server, params }) => {
      await server.access.removeToken(params.id);
      return { ok: true };
    },
  ),
  route(
    {
      id: 'listRoles',
      method: 'GET',
      path: '/v1/roles',
      tag: 'Access',
      summary: 'DIDs that hold a role',
      access: 'access:read',
      answer: {
        status: 200,
        description: 'The DIDs',
        schema: {
          title: 'Roles',
          type: 'object',
          properties: { roles: { type: 'array', items: HOLDER } },
          required: ['roles'],
        },
      },
    },
    async ({ server }) => ({ roles: await server.access.roles() }),
  ),
  route(
    {
      id: 'setRole',
      method: 'PUT',
      path: '/v1/roles/{did}',
      tag: 'Access',
      summary: 'Gives a DID a role. It counts while the DID is active in the registry',
      access: 'access:write',
      params: { did: DID },
      body: { title: 'NewRole', type: 'object', properties: { role: ROLE }, required: ['role'] },
      answer: { status: 200, description: 'It holds the role', schema: OK },
      errors: ['LAST_ADMIN'],
    },
    async ({ server, params, body }) => {
      await server.access.setRole(params.did, body.role);
      return { ok: true };
    },
  ),
  route(
    {
      id: 'deleteRole',
      method: 'DELETE',
      path: '/v1/roles/{did}',
      tag: 'Access',
      summary: 'Takes the role of a DID',
      access: 'access:write',
      params: { did: DID },
      answer: { status: 200, description: 'It holds none', schema: OK },
      errors: ['ROLE_UNKNOWN', 'LAST_ADMIN'],
    },
    async ({ server, params }) => {
      await server.access.removeRole(params.did);
      return { ok: true };
    },
  ),
] as const;
