import type { IncomingMessage, ServerResponse } from 'node:http';
import { apiError } from '@private.me/xlink/http-api';
import { XlockError as Failure, type XlockError } from '../errors.js';
import { issued, shown } from './issued.js';
import { type XlockServerParts, xlockRawRoute, xlockRoute } from './kit.js';
import { ANY, DID, ID, OK, TEXT, TIME } from './shapes.js';

const METADATA = { type: 'object', additionalProperties: TEXT } as const;
const POST = { method: 'POST', tag: 'Logins' } as const;
const ANSWERS = {
  access: 'public',
  body: ANY,
  answer: { status: 200, description: 'It was taken', schema: OK },
} as const;
const OUTCOME = {
  title: 'Outcome',
  type: 'object',
  properties: {
    state: { type: 'string', enum: ['pending', 'approved'] },
    did: { type: 'string' },
    userId: { type: 'string' },
    deviceId: { type: 'string' },
    token: { type: 'string', description: 'of the session: shown once' },
    until: TIME,
  },
  required: ['state'],
} as const;

/** Where devices post answers of either kind: `answerPath` of the verifier. */
export const ANSWER_PATH = '/v1/answer';

export const loginRoutes = [
  xlockRoute(
    {
      ...POST,
      id: 'registerChallenge',
      path: '/v1/register/challenge',
      summary: 'A challenge to register a user; with `did` it adds a device to a passkey',
      access: 'logins:write',
      body: {
        title: 'NewRegistration',
        type: 'object',
        properties: {
          userId: TEXT,
          did: DID,
          replace: {
            type: 'boolean',
            description: 'revokes the passkeys that the user has, once the new one is registered',
          },
          action: TEXT,
          metadata: METADATA,
        },
      },
      answer: issued,
      errors: ['PASSKEY_NOT_FOUND', 'PASSKEY_GENERATION_FAILED:EXISTS'],
    },
    async ({ server, body }) => shown(await server.verifier.createRegistrationChallenge(body as object)),
  ),
  xlockRoute(
    {
      ...POST,
      ...ANSWERS,
      id: 'register',
      path: '/v1/register',
      summary: 'What a device answers to a registration',
    },
    async ({ server, body }) => {
      const result = await server.verifier.verifyRegistration(body);
      if (!result.ok) throw result.error;
      return { ok: true };
    },
  ),
  xlockRoute(
    {
      ...POST,
      id: 'authChallenge',
      path: '/v1/auth/challenge',
      summary: 'A challenge to log in, for `did` or `userId`; show `match` on the login page',
      access: 'logins:write',
      body: {
        title: 'NewLogin',
        type: 'object',
        properties: {
          did: DID,
          userId: TEXT,
          action: TEXT,
          metadata: METADATA,
          deviceId: DID,
          timeout: { type: 'integer', minimum: 1000, maximum: 3_600_000, description: 'ms' },
          isDiscreet: {
            type: 'boolean',
            description:
              'for login pages: who has no account gets a challenge of the same form, which nobody can answer; default false',
          },
        },
      },
      answer: issued,
      errors: ['PASSKEY_NOT_FOUND'],
    },
    async ({ server, body }) => {
      const { isDiscreet = false, ...request } = body as { readonly isDiscreet?: boolean };
      return isDiscreet
        ? shown({ ...(await server.verifier.createLoginChallenge(request)), pushed: [], held: '' })
        : shown(await server.verifier.createAuthChallenge(request));
    },
  ),
  xlockRawRoute(
    {
      method: 'GET',
      tag: 'Logins',
      id: 'authOutcome',
      path: '/v1/auth/{id}',
      summary:
        'Waits for the answer, redeems it, and begins a session; as events with Accept: text/event-stream',
      access: 'logins:write',
      params: { id: ID },
      query: { waitMs: { type: 'integer', minimum: 0, maximum: 60_000, description: 'default 25000' } },
      answer: { status: 200, description: 'What became of it, or `pending`', schema: OUTCOME },
      errors: [
        'CHALLENGE_INVALID:UNKNOWN',
        'CHALLENGE_ALREADY_USED',
        'RESPONSE_TIMEOUT',
        'RESPONSE_USER_REJECTED',
      ],
    },
    (req, res, { server, params, query }) => outcome(req, res, server, params.id, query.waitMs ?? 25_000),
  ),
  xlockRoute(
    {
      ...POST,
      ...ANSWERS,
      id: 'authResponse',
      path: '/v1/auth/{id}/response',
      params: { id: ID },
      summary: 'What a device answers to this challenge',
      errors: ['CHALLENGE_INVALID:UNKNOWN', 'CHALLENGE_ALREADY_USED', 'RESPONSE_SIGNATURE_INVALID'],
    },
    async ({ server, params, body }) => {
      if (body['challengeId'] !== params.id) throw new Failure('CHALLENGE_INVALID:UNKNOWN');
      await server.verifier.respond(body);
      return { ok: true };
    },
  ),
  xlockRoute(
    {
      ...POST,
      ...ANSWERS,
      id: 'answer',
      path: ANSWER_PATH,
      summary: 'What a device answers, to any challenge',
    },
    async ({ server, body }) => {
      await server.verifier.respond(body);
      return { ok: true };
    },
  ),
] as const;

type Told = { readonly state: 'pending' } | { readonly state: 'approved'; readonly did: string };

async function look(
  server: XlockServerParts,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<Told> {
  const result = await server.verifier.verifyAuth(id, { waitMs, signal });
  if (!result.ok) {
    if (isPending(result.error)) return { state: 'pending' };
    throw result.error;
  }
  const { did, userId, deviceId } = result.value;
  const { token, session } = await server.verifier.beginSession(result.value);
  return { state: 'approved', did, userId, deviceId, token, until: session.until } as Told;
}

const isPending = ({ details }: XlockError): boolean =>
  (details as { readonly pending?: boolean } | undefined)?.pending === true;

async function outcome(
  req: IncomingMessage,
  res: ServerResponse,
  server: XlockServerParts,
  id: string,
  waitMs: number,
): Promise<void> {
  // It redeems: what a HEAD asked for nobody could read.
  if (req.method === 'HEAD') throw apiError('METHOD_NOT_ALLOWED', { allow: 'GET, OPTIONS' });
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, server.stopping]);
  const first = await look(server, id, isStream(req) ? 0 : waitMs, signal);
  if (!isStream(req)) {
    res.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    res.end(JSON.stringify(first));
    return;
  }
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  for (let told = first; ; ) {
    res.write(`event: ${told.state}\ndata: ${JSON.stringify(told)}\n\n`);
    if (told.state !== 'pending' || signal.aborted) break;
    const next = await look(server, id, waitMs, signal).catch((error: unknown) => error as XlockError);
    if ('state' in next) {
      told = next;
      continue;
    }
    res.write(`event: refused\ndata: ${JSON.stringify({ id: next.id ?? 'INTERNAL' })}\n\n`);
    break;
  }
  res.end();
}

const isStream = (req: IncomingMessage): boolean =>
  /\btext\/event-stream\b/.test(String(req.headers.accept ?? ''));
