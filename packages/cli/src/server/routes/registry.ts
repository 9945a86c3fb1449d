import type { IncomingMessage, ServerResponse } from 'node:http';
import { assertMayTouch } from '../role-holders.js';
import type { Access } from '../roles.js';
import { type Asked, type Route, rawRoute } from '../route.js';
import { ANY_OBJECT, DID, NAME, OK, REASON, SCOPES } from '../shapes.js';

const ENTRY = {
  ...ANY_OBJECT,
  title: 'RegistryEntry',
  description: 'what the registry knows of a DID',
} as const;
const DONE = {
  ...OK,
  title: 'RegistryChange',
  properties: { ...OK.properties, did: DID },
} as const;
const CHANGE = {
  ...ANY_OBJECT,
  description: 'as the method of HttpTrustRegistry takes it; unknown members are refused',
  properties: {
    did: { type: 'string' },
    name: NAME,
    scopes: SCOPES,
    sendScopes: SCOPES,
    receiveScopes: SCOPES,
    capabilities: { type: 'array', items: NAME, maxItems: 100 },
    reason: REASON,
  },
} as const;

/** The protocol of `HttpTrustRegistry`, whose address is the server itself, or `/v1` of it. */
const registryAt = (prefix: string, suffix: string): readonly Route[] => {
  const shape = (id: string, method: 'GET' | 'POST', path: string, summary: string, access: Access) => ({
    id: `${id}${suffix}`,
    method,
    path: `${prefix}/registry/${path}`,
    tag: 'Registry',
    summary,
    access,
  });
  const change = (id: string, path: string, summary: string, status = 200) =>
    rawRoute(
      {
        ...shape(id, 'POST', path, summary, 'registry:write'),
        body: CHANGE,
        answer: { status, description: 'It is done', schema: DONE },
        errors: [
          'PERMISSION_DENIED:ROLE_HOLDER',
          ...(/revoke|succeed/.test(path) ? (['LAST_ADMIN'] as const) : []),
          'INVALID_DID',
          'REGISTRATION_FAILED',
          'REGISTRATION_FAILED:ALREADY_REGISTERED',
          'REGISTRATION_FAILED:CHANGED_MEANWHILE',
          'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
          'KEY_RECORD_INVALID',
        ],
      },
      changeEntry,
    );
  return [
    rawRoute(
      {
        ...shape('resolveDid', 'GET', 'resolve/{did}', 'The entry of a DID, revoked or not', 'public'),
        params: { did: { type: 'string', maxLength: 200 } },
        answer: { status: 200, description: 'The entry', schema: ENTRY },
        errors: ['INVALID_DID', 'LOOKUP_FAILED:DID_NOT_IN_REGISTRY'],
      },
      serve,
    ),
    rawRoute(
      {
        ...shape(
          'registryChanges',
          'GET',
          'changes',
          'Waits for changes, and tells of them in digests',
          'public',
        ),
        query: {
          wait: { type: 'string', maxLength: 16, description: 'how long to wait, in ms; 25000 at most' },
          after: { type: 'string', maxLength: 4096, description: 'positions of the answer before' },
        },
        answer: {
          status: 200,
          description: 'What changed',
          schema: {
            title: 'RegistryChanges',
            type: 'object',
            properties: {
              server: { type: 'string' },
              position: { type: 'integer' },
              changed: { type: 'array', items: { type: 'string' } },
            },
            required: ['server', 'position'],
          },
        },
      },
      serve,
    ),
    rawRoute(
      {
        ...shape(
          'listRegistry',
          'GET',
          'list',
          'Entries in the order of their DIDs, a page at a time',
          'registry:read',
        ),
        query: { after: { type: 'string', maxLength: 200, description: 'the last DID of the page before' } },
        answer: {
          status: 200,
          description: 'A page; the DID to go on after, if there is more',
          schema: {
            title: 'RegistryPage',
            type: 'object',
            properties: { entries: { type: 'array', items: ENTRY }, next: DID },
            required: ['entries'],
          },
        },
        errors: ['INVALID_DID'],
      },
      serve,
    ),
    change('registerDid', 'register', 'Adds an entry', 201),
    change('addDid', 'add', 'Allows a DID to send with these scopes'),
    change('revokeDid', 'revoke', 'Cuts a DID off, from the next message on'),
    change('updateScopes', 'scopes', 'Replaces what a DID may send with and accept'),
    change('updateKeys', 'keys', 'Replaces a key record by a newer one'),
    change('succeedDid', 'succeed', 'Puts a DID in the place of another'),
  ];
};

export const registryRoutes: readonly Route[] = [...registryAt('', ''), ...registryAt('/v1', 'V1')];

type Raw = Asked<unknown, unknown, unknown>;

/** By the handler of the library, which takes what is behind `/v1` as its own. */
function serve(req: IncomingMessage, res: ServerResponse, { server }: Raw): void {
  req.url = req.url!.replace(/^\/v1(?=\/registry\/)/, '');
  server.registryHandler(req as never, res as never);
}

async function changeEntry(req: IncomingMessage, res: ServerResponse, asked: Raw): Promise<void> {
  const { server, caller, body, route } = asked;
  const { did, succession } = body as {
    readonly did?: unknown;
    readonly succession?: { readonly to?: unknown } | null;
  };
  await assertMayTouch(server, caller, { did, succession: succession?.to });
  const ends = /^(revoke|succeed)Did/.test(route);
  if (ends && typeof did === 'string') await server.access.assertAdminBeside(did);
  (req as IncomingMessage & { body?: unknown }).body = body;
  serve(req, res, asked);
}
