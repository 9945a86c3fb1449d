import type { Did, KeyRecord } from '@private.me/xlink';
import { ServerError } from '../errors.js';
import type { InviteInfo } from '../invites.js';
import { invitePage, PAGE_HEADERS, PAGE_SCRIPT, PAGE_STYLE } from '../invite-page/page.js';
import type { ServerParts } from '../parts.js';
import { allows } from '../roles.js';
import { type Caller, type Route, rawRoute, route } from '../route.js';
import { ANY_OBJECT, bytes, DID, NAME, SCOPES, TIME } from '../shapes.js';

const CODE = {
  type: 'string',
  pattern: '^XLK-[A-Za-z0-9_-]{12,200}$',
  description: 'an invite code: XLK- and what follows',
} as const;

/** Recorded, never written to. */
export const EMAIL = {
  type: 'string',
  pattern: '^[^\\s@]{1,64}@[^\\s@]{1,189}$',
  description: 'an e-mail address; it is recorded, and nothing is sent',
} as const;

const INVITE_MEMBERS = {
  id: bytes(32),
  inviter: DID,
  name: NAME,
  url: { type: 'string' },
  grants: SCOPES,
  asks: SCOPES,
  state: { type: 'string', enum: ['open', 'used', 'revoked', 'expired'] },
  createdAt: TIME,
  expiresAt: TIME,
} as const;
const INVITE_NAMES = ['id', 'inviter', 'name', 'grants', 'asks', 'state', 'createdAt', 'expiresAt'] as const;

const INVITE = {
  title: 'Invite',
  type: 'object',
  properties: { ...INVITE_MEMBERS, email: EMAIL, usedBy: DID },
  required: INVITE_NAMES,
} as const;

const PUBLIC_INVITE = {
  title: 'OpenInvite',
  type: 'object',
  properties: { ...INVITE_MEMBERS, text: { type: 'string' }, signature: bytes(64) },
  required: [...INVITE_NAMES, 'text', 'signature'],
} as const;

const ANY_INVITE = {
  title: 'AnyInvite',
  type: 'object',
  properties: INVITE_MEMBERS,
  required: INVITE_NAMES,
} as const;

/** An invite that was made here, with its code. */
export const MADE_INVITE = {
  title: 'MadeInvite',
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['created'] },
    id: bytes(32),
    invite_code: CODE,
    invite_url: { type: 'string' },
    expires_at: { type: 'string', description: 'ISO 8601' },
    message: { type: 'string' },
  },
  required: ['status', 'id', 'invite_code', 'invite_url', 'expires_at', 'message'],
} as const;

export function madeInvite({ publicUrl }: ServerParts, code: string, { id, expiresAt }: InviteInfo) {
  const url = `${publicUrl}/invite/${code}`;
  return {
    status: 'created' as const,
    id,
    invite_code: code,
    invite_url: url,
    expires_at: new Date(expiresAt).toISOString(),
    message: `Share this link: ${url}`,
  };
}

const SIGNED_TEXT = {
  text: { type: 'string', minLength: 2, maxLength: 8192, description: 'the JSON text that was signed' },
  signature: bytes(64),
} as const;

const REFUSALS = [
  'INVITE_UNKNOWN',
  'INVITE_REFUSED:USED',
  'INVITE_REFUSED:EXPIRED',
  'INVITE_REFUSED:REVOKED',
  'INVITE_REFUSED:SIGNATURE',
  'INVITE_REFUSED:OTHER_SERVER',
  'INVITE_REFUSED:INVITER_REVOKED',
  'INVITE_REFUSED:SELF',
] as const;

