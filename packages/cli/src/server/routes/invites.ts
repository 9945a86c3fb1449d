import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Did, InviteReport, Invites, NewInvite } from '@private.me/xlink';
import { blockOf, factsOf, readAtMost } from '@private.me/xlink/http-api';
import { qrDataUrl } from '../../qr.js';
import { append, TOLD } from '../audit-trail.js';
import { ServerError } from '../errors.js';
import { INVITE_PAGE, PAGE_HEADERS, PAGE_STYLE, pageScript } from '../invite-page/page.js';
import type { ServerParts } from '../parts.js';
import { hasRole } from '../role-holders.js';
import { allows } from '../roles.js';
import { type Asked, type Route, rawRoute, route } from '../route.js';
import { ANY_OBJECT, bytes, DID, NAME, SCOPES } from '../shapes.js';

const MAX_INVITE_MS = 366 * 86_400_000;

const EMAIL = {
  type: 'string',
  pattern: '^[^\\s@]{1,64}@[^\\s@]{1,189}$',
  description: 'an e-mail address; it is recorded, and nothing is sent',
} as const;

const NUMBER = bytes(32);

const INVITE_MEMBERS = {
  number: NUMBER,
  state: { type: 'string', enum: ['open', 'used', 'expired', 'revoked'] },
  scopes: SCOPES,
  receives: SCOPES,
  created_at: { type: 'string', description: 'ISO 8601' },
  expires_at: { type: 'string', description: 'ISO 8601' },
  name: NAME,
  email: EMAIL,
  by: { type: 'string' },
  did: DID,
} as const;
const ALWAYS = ['number', 'state', 'scopes', 'receives', 'created_at', 'expires_at'] as const;

const INVITE = { title: 'Invite', type: 'object', properties: INVITE_MEMBERS, required: ALWAYS } as const;

const AGENT_QUERY = {
  agent: { ...DID, description: 'the agent whose invites they are; default the server' },
} as const;

const REFUSED = [
  'INVITATION_REFUSED:MALFORMED',
  'INVITATION_REFUSED:UNKNOWN',
  'INVITATION_REFUSED:FORGED',
  'INVITATION_REFUSED:USED',
  'INVITATION_REFUSED:EXPIRED',
  'INVITATION_REFUSED:REVOKED',
] as const;

