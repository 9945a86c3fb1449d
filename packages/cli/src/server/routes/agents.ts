import { type AgentMessage, type Envelope, XlinkError } from '@private.me/xlink';
import type { AgentVault, WaitingMessage } from '../agent-vault.js';
import { ServerError } from '../errors.js';
import type { ServerParts } from '../parts.js';
import { assertMayTouch } from '../role-holders.js';
import { route } from '../route.js';
import { ANY_OBJECT, DID, NAME, OK, SCOPE, SCOPES, TIME } from '../shapes.js';

const AGENT = {
  title: 'Agent',
  type: 'object',
  properties: {
    did: DID,
    name: NAME,
    createdAt: TIME,
    postQuantumSig: { type: 'boolean' },
    status: { type: 'string', enum: ['active', 'revoked', 'unregistered'] },
  },
  required: ['did', 'name', 'createdAt', 'postQuantumSig', 'status'],
} as const;

const MESSAGE = {
  title: 'Message',
  type: 'object',
  properties: {
    id: { type: 'string', description: 'what acknowledges it; absent for an envelope that was handed in' },
    sender: DID,
    scope: { type: 'string' },
    version: { type: 'integer' },
    encrypted: { type: 'boolean' },
    timestamp: TIME,
    envelopeId: { type: 'string' },
    inReplyTo: { type: 'string' },
    payload: { description: 'any JSON value' },
    bytes: {
      type: 'string',
      description: 'a content that is not JSON, as base64url, in the place of payload',
    },
  },
  required: ['sender', 'scope', 'version', 'encrypted', 'timestamp', 'envelopeId'],
} as const;

const MAX_PAYLOAD_BYTES = 1024 * 1024;
const HELD = ['AGENTS_DISABLED', 'AGENT_UNKNOWN', 'AGENT_KEY_WRONG'] as const;

const vaultOf = ({ vault }: ServerParts): AgentVault => {
  if (!vault) throw new ServerError('AGENTS_DISABLED');
  return vault;
};

