import type { RecordedEntry } from '@private.me/xlink';
import { ServerError } from '../errors.js';
import { route } from '../route.js';
import { REASON, TIME } from '../shapes.js';

const MODE = { type: 'string', enum: ['hybrid', 'deprecation', 'xlink-only'] } as const;

const MODE_STATE = {
  title: 'Mode',
  type: 'object',
  properties: {
    mode: { type: 'string', enum: ['observe', 'hybrid', 'deprecation', 'xlink-only'] },
    since: TIME,
    reason: { type: 'string' },
    by: { type: 'string' },
  },
  required: ['mode'],
} as const;

const MAX_ENTRIES = 500;

export const operationRoutes = [
  route(
    {
      id: 'getMode',
      method: 'GET',
      path: '/v1/mode',
      tag: 'Operation',
      summary: 'How far this server has moved from tokens to envelopes',
      access: 'mode:read',
      answer: { status: 200, description: 'The mode', schema: MODE_STATE },
    },
    ({ server }) => stateOf(server.sharedMode.latest ?? { mode: server.adapter.mode }),
  ),
  route(
    {
      id: 'setMode',
      method: 'PUT',
      path: '/v1/mode',
      tag: 'Operation',
      summary:
        'hybrid takes tokens and envelopes, deprecation warns who uses tokens, xlink-only refuses them',
      access: 'mode:write',
      body: {
        title: 'NewMode',
        type: 'object',
        properties: {
          mode: MODE,
          reason: REASON,
        },
        required: ['mode'],
      },
      answer: { status: 200, description: 'The mode, stored for all instances', schema: MODE_STATE },
      errors: ['MODE_LOCKS_OUT', 'MODE_STORE_UNAVAILABLE'],
    },
    async ({ server, caller, body: { mode, reason } }) => {
      if (mode === 'xlink-only' && caller.did === undefined) throw new ServerError('MODE_LOCKS_OUT');
      await server.sharedMode.setMode(mode, reason, { by: caller.id });
      return stateOf(server.sharedMode.latest ?? { mode: server.adapter.mode });
    },
  ),
  route(
    {
      id: 'readAudit',
      method: 'GET',
      path: '/v1/audit',
      tag: 'Audit',
      summary: 'Entries of the audit log of this instance, oldest first',
      access: 'audit:read',
      query: {
        from: { type: 'integer', minimum: 0, description: 'number of the first entry; default the last 100' },
        max: { type: 'integer', minimum: 1, maximum: MAX_ENTRIES, description: 'default 100' },
      },
      answer: {
        status: 200,
        description: 'The entries',
        schema: {
          title: 'AuditEntries',
          type: 'object',
          properties: {
            origin: { type: 'string', description: 'which log' },
            size: { type: 'integer', description: 'entries in all' },
            entries: {
              type: 'array',
              items: {
                title: 'AuditEntry',
                type: 'object',
                properties: { seq: { type: 'integer' }, at: TIME, type: { type: 'string' } },
                required: ['seq', 'at', 'type'],
                additionalProperties: true,
              },
            },
          },
          required: ['origin', 'size', 'entries'],
        },
      },
    },
    async ({ server, query }) => {
      const { audit } = server.storage;
      const { size } = audit.status;
      const { max = 100, from = Math.max(0, size - max) } = query;
      const entries: RecordedEntry[] = [];
      if (from < size)
        for await (const entry of audit.entries({ from, to: Math.min(size, from + max) }))
          entries.push(entry);
      return { origin: audit.origin, size, entries: entries.map((entry) => ({ ...entry })) };
    },
  ),
  route(
    {
      id: 'auditCheckpoint',
      method: 'POST',
      path: '/v1/audit/checkpoint',
      tag: 'Audit',
      summary: 'Signs the audit log as it stands: keep the checkpoint elsewhere (C2SP tlog-checkpoint)',
      access: 'audit:read',
      answer: {
        status: 200,
        description: 'The checkpoint',
        schema: {
          title: 'Checkpoint',
          type: 'object',
          properties: { checkpoint: { type: 'string' } },
          required: ['checkpoint'],
        },
      },
    },
    async ({ server }) => ({ checkpoint: await server.storage.audit.checkpoint() }),
  ),
] as const;

interface State {
  readonly mode: 'observe' | 'hybrid' | 'deprecation' | 'xlink-only';
  readonly since?: number;
  readonly reason?: string;
  readonly by?: string;
}

const stateOf = ({ mode, since, reason, by }: State) => ({
  mode,
  ...(since === undefined ? {} : { since }),
  ...(reason === undefined ? {} : { reason }),
  ...(by === undefined ? {} : { by }),
});
