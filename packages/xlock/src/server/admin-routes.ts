import type { IncomingMessage } from 'node:http';
import { complianceExport, exportCsv } from './export.js';
import { xlockRawRoute, xlockRoute } from './kit.js';
import { ANY, DONE, ROLE, TEXT, TIME } from './shapes.js';

const RANGE = {
  from: { type: 'integer', minimum: 0, description: 'number of the first entry; default 0' },
  max: { type: 'integer', minimum: 1, maximum: 10_000, description: 'default 1000' },
} as const;
const EXPORT = {
  title: 'Export',
  type: 'object',
  properties: {
    origin: { type: 'string' },
    entries: { type: 'array', items: ANY },
    anomalies: { type: 'array', items: ANY },
  },
  required: ['origin', 'entries', 'anomalies'],
} as const;
const TOKEN_ID = {
  type: 'string',
  pattern: '^[A-Za-z0-9_-]{12}$',
  description: 'the id of a token',
} as const;
const TOKEN = {
  title: 'Token',
  type: 'object',
  properties: {
    id: TOKEN_ID,
    name: TEXT,
    role: ROLE,
    createdAt: TIME,
    expiresAt: TIME,
    token: { type: 'string' },
  },
  required: ['id', 'name', 'role', 'createdAt'],
} as const;

export const adminRoutes = [
  xlockRoute(
    {
      id: 'readAudit',
      method: 'GET',
      path: '/v1/audit',
      tag: 'Audit',
      summary: 'Entries of the audit log of this instance, oldest first, with anomalies in them',
      access: 'audit:read',
      query: RANGE,
      answer: { status: 200, description: 'The entries', schema: EXPORT },
    },
    ({ server, query }) => exported(server.storage.audit, query),
  ),
  xlockRawRoute(
    {
      id: 'export',
      method: 'GET',
      path: '/v1/export',
      tag: 'Audit',
      summary: 'The whole audit log of this instance for auditors, with anomalies in it',
      access: 'audit:read',
      query: {
        format: { type: 'string', enum: ['json', 'csv'], description: 'default: what Accept says, or json' },
        since: TIME,
        until: TIME,
      },
      answer: {
        status: 200,
        description: 'The export; CSV with format=csv or Accept: text/csv',
        schema: EXPORT,
      },
    },
    async (req, res, { server, query }) => {
      const { format = formatFor(req), since = 0, until = Number.MAX_SAFE_INTEGER } = query;
      const found = await complianceExport(server.storage.audit, { since, until });
      const isCsv = format === 'csv';
      res.writeHead(200, {
        'Content-Type': isCsv ? 'text/csv; charset=utf-8' : 'application/json',
        'Cache-Control': 'no-store',
        Vary: 'Accept',
        'X-Content-Type-Options': 'nosniff',
      });
      res.end(isCsv ? exportCsv(found) : JSON.stringify(found));
    },
  ),
  xlockRoute(
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
          properties: { tokens: { type: 'array', items: TOKEN } },
          required: ['tokens'],
        },
      },
    },
    async ({ server }) => ({ tokens: await server.access.tokens() }),
  ),
  xlockRoute(
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
        properties: { name: TEXT, role: ROLE, expiresAt: TIME },
        required: ['name', 'role'],
      },
      answer: { status: 201, description: 'The token', schema: TOKEN },
    },
    ({ server, body }) => server.access.makeToken(body),
  ),
  xlockRoute(
    {
      id: 'deleteToken',
      method: 'DELETE',
      path: '/v1/tokens/{id}',
      tag: 'Access',
      summary: 'Ends a token at once',
      access: 'access:write',
      params: { id: TOKEN_ID },
      answer: DONE,
      errors: ['TOKEN_UNKNOWN', 'LAST_ADMIN'],
    },
    async ({ server, params }) => {
      await server.access.removeToken(params.id);
      return { ok: true };
    },
  ),
] as const;

const formatFor = ({ headers }: IncomingMessage) => (prefersCsv(headers.accept ?? '') ? 'csv' : 'json');

/** Whether `Accept` (RFC 9110 section 12.5.1) weighs CSV higher than JSON. */
function prefersCsv(accept: string): boolean {
  const weights = new Map(
    accept.split(',').map((range) => {
      const [type = '', ...rest] = range
        .toLowerCase()
        .split(';')
        .map((part) => part.trim());
      const q = rest.find((part) => part.startsWith('q='))?.slice(2);
      return [type, q === undefined ? 1 : Number(q) || 0] as const;
    }),
  );
  const of = (...types: string[]) => weights.get(types.find((type) => weights.has(type)) ?? '') ?? 0;
  return of('text/csv', 'text/*', '*/*') > of('application/json', 'application/*', '*/*');
}

async function exported(
  audit: Parameters<typeof complianceExport>[0],
  { from, max = 1000 }: { readonly from?: number; readonly max?: number },
) {
  const { origin, entries, anomalies } = await complianceExport(audit, {
    ...(from === undefined ? {} : { from }),
    max,
  });
  return {
    origin,
    entries: entries.map((entry) => ({ ...entry })),
    anomalies: anomalies.map((anomaly) => ({ ...anomaly })),
  };
}
