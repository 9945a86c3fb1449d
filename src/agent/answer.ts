import type { AgentMessage, Envelope } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { createEnvelope } from './envelope.js';
import type { ClaimedEnvelope } from './receive.js';

/**
 * Makes the envelope that answers a message: for its sender, under its scope, bound to the same request. Scope lists do
 * not apply, for the sender asked for it.
 */
export function createAnswer(
  agent: AgentContext,
  message: AgentMessage,
  payload: unknown,
): Promise<Envelope> {
  const { sender: to, scope, request, envelopeId: inReplyTo } = message;
  const options = { to, payload, scope, ...(request === undefined ? {} : { request }) };
  return createEnvelope(addressed(agent, message), options, { kind: 'answer', inReplyTo });
}

/** Makes the refusal of a request whose nonce was claimed: signed only, so that its sender knows that the service refused it. */
export function createRefusal(
  agent: AgentContext,
  claimed: ClaimedEnvelope,
  problem: unknown,
): Promise<Envelope> {
  const { sender: to, scope, request, envelopeId: inReplyTo } = claimed;
  const options = { to, payload: problem, scope, request: request!, signedOnly: true };
  return createEnvelope(addressed(agent, claimed), options, { kind: 'refusal', inReplyTo });
}

/** Who was asked answers, also while another identity takes its place. */
const addressed = (agent: AgentContext, { recipient }: ClaimedEnvelope): AgentContext =>
  (recipient === undefined ? undefined : agent.succession?.contextOf(recipient)) ?? agent;
