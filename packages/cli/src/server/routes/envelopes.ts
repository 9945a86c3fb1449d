import type { IncomingMessage, ServerResponse } from 'node:http';
import { isXlinkError } from '@private.me/xlink';
import { verifyEnvelope } from '@private.me/xlink/verify';
import { ServerError } from '../errors.js';
import { type Asked, type Route, rawRoute, route } from '../route.js';
import { ANY_OBJECT, DID, TIME } from '../shapes.js';

const RELAYED = ['ROUTE_UNKNOWN', 'PARSE_FAILED:SYNTAX', 'RELAY_NOT_ALLOWED', 'RELAY_UNAVAILABLE'] as const;
const ENVELOPE_BODY = 'application/xlink-envelope';

function relay(path?: string) {
  return (req: IncomingMessage, res: ServerResponse, { server }: Asked<unknown, unknown, unknown>): void => {
    if (!server.relay) throw new ServerError('ROUTE_UNKNOWN');
    if (path !== undefined) req.url = path;
    server.relay.handler(req, res);
  };
}

export const relayRoutes: readonly Route[] = [
  rawRoute(
    {
      id: 'relay',
      method: 'GET',
      path: '/relay',
      tag: 'Relay',
      summary: 'Who the relay is; absent with a store that keeps no messages',
      access: 'public',
      answer: {
        status: 200,
        description: 'Its DID',
        schema: { title: 'Relay', type: 'object', properties: { did: DID }, required: ['did'] },
      },
      errors: RELAYED,
    },
    relay(),
  ),
  rawRoute(
    {
      id: 'relaySend',
      method: 'POST',
      path: '/relay/send',
      tag: 'Relay',
      summary: 'Keeps an envelope until its recipient fetches it; both are in the registry',
      access: 'public',
      bodyType: ENVELOPE_BODY,
      answer: { status: 202, description: 'It is durable', schema: ANY_OBJECT },
      errors: RELAYED,
    },
    relay(),
  ),
  rawRoute(
    {
      id: 'relayReceive',
      method: 'POST',
      path: '/relay/receive',
      tag: 'Relay',
      summary: 'Acknowledges, and answers with what waits; the recipient proves itself by an envelope',
      access: 'public',
      bodyType: ENVELOPE_BODY,
      answer: { status: 200, description: 'What waits', schema: ANY_OBJECT },
      errors: RELAYED,
    },
    relay(),
  ),
  rawRoute(
    {
      id: 'relaySocket',
      method: 'GET',
      path: '/relay/socket',
      tag: 'Relay',
      summary: 'The same over a WebSocket',
      access: 'public',
      answer: { status: 101, description: 'A WebSocket' },
      more: [{ status: 426, description: 'Asked for without an upgrade', schema: ANY_OBJECT }],
      errors: RELAYED,
    },
    relay(),
  ),
  rawRoute(
    {
      id: 'submitEnvelope',
      method: 'POST',
      path: '/v1/envelopes',
      tag: 'Envelopes',
      summary: 'Another name of /relay/send',
      access: 'public',
      bodyType: ENVELOPE_BODY,
      answer: { status: 202, description: 'It is durable', schema: ANY_OBJECT },
      errors: RELAYED,
    },
    relay('/relay/send'),
  ),
  rawRoute(
    {
      id: 'inboxOfAgent',
      method: 'POST',
      path: '/agents/{did}',
      tag: 'Envelopes',
      summary: 'Where an agent of the server takes messages by POST: they wait in its mailbox',
      access: 'public',
      params: { did: DID },
      bodyType: ENVELOPE_BODY,
      answer: { status: 202, description: 'It is durable', schema: ANY_OBJECT },
      errors: [...RELAYED, 'AGENTS_DISABLED', 'AGENT_UNKNOWN'],
    },
    async (req, res, asked) => {
      const { vault } = asked.server;
      if (!vault) throw new ServerError('AGENTS_DISABLED');
      await vault.get(asked.params.did);
      relay('/relay/send')(req, res, asked);
    },
  ),
];

export const envelopeRoutes = [
  route(
    {
      id: 'verifyEnvelope',
      method: 'POST',
      path: '/v1/envelopes/verify',
      tag: 'Envelopes',
      summary: 'Who signed an envelope, and whether the registry still knows the sender. Opens nothing',
      access: 'member',
      maxBodyBytes: 2 * 1024 * 1024,
      body: {
        title: 'EnvelopeToVerify',
        type: 'object',
        properties: { envelope: ANY_OBJECT },
        required: ['envelope'],
      },
      answer: {
        status: 200,
        description: 'What was found',
        schema: {
          title: 'VerifiedEnvelope',
          type: 'object',
          properties: {
            valid: { type: 'boolean', description: 'form and signatures are good' },
            reason: { type: 'string', description: 'the id of the error, if they are not' },
            from: DID,
            to: DID,
            kind: { type: 'string' },
            version: { type: 'integer' },
            scope: { type: 'string' },
            timestamp: TIME,
            sender: { type: 'string', enum: ['active', 'revoked', 'unknown'] },
          },
          required: ['valid'],
        },
      },
    },
    async ({ server, body: { envelope } }) => {
      const claimed = envelope['from'];
      const entry =
        typeof claimed === 'string' && new RegExp(DID.pattern).test(claimed)
          ? await server.storage.registry.lookup(claimed)
          : undefined;
      const result = await verifyEnvelope(envelope, entry?.keys ? { keys: entry.keys } : {});
      if (!result.ok)
        return { valid: false, reason: isXlinkError(result.error) ? result.error.id : 'INTERNAL' };
      const { from, to, kind, version, scope, timestamp } = result.value;
      const sender = entry?.status ?? ('unknown' as const);
      return { valid: true, from, to, kind, version, scope, timestamp, sender };
    },
  ),
] as const;
