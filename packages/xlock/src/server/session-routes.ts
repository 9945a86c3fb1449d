import { isXlockError } from '../errors.js';
import { xlockRoute } from './kit.js';
import { DONE, TIME } from './shapes.js';

const TOKEN = {
  title: 'SessionToken',
  type: 'object',
  properties: {
    token: {
      type: 'string',
      pattern: '^[^\\p{Cc}]{0,200}$',
      description: '`token` of the session, as the browser sent it',
    },
  },
  required: ['token'],
} as const;
const FOUND = {
  title: 'VerifiedSession',
  type: 'object',
  properties: {
    active: { type: 'boolean' },
    did: { type: 'string' },
    userId: { type: 'string' },
    deviceId: { type: 'string' },
    createdAt: TIME,
    until: TIME,
  },
  required: ['active'],
} as const;
const POST = { method: 'POST', tag: 'Sessions', access: 'logins:write', body: TOKEN } as const;

/** For applications: the tokens that logins gave are asked about here. */
export const sessionRoutes = [
  xlockRoute(
    {
      ...POST,
      id: 'verifySession',
      path: '/v1/sessions/verify',
      isQuestion: true,
      summary:
        'Whose a session is; only `active: false` once it is over, or its device or passkey was revoked (as RFC 7662). Ask at each request: what is kept is not revoked',
      answer: { status: 200, description: 'The session, or `active: false`', schema: FOUND },
    },
    async ({ server, body }) => {
      const found = await server.verifier.verifySession(body.token);
      if (!found.ok) {
        if (isXlockError(found.error, 'SESSION_INVALID')) return { active: false };
        throw found.error; // the store is away: that says nothing about the session
      }
      const { did, userId, deviceId, createdAt, until } = found.value;
      return { active: true, did, userId, deviceId, createdAt, until };
    },
  ),
  xlockRoute(
    {
      ...POST,
      id: 'endSession',
      path: '/v1/sessions/end',
      summary: 'Ends a session, if it is one: the user logs out',
      answer: DONE,
    },
    async ({ server, body }) => {
      await server.verifier.endSession(body.token);
      return { ok: true };
    },
  ),
] as const;