export const agentRoutes = [
  route(
    {
      id: 'createAgent',
      method: 'POST',
      path: '/v1/agents',
      tag: 'Agents',
      summary: 'Makes an identity whose keys the server holds, and registers it',
      access: 'agents:write',
      body: {
        title: 'NewAgent',
        type: 'object',
        properties: {
          name: NAME,
          scopes: { ...SCOPES, description: 'what it may send with; default none' },
          receiveScopes: { ...SCOPES, description: 'what it accepts; default any' },
          capabilities: {
            type: 'array',
            maxItems: 50,
            items: { type: 'string', minLength: 1, maxLength: 128 },
          },
          postQuantumSig: { type: 'boolean', description: 'signs with ML-DSA-65, too; default true' },
        },
        required: ['name'],
      },
      answer: { status: 201, description: 'The agent', schema: AGENT },
      errors: ['AGENTS_DISABLED'],
    },
    ({ server, body }) => {
      const { name, scopes = [], receiveScopes = ['*'], capabilities, postQuantumSig = true } = body;
      const more = capabilities ? { capabilities } : {};
      return vaultOf(server).create({ name, scopes, receiveScopes, postQuantumSig, ...more });
    },
  ),
  route(
    {
      id: 'listAgents',
      method: 'GET',
      path: '/v1/agents',
      tag: 'Agents',
      summary: 'Agents whose keys the server holds',
      access: 'agents:read',
      answer: {
        status: 200,
        description: 'The agents',
        schema: {
          title: 'Agents',
          type: 'object',
          properties: { agents: { type: 'array', items: AGENT } },
          required: ['agents'],
        },
      },
      errors: ['AGENTS_DISABLED'],
    },
    async ({ server }) => ({ agents: await vaultOf(server).list() }),
  ),
  route(
    {
      id: 'getAgent',
      method: 'GET',
      path: '/v1/agents/{did}',
      tag: 'Agents',
      summary: 'One of them',
      access: 'agents:read',
      params: { did: DID },
      answer: { status: 200, description: 'The agent', schema: AGENT },
      errors: HELD,
    },
    ({ server, params }) => vaultOf(server).get(params.did),
  ),
  route(
    {
      id: 'deleteAgent',
      method: 'DELETE',
      path: '/v1/agents/{did}',
      tag: 'Agents',
      summary: 'Revokes an agent, and then destroys its keys',
      access: 'agents:write',
      params: { did: DID },
      answer: { status: 200, description: 'It is gone', schema: OK },
      errors: [...HELD, 'PERMISSION_DENIED:ROLE_HOLDER', 'LAST_ADMIN'],
    },
    async ({ server, caller, params }) => {
      const vault = vaultOf(server);
      await assertMayTouch(server, caller, params);
      await server.access.assertAdminBeside(params.did);
      await vault.remove(params.did);
      return { ok: true };
    },
  ),
  route(
    {
      id: 'sendAsAgent',
      method: 'POST',
      path: '/v1/agents/{did}/send',
      tag: 'Agents',
      summary: 'Seals and signs a message, and puts it into the mailbox of its recipient',
      access: 'agents:use',
      params: { did: DID },
      maxBodyBytes: MAX_PAYLOAD_BYTES,
      body: {
        title: 'NewMessage',
        type: 'object',
        properties: {
          to: DID,
          payload: { description: 'any JSON value' },
          scope: SCOPE,
          inReplyTo: { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$', description: 'an envelopeId' },
          deliver: { type: 'boolean', description: 'false: the envelope is only returned; default true' },
        },
        required: ['to', 'payload'],
      },
      answer: {
        status: 200,
        description: 'Whether the mailbox has it; else the envelope',
        schema: {
          title: 'SentMessage',
          type: 'object',
          properties: {
            envelopeId: { type: 'string' },
            version: { type: 'integer' },
            delivered: { type: 'boolean' },
            envelope: { ...ANY_OBJECT, description: 'where it was not delivered: for you to bring' },
          },
          required: ['envelopeId', 'version', 'delivered'],
        },
      },
      errors: [
        ...HELD,
        'PERMISSION_DENIED:ROLE_HOLDER',
        'ENTRY_UNKNOWN',
        'SCOPE_DENIED',
        'LOOKUP_FAILED:DID_NOT_IN_REGISTRY',
      ],
    },
    async ({ server, caller, params, body }) => {
      const vault = vaultOf(server);
      await assertMayTouch(server, caller, params);
      const { deliver = true, ...message } = body;
      const envelope = await (await vault.agent(params.did)).createEnvelope(message);
      await assertMaySend(server, params.did, envelope.scope);
      const delivered = deliver && (await vault.deliver(envelope));
      return {
        envelopeId: envelope.nonce,
        version: envelope.version,
        delivered,
        ...(delivered ? {} : { envelope: { ...envelope } }),
      };
    },
  ),
  route(
    {
      id: 'receiveAsAgent',
      method: 'POST',
      path: '/v1/agents/{did}/receive',
      tag: 'Agents',
      summary:
        'Opens an envelope that is handed in; without one, what waits in the mailbox, which comes again until it is in `ack`',
      access: 'agents:use',
      params: { did: DID },
      maxBodyBytes: 2 * 1024 * 1024,
      body: {
        title: 'Receive',
        type: 'object',
        properties: {
          envelope: ANY_OBJECT,
          ack: {
            type: 'array',
            maxItems: 1000,
            items: { type: 'string', pattern: '^\\d{1,20}(-\\d{1,20})?$', description: 'an id of a message' },
          },
          max: { type: 'integer', minimum: 0, maximum: 100, description: 'messages at a time; default 20' },
        },
      },
      answer: {
        status: 200,
        description: 'The messages, oldest first',
        schema: {
          title: 'Messages',
          type: 'object',
          properties: { messages: { type: 'array', items: MESSAGE } },
          required: ['messages'],
        },
      },
      errors: [
        ...HELD,
        'PERMISSION_DENIED:ROLE_HOLDER',
        'REPLAY_DETECTED',
        'PARSE_FAILED:SYNTAX',
        'RECIPIENT_MISMATCH',
      ],
    },
    async ({ server, caller, params: { did }, body: { envelope, ack = [], max = 20 } }) => {
      const vault = vaultOf(server);
      await assertMayTouch(server, caller, { did });
      if (envelope) return { messages: [shown(await vault.receive(did, envelope as unknown as Envelope))] };
      if (ack.length > 0) await vault.acknowledge(did, ack);
      const waiting = max === 0 ? [] : await vault.waiting(did, max);
      return { messages: waiting.map(({ id, message }: WaitingMessage) => ({ id, ...shown(message) })) };
    },
  ),
] as const;

/** Its recipient would drop the message, and nobody would be told. Throws `SCOPE_DENIED`. */
async function assertMaySend({ storage }: ServerParts, did: string, scope: string): Promise<void> {
  const { sendScopes = [] } = (await storage.registry.lookup(did)) ?? {};
  if (!sendScopes.includes('*') && !sendScopes.includes(scope))
    throw new XlinkError('SCOPE_DENIED', { field: 'scope' });
}

function shown(message: AgentMessage) {
  const { sender, scope, version, encrypted, timestamp, envelopeId, inReplyTo, payload } = message;
  const content =
    payload instanceof Uint8Array
      ? { bytes: Buffer.from(payload).toString('base64url') }
      : payload === undefined
        ? {}
        : { payload };
  return {
    sender,
    scope,
    version,
    encrypted,
    timestamp,
    envelopeId,
    ...(inReplyTo === undefined ? {} : { inReplyTo }),
    ...content,
  };
}