export const inviteRoutes = [
  route(
    {
      id: 'createInvite',
      method: 'POST',
      path: '/v1/invites',
      tag: 'Invites',
      summary: 'Takes an invite that its inviter signed; a DID may hand in its own, and grant what it has itself',
      access: 'member',
      body: {
        title: 'SignedInvite',
        type: 'object',
        properties: { ...SIGNED_TEXT, email: EMAIL },
        required: ['text', 'signature'],
      },
      answer: { status: 201, description: 'The invite', schema: INVITE },
      errors: ['PERMISSION_DENIED', ...REFUSALS],
    },
    async ({ server, caller, body: { text, signature, email } }) => {
      const byRole = allows(caller.role, 'invites:write');
      const info = await server.invites.add(
        { text, signature },
        {
          byRole,
          ...(byRole ? {} : { onlyOf: didOf(caller) }),
          ...(email === undefined ? {} : { email }),
        },
      );
      return info;
    },
  ),
  route(
    {
      id: 'listInvites',
      method: 'GET',
      path: '/v1/invites',
      tag: 'Invites',
      summary: 'Invites, the newest first: of the caller, or with a role all',
      access: 'member',
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
    },
    async ({ server, caller }) => ({
      invites: await server.invites.list(allows(caller.role, 'invites:read') ? undefined : didOf(caller)),
    }),
  ),
  route(
    {
      id: 'revokeInvite',
      method: 'DELETE',
      path: '/v1/invites/{id}',
      tag: 'Invites',
      summary: 'Takes an invite back that was not used',
      access: 'member',
      params: { id: bytes(32) },
      answer: { status: 200, description: 'It is revoked', schema: INVITE },
      errors: ['INVITE_UNKNOWN', 'INVITE_REFUSED:USED', 'PERMISSION_DENIED'],
    },
    async ({ server, caller, params: { id } }) => {
      const { inviter } = await server.invites.get(id);
      if (!allows(caller.role, 'invites:write') && inviter !== caller.did)
        throw new ServerError('PERMISSION_DENIED');
      return server.invites.revoke(id);
    },
  ),
  route(
    {
      id: 'lookAtInvite',
      method: 'GET',
      path: '/v1/invite/{code}',
      tag: 'Invites',
      summary: 'What an invite says, and what its inviter signed',
      access: 'public',
      params: { code: CODE },
      answer: { status: 200, description: 'The invite', schema: PUBLIC_INVITE },
      errors: ['INVITE_UNKNOWN'],
    },
    async ({ server, params: { code } }) => {
      const { email: _, usedBy: __, ...shown } = await server.invites.look(code);
      return shown;
    },
  ),
  route(
    {
      id: 'acceptInvite',
      method: 'POST',
      path: '/v1/invite/{code}/accept',
      tag: 'Invites',
      summary: 'Lets who accepts into the registry, and tells it about the inviter',
      access: 'public',
      params: { code: CODE },
      body: {
        title: 'SignedAcceptance',
        type: 'object',
        properties: { ...SIGNED_TEXT, keys: ANY_OBJECT },
        required: ['text', 'signature'],
      },
      answer: {
        status: 200,
        description: 'Both know each other',
        schema: {
          title: 'AcceptedInvite',
          type: 'object',
          properties: {
            status: { type: 'string', enum: ['accepted'] },
            did: DID,
            server: DID,
            inviter: { ...ANY_OBJECT, description: 'the entry of the inviter in the registry' },
            invite: ANY_INVITE,
          },
          required: ['status', 'did', 'server', 'inviter', 'invite'],
        },
      },
      errors: [...REFUSALS, 'PERMISSION_DENIED'],
    },
    async ({ server, params: { code }, body: { text, signature, keys } }) => {
      const accepted = await server.invites.accept(
        code,
        { text, signature },
        keys as unknown as KeyRecord | undefined,
      );
      const { email: _, usedBy, ...invite } = accepted.invite;
      return {
        status: 'accepted' as const,
        did: usedBy!,
        server: server.storage.identity.did,
        inviter: { ...accepted.inviter },
        invite,
      };
    },
  ),
] as const;

/** The page, and its two files. */
export const invitePageRoutes: readonly Route[] = [
  rawRoute(
    {
      id: 'invitePage',
      method: 'GET',
      path: '/invite/{code}',
      tag: 'Invites',
      summary: 'The page on which an invite is accepted',
      access: 'public',
      params: { code: CODE },
      answer: { status: 200, description: 'The page', type: 'text/html' },
      more: [{ status: 404, description: 'There is no such invite', type: 'text/html' }],
      errors: ['ROUTE_UNKNOWN'],
    },
    async (_req, res, { server, params }) => {
      const { code } = params;
      const invite = await server.invites.look(code).catch((error: unknown) => {
        if (error instanceof ServerError && error.id === 'INVITE_UNKNOWN') return undefined;
        throw error;
      });
      const page = invitePage({ code, invite, server: server.storage.identity.did });
      res.writeHead(invite ? 200 : 404, { ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=utf-8' });
      res.end(page);
    },
  ),
  asset('inviteScript', '/invite/page.js', 'text/javascript', PAGE_SCRIPT),
  asset('inviteStyle', '/invite/page.css', 'text/css', PAGE_STYLE),
];

function asset(id: string, path: string, type: string, text: string) {
  return rawRoute(
    {
      id,
      method: 'GET',
      path,
      tag: 'Invites',
      summary: 'Part of that page',
      access: 'public',
      answer: { status: 200, description: 'The file', type },
    },
    (_req, res) => {
      res.writeHead(200, { ...PAGE_HEADERS, 'Content-Type': `${type}; charset=utf-8` });
      res.end(text);
    },
  );
}

/** Throws `PERMISSION_DENIED:ENVELOPE_REQUIRED` for a token. */
function didOf({ did }: Caller): Did {
  if (did === undefined) throw new ServerError('PERMISSION_DENIED:ENVELOPE_REQUIRED');
  return did;
}
