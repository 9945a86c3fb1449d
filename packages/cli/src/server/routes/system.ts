import { DOCS_HEADERS, docsPage, PAGE_STYLE } from '@private.me/xlink/http-api';
import { ServerError } from '../errors.js';
import { PERMISSIONS, permissionsOf, ROLES } from '../roles.js';
import { rawRoute, route } from '../route.js';
import { ANY_OBJECT, ROLE } from '../shapes.js';

export const systemRoutes = [
  route(
    {
      id: 'health',
      method: 'GET',
      path: '/health',
      tag: 'Operation',
      summary: 'Whether the process is alive',
      access: 'public',
      answer: {
        status: 200,
        description: 'It is',
        schema: {
          title: 'Health',
          type: 'object',
          properties: {
            status: { type: 'string', enum: ['ok'] },
            version: { type: 'string' },
            uptime: { type: 'integer', minimum: 0, description: 'seconds since it started' },
          },
          required: ['status', 'version', 'uptime'],
        },
      },
    },
    ({ server }) => ({
      status: 'ok' as const,
      version: server.version,
      uptime: Math.floor((server.clock() - server.startedAt) / 1000),
    }),
  ),
  rawRoute(
    {
      id: 'ready',
      method: 'GET',
      path: '/ready',
      tag: 'Operation',
      summary: 'Whether the server can take requests: its stores answer, and it is not stopping',
      access: 'public',
      answer: { status: 200, description: 'It can', schema: readiness() },
      more: [{ status: 503, description: 'It cannot', schema: readiness() }],
    },
    async (_req, res, { server }) => {
      const { ready, why } = await server.adapter.health();
      const reasons = server.isStopping() ? ['the server is stopping', ...why] : [...why];
      const isReady = ready && !server.isStopping();
      res.writeHead(isReady ? 200 : 503, {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
      });
      res.end(JSON.stringify({ ready: isReady, why: reasons }));
    },
  ),
  rawRoute(
    {
      id: 'metrics',
      method: 'GET',
      path: '/metrics',
      tag: 'Operation',
      summary: 'Series for Prometheus',
      access: 'metrics:read',
      answer: { status: 200, description: 'Text format of Prometheus', type: 'text/plain' },
    },
    async (_req, res, { server }) => {
      const { register } = server.metrics;
      const text = await register.metrics();
      res.writeHead(200, { 'Content-Type': register.contentType, 'Cache-Control': 'no-store' });
      res.end(text);
    },
  ),
  route(
    {
      id: 'openapi',
      method: 'GET',
      path: '/openapi.json',
      tag: 'Operation',
      summary: 'This document',
      access: 'public',
      answer: { status: 200, description: 'OpenAPI 3.1', schema: ANY_OBJECT },
    },
    ({ server }) => server.document() as Record<string, unknown>,
  ),
  rawRoute(
    {
      id: 'root',
      method: 'GET',
      path: '/',
      tag: 'Operation',
      summary: 'Leads to the page of the routes',
      access: 'public',
      answer: { status: 302, description: 'It is at /docs' },
    },
    (_req, res) => {
      res.writeHead(302, { Location: '/docs', 'Cache-Control': 'no-store' });
      res.end();
    },
  ),
  rawRoute(
    {
      id: 'docs',
      method: 'GET',
      path: '/docs',
      tag: 'Operation',
      summary: 'The routes of this server, as a page',
      access: 'public',
      answer: { status: 200, description: 'The page', type: 'text/html' },
    },
    (_req, res, { server }) => {
      res.writeHead(200, DOCS_HEADERS);
      res.end(docsPage(server.document()));
    },
  ),
  rawRoute(
    {
      id: 'docsStyle',
      method: 'GET',
      path: '/docs/page.css',
      tag: 'Operation',
      summary: 'The style of that page',
      access: 'public',
      answer: { status: 200, description: 'The file', type: 'text/css' },
    },
    (_req, res) => {
      res.writeHead(200, { ...DOCS_HEADERS, 'Content-Type': 'text/css; charset=utf-8' });
      res.end(PAGE_STYLE);
    },
  ),
  rawRoute(
    {
      id: 'discoveryDocument',
      method: 'GET',
      path: '/.well-known/xlink.json',
      tag: 'Discovery',
      summary: 'The server as a service: who it is, signed',
      access: 'public',
      answer: { status: 200, description: 'The signed discovery document', schema: ANY_OBJECT },
    },
    (req, res, { server }) =>
      server.adapter.wellKnown()(req as never, res as never, (error) => {
        throw error ?? new ServerError('ROUTE_UNKNOWN');
      }),
  ),
  route(
    {
      id: 'me',
      method: 'GET',
      path: '/v1/me',
      tag: 'Access',
      summary: 'Who the caller is, and what it may do',
      access: 'member',
      answer: {
        status: 200,
        description: 'The caller',
        schema: {
          title: 'Me',
          type: 'object',
          properties: {
            by: { type: 'string', enum: ['token', 'did'] },
            id: { type: 'string', description: 'the id of the token, or the DID' },
            role: ROLE,
            permissions: { type: 'array', items: { type: 'string' } },
          },
          required: ['by', 'id', 'permissions'],
        },
      },
    },
    ({ caller }) => ({
      by: caller.by as 'token' | 'did',
      id: caller.id,
      ...(caller.role ? { role: caller.role } : {}),
      permissions: permissionsOf(caller.role),
    }),
  ),
  route(
    {
      id: 'capabilities',
      method: 'GET',
      path: '/v1/capabilities',
      tag: 'Discovery',
      summary: 'What this server is and offers',
      access: 'public',
      answer: {
        status: 200,
        description: 'What it offers',
        schema: {
          title: 'Capabilities',
          type: 'object',
          properties: {
            did: { type: 'string' },
            version: { type: 'string' },
            envelopeVersions: { type: 'array', items: { type: 'integer' } },
            agents: { type: 'boolean', description: 'it holds keys of agents' },
            relay: { type: 'boolean', description: 'it keeps messages' },
            roles: { type: 'array', items: ROLE },
            permissions: { type: 'array', items: { type: 'string' } },
          },
          required: ['did', 'version', 'envelopeVersions', 'agents', 'relay', 'roles', 'permissions'],
        },
      },
    },
    ({ server }) => ({
      did: server.storage.identity.did,
      version: server.version,
      envelopeVersions: [1, 2, 3],
      agents: server.vault !== undefined,
      relay: server.relay !== undefined,
      roles: ROLES,
      permissions: Object.keys(PERMISSIONS),
    }),
  ),
] as const;

function readiness() {
  return {
    title: 'Readiness',
    type: 'object',
    properties: {
      ready: { type: 'boolean' },
      why: { type: 'array', items: { type: 'string' }, description: 'what keeps it from being ready' },
    },
    required: ['ready', 'why'],
  } as const;
}
