import { DOCS_HEADERS, docsPage, PAGE_STYLE, rolePermissions } from '@private.me/xlink/http-api';
import { xlockRawRoute, xlockRoute } from './kit.js';
import { XLOCK_PERMISSIONS } from './permissions.js';
import { ANY, ROLE } from './shapes.js';

const OPEN = { method: 'GET', tag: 'Operation', access: 'public' } as const;
const READY = {
  title: 'Readiness',
  type: 'object',
  properties: { ready: { type: 'boolean' } },
  required: ['ready'],
} as const;

export const systemRoutes = [
  xlockRoute(
    {
      ...OPEN,
      id: 'health',
      path: '/health',
      summary: 'Whether the process is alive',
      answer: {
        status: 200,
        description: 'It is',
        schema: {
          title: 'Health',
          type: 'object',
          properties: { status: { type: 'string', enum: ['ok'] }, version: { type: 'string' } },
          required: ['status', 'version'],
        },
      },
    },
    ({ server }) => ({ status: 'ok' as const, version: server.version }),
  ),
  xlockRawRoute(
    {
      ...OPEN,
      id: 'ready',
      path: '/ready',
      summary: 'Whether the store answers, and the server is not stopping',
      answer: { status: 200, description: 'It is ready', schema: READY },
      more: [{ status: 503, description: 'It is not', schema: READY }],
    },
    async (_req, res, { server }) => {
      const answers = await server.access.tokens().then(
        () => true,
        () => false,
      );
      const ready = answers && !server.isStopping();
      res.writeHead(ready ? 200 : 503, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      res.end(JSON.stringify({ ready }));
    },
  ),
  xlockRawRoute(
    {
      ...OPEN,
      id: 'metrics',
      path: '/metrics',
      summary: 'Series for Prometheus',
      access: 'metrics:read',
      answer: { status: 200, description: 'Text format of Prometheus', type: 'text/plain' },
    },
    async (_req, res, { server }) => {
      const { text, type } = await server.metrics();
      res.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
      res.end(text);
    },
  ),
  xlockRoute(
    {
      ...OPEN,
      id: 'openapi',
      path: '/openapi.json',
      summary: 'This document',
      answer: { status: 200, description: 'OpenAPI 3.1', schema: ANY },
    },
    ({ server }) => server.document() as Record<string, unknown>,
  ),
  xlockRawRoute(
    {
      ...OPEN,
      id: 'docs',
      path: '/docs',
      summary: 'The routes of this server, as a page',
      answer: { status: 200, description: 'The page', type: 'text/html' },
    },
    (_req, res, { server }) => {
      res.writeHead(200, DOCS_HEADERS);
      res.end(docsPage(server.document()));
    },
  ),
  xlockRawRoute(
    {
      ...OPEN,
      id: 'docsStyle',
      path: '/docs/page.css',
      summary: 'The style of that page',
      answer: { status: 200, description: 'The file', type: 'text/css' },
    },
    (_req, res) => {
      res.writeHead(200, { ...DOCS_HEADERS, 'Content-Type': 'text/css; charset=utf-8' });
      res.end(PAGE_STYLE);
    },
  ),
  xlockRoute(
    {
      id: 'me',
      method: 'GET',
      path: '/v1/me',
      tag: 'Access',
      summary: 'What the token of the caller may do',
      access: 'member',
      answer: {
        status: 200,
        description: 'The caller',
        schema: {
          title: 'Me',
          type: 'object',
          properties: {
            id: { type: 'string' },
            role: ROLE,
            permissions: { type: 'array', items: { type: 'string' } },
          },
          required: ['id', 'role', 'permissions'],
        },
      },
    },
    ({ caller: { id, role } }) => ({
      id,
      role: role!,
      permissions: rolePermissions(XLOCK_PERMISSIONS, role),
    }),
  ),
] as const;