export const inviteRoutes = [
  route(
    {
      id: 'createInvite',
      method: 'POST',
      path: '/v1/invites',
      tag: 'Invites',
      summary: 'Makes an invite of the server or of an agent, signed by it; the code is shown once',
      access: 'invites:write',
      body: {
        title: 'NewInvite',
        type: 'object',
        properties: {
          agent: { ...DID, description: 'who invites: an agent of the server; default the server itself' },
          scopes: { ...SCOPES, description: 'what who accepts may send with' },
          receives: { ...SCOPES, description: 'what it is to take in return; default nothing' },
          name: { ...NAME, description: 'whom it is for' },
          email: EMAIL,
          expiresInMs: {
            type: 'integer',
            minimum: 1000,
            maximum: MAX_INVITE_MS,
            description: 'how long it is good, in ms; default 7 days',
          },
        },
        required: ['scopes'],
      },
      answer: {
        status: 201,
        description: 'The invite',
        schema: {
          title: 'MadeInvite',
          type: 'object',
          properties: {
            status: { type: 'string', enum: ['created'] },
            invite_url: { type: 'string', description: 'the acceptance page, with the code in its fragment' },
            qr_code: { type: 'string', description: 'the same as a data: URL of an SVG' },
            expires_at: { type: 'string', description: 'ISO 8601' },
            message: { type: 'string' },
            code: { type: 'string', description: 'XLK-…' },
            number: NUMBER,
          },
          required: ['status', 'invite_url', 'qr_code', 'expires_at', 'message', 'code', 'number'],
        },
      },
      errors: ['AGENTS_DISABLED', 'AGENT_UNKNOWN', 'INVALID_OPTION'],
    },
    async ({ server, caller, body: { agent, expiresInMs, receives = [], ...options } }) => {
      const invites = await server.invites.of(agent);
      const expires = expiresInMs === undefined ? {} : { expires: new Date(server.clock() + expiresInMs) };
      return madeOf(await invites.create({ ...options, receives, ...expires, by: caller.id }));
    },
  ),
  route(
    {
      id: 'listInvites',
      method: 'GET',
      path: '/v1/invites',
      tag: 'Invites',
      summary: 'Invites of the server or of an agent, the newest first, without their codes',
      access: 'invites:read',
      query: AGENT_QUERY,
      answer: {
        status: 200,
        description: 'The invites',
        schema: {
          title: 'Invites',
          type: 'object',
          properties: { invites: { type: 'array', items: INVITE } },
          required: ['invites'],
        },
      },
      errors: ['AGENTS_DISABLED', 'AGENT_UNKNOWN'],
    },
    async ({ server, query }) => ({
      invites: (await (await server.invites.of(query.agent)).list()).map(reportOf),
    }),
  ),
  route(
    {
      id: 'revokeInvite',
      method: 'DELETE',
      path: '/v1/invites/{number}',
      tag: 'Invites',
      summary: 'Takes an invite back that nobody has used',
      access: 'invites:write',
      params: { number: NUMBER },
      query: AGENT_QUERY,
      answer: { status: 200, description: 'It is revoked', schema: INVITE },
      errors: ['INVITATION_UNKNOWN', 'INVITATION_REFUSED:USED', 'AGENTS_DISABLED', 'AGENT_UNKNOWN'],
    },
    async ({ server, params, query }) =>
      reportOf(await (await server.invites.of(query.agent)).revoke(params.number)),
  ),
] as const;

type Raw = Asked<{ readonly did?: Did }, { readonly number?: string }, undefined>;

/** Where acceptances go, and where people are shown the page, for the server and for its agents. */
export const invitePageRoutes: readonly Route[] = [
  ...[
    { suffix: '', path: '/invite', whose: 'the server', more: {} },
    { suffix: 'OfAgent', path: '/agents/{did}/invite', whose: 'an agent', more: { params: { did: DID } } },
  ].flatMap(({ suffix, path, whose, more }) => [
    rawRoute(
      {
        id: `acceptInvite${suffix}`,
        method: 'POST',
        path,
        tag: 'Invites',
        summary: `Accepts an invite of ${whose}: what acceptInvite() sends`,
        access: 'public',
        ...more,
        query: { number: NUMBER },
        bodyType: 'application/xlink-envelope',
        answer: {
          status: 200,
          description: 'What was agreed on, signed by the one who invites',
          schema: {
            title: 'AcceptedInvite',
            type: 'object',
            properties: {
              keyRecord: ANY_OBJECT,
              scopes: SCOPES,
              receives: SCOPES,
              signature: bytes(64),
            },
            required: ['keyRecord', 'scopes', 'receives', 'signature'],
          },
        },
        errors: [...REFUSED, 'PERMISSION_DENIED:ROLE_HOLDER', 'AGENTS_DISABLED', 'AGENT_UNKNOWN'],
      },
      accept as never,
    ),
    rawRoute(
      {
        id: `invitePage${suffix}`,
        method: 'GET',
        path,
        tag: 'Invites',
        summary: `The page on which an invite of ${whose} is accepted; the code stays in the browser`,
        access: 'public',
        ...more,
        answer: { status: 200, description: 'The page', type: 'text/html' },
      },
      (_req, res) => send(res, 'text/html', INVITE_PAGE),
    ),
  ]),
  rawRoute(
    {
      id: 'inviteScript',
      method: 'GET',
      path: '/invite/page.js',
      tag: 'Invites',
      summary: 'The script of that page',
      access: 'public',
      answer: { status: 200, description: 'The file', type: 'text/javascript' },
    },
    async (_req, res) => send(res, 'text/javascript', await pageScript()),
  ),
  rawRoute(
    {
      id: 'inviteStyle',
      method: 'GET',
      path: '/invite/page.css',
      tag: 'Invites',
      summary: 'The style of that page',
      access: 'public',
      answer: { status: 200, description: 'The file', type: 'text/css' },
    },
    (_req, res) => send(res, 'text/css', PAGE_STYLE),
  ),
];

