import { route } from '../route.js';
import { DID, OK } from '../shapes.js';

const SERVICE_NAME = {
  type: 'string',
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$',
  description: 'a name of 1-63 letters, digits, - and _',
} as const;

const URL_SHAPE = {
  type: 'string',
  pattern: '^https?://[^\\s@]{1,2000}$',
  description: 'an http or https URL without credentials',
} as const;

const SERVICE = {
  title: 'Service',
  type: 'object',
  properties: { name: SERVICE_NAME, url: URL_SHAPE, did: DID },
  required: ['name', 'url'],
} as const;

export const serviceRoutes = [
  route(
    {
      id: 'resolveService',
      method: 'GET',
      path: '/services/{name}',
      tag: 'Discovery',
      summary: 'Where a service is: what connect(name) asks its registry',
      access: 'public',
      params: { name: SERVICE_NAME },
      answer: { status: 200, description: 'The service', schema: SERVICE },
      errors: ['SERVICE_UNKNOWN'],
    },
    ({ server, params }) => server.services.get(params.name),
  ),
  route(
    {
      id: 'listServices',
      method: 'GET',
      path: '/v1/services',
      tag: 'Discovery',
      summary: 'All services that have a name',
      access: 'member',
      answer: {
        status: 200,
        description: 'The services',
        schema: {
          title: 'Services',
          type: 'object',
          properties: { services: { type: 'array', items: SERVICE } },
          required: ['services'],
        },
      },
    },
    async ({ server }) => ({ services: await server.services.list() }),
  ),
  route(
    {
      id: 'getService',
      method: 'GET',
      path: '/v1/services/{name}',
      tag: 'Discovery',
      summary: 'Another name of /services/{name}',
      access: 'public',
      params: { name: SERVICE_NAME },
      answer: { status: 200, description: 'The service', schema: SERVICE },
      errors: ['SERVICE_UNKNOWN'],
    },
    ({ server, params }) => server.services.get(params.name),
  ),
  route(
    {
      id: 'setService',
      method: 'PUT',
      path: '/v1/services/{name}',
      tag: 'Discovery',
      summary: 'Gives a service a name',
      access: 'services:write',
      params: { name: SERVICE_NAME },
      body: {
        title: 'NewService',
        type: 'object',
        properties: { url: URL_SHAPE, did: DID },
        required: ['url'],
      },
      answer: { status: 200, description: 'The service', schema: SERVICE },
    },
    ({ server, params, body }) => server.services.put({ name: params.name, ...body }),
  ),
  route(
    {
      id: 'deleteService',
      method: 'DELETE',
      path: '/v1/services/{name}',
      tag: 'Discovery',
      summary: 'Takes the name of a service',
      access: 'services:write',
      params: { name: SERVICE_NAME },
      answer: { status: 200, description: 'It has none', schema: OK },
      errors: ['SERVICE_UNKNOWN'],
    },
    async ({ server, params }) => {
      await server.services.remove(params.name);
      return { ok: true };
    },
  ),
  route(
    {
      id: 'discover',
      method: 'GET',
      path: '/v1/discovery',
      tag: 'Discovery',
      summary: 'Active DIDs that say they offer a capability; 500 at most',
      access: 'member',
      query: {
        capability: {
          type: 'string',
          minLength: 1,
          maxLength: 128,
          description: 'a capability of 1-128 characters',
        },
      },
      answer: {
        status: 200,
        description: 'What they say of themselves',
        schema: {
          title: 'Discovered',
          type: 'object',
          properties: {
            agents: {
              type: 'array',
              items: {
                title: 'DiscoveredAgent',
                type: 'object',
                properties: {
                  did: DID,
                  name: { type: 'string' },
                  capabilities: { type: 'array', items: { type: 'string' } },
                },
                required: ['did', 'capabilities'],
              },
            },
          },
          required: ['agents'],
        },
      },
    },
    async ({ server, query }) => {
      const entries = await server.storage.registry.list();
      const agents = entries
        .filter(({ status, capabilities = [] }) =>
          status === 'active' && query.capability === undefined
            ? capabilities.length > 0
            : status === 'active' && capabilities.includes(query.capability!),
        )
        .slice(0, 500)
        .map(({ did, name, capabilities = [] }) => ({
          did,
          ...(name === undefined ? {} : { name }),
          capabilities,
        }));
      return { agents };
    },
  ),
] as const;
