import { ERROR_TABLE } from '@private.me/xlink';
import { openApiDocument } from '@private.me/xlink/http-api';
import { SERVER_ERRORS } from './errors.js';
import type { Route } from './route.js';

const TAGS = {
  Agents: 'Identities whose keys the server holds. Off unless the server was started with a key for them.',
  Envelopes: 'Envelopes that were made elsewhere.',
  Registry: 'The trust registry, in the protocol of `HttpTrustRegistry`.',
  Invites: 'How a new identity gets in.',
  Discovery: 'Services by name, and what agents offer.',
  Prekeys: 'Keys for writing to those who are away.',
  Relay: 'Mailboxes, in the protocol of `GatewayTransport`.',
  Access: 'Tokens and roles.',
  Audit: 'What was done, by whom.',
  Operation: 'Health, metrics and the mode.',
} as const;

const SECURITY = {
  token: { type: 'http', scheme: 'bearer', description: 'a token of the server' },
  envelope: {
    type: 'http',
    scheme: 'Xlink',
    description:
      'an envelope of a DID, in this header or as the body; or a signature by RFC 9421 (docs/signatures.md)',
  },
} as const;

/** The OpenAPI 3.1 document of the identity server. */
export const documentOf = (
  routes: readonly Route[],
  { version, url }: { readonly version: string; readonly url: string },
): object =>
  openApiDocument(routes, {
    version,
    url,
    title: 'xLink identity server',
    description: 'Made from the route table of the server; see docs/server.md.',
    tags: TAGS,
    security: SECURITY,
    errors: { ...ERROR_TABLE, ...SERVER_ERRORS },
  });