function send(res: ServerResponse, type: string, text: string): void {
  res.writeHead(200, { ...PAGE_HEADERS, 'Content-Type': `${type}; charset=utf-8` });
  res.end(text);
}

/** Room for a key record of version 3, and a signature of ML-DSA-65. */
const MAX_ACCEPTANCE_BYTES = 64 * 1024;

/**
 * The library takes the `Request` of the platform. Those who are refused are strangers, and not in the audit log, which they could fill: they
 * are counted in the metrics.
 */
async function accept(
  req: IncomingMessage,
  res: ServerResponse,
  { server, params, query }: Raw,
): Promise<void> {
  const invites = await server.invites.of(params.did).catch((error: unknown) => {
    throw error instanceof ServerError && error.id === 'AGENT_KEY_WRONG'
      ? new ServerError('AGENT_UNKNOWN')
      : error;
  });
  const body = await readAtMost(req, MAX_ACCEPTANCE_BYTES);
  await assertMayAccept(server, invites, query.number, claimedSender(body));
  const response = await invites.handle(
    new Request(new URL(req.url!, server.publicUrl), {
      method: 'POST',
      headers: { 'content-type': String(req.headers['content-type'] ?? '') },
      body: new Uint8Array(body),
    }),
  );
  const text = await response.text();
  if (response.ok) {
    const [invite] = (await invites.list()).filter(({ number }) => number === query.number);
    await append(server, {
      type: 'server',
      ...(params.did === undefined ? {} : { to: params.did }),
      ...(invite?.did === undefined ? {} : { from: invite.did }),
      request: `POST ${req.url!.split('?')[0]}`,
      decision: 'accepted',
      reason: 'ok',
      data: { route: 'acceptInvite', address: blockOf(server.addressOf, req), what: factsOf(TOLD, invite) },
    });
  }
  res.writeHead(response.status, {
    'Content-Type': response.headers.get('content-type') ?? 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(text);
}

/** Who says that it accepts: verified later, by the library. */
function claimedSender(body: Uint8Array): string | undefined {
  try {
    const { from } = JSON.parse(Buffer.from(body).toString()) as { readonly from?: unknown };
    return typeof from === 'string' ? from : undefined;
  } catch {
    return undefined;
  }
}

/** An invite changes the entry of who accepts it. That of a DID with a role is changed by admins alone: with their invites, then. */
async function assertMayAccept(
  server: ServerParts,
  invites: Invites,
  number: string | undefined,
  claimed: string | undefined,
): Promise<void> {
  if (claimed === undefined || !(await hasRole(server, claimed))) return;
  const invite = (await invites.list()).find((one) => one.number === number);
  if (!invite || (invite.did === claimed && invite.state === 'used')) return;
  if (!allows(await server.access.roleOfHolder(invite.by ?? ''), 'access:write'))
    throw new ServerError('PERMISSION_DENIED:ROLE_HOLDER');
}

const madeOf = ({ code, link, number, expiresAt }: NewInvite) => ({
  status: 'created' as const,
  invite_url: link,
  qr_code: qrDataUrl(link),
  expires_at: expiresAt,
  message: `Share this link: ${link}`,
  code,
  number,
});

function reportOf({ number, state, scopes, receives, createdAt, expiresAt, ...more }: InviteReport) {
  const { name, email, by, did } = more;
  return {
    number,
    state,
    scopes,
    receives,
    created_at: createdAt,
    expires_at: expiresAt,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(by === undefined ? {} : { by }),
    ...(did === undefined ? {} : { did }),
  };
}
