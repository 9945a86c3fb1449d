import { EMPTY } from '../crypto/bytes.js';
import { type AnswerStart, type SealedAnswer, sealAnswer } from '../envelope/seal-answer.js';
import type { AgentMessage, Envelope } from '../types/protocol.js';
import { given } from '../util/given.js';
import type { AgentContext } from './context.js';
import { createEnvelope, prepareMessage } from './envelope.js';
import type { ClaimedEnvelope } from './receive.js';

/** Seals the beginning of an answer. `isFinal`: it is all of it. */
export type SealAnswer = (start: AnswerStart, isFinal: boolean) => Promise<SealedAnswer>;

/**
 * Prepares the answer to a request: for its sender, under its scope, bound to the same request. Scope lists do not apply, for
 * the sender asked for it. What can be refused is refused now, before anything is done that wants an answer.
 */
export async function prepareAnswer(agent: AgentContext, message: AgentMessage): Promise<SealAnswer> {
  const { sender: to, scope, request, envelopeId: inReplyTo } = message;
  const options = { to, content: EMPTY, scope, ...given({ request }) };
  const context = addressed(agent, message);
  const { identity, clock } = context;
  const { recipient, draft } = await prepareMessage(context, options, { kind: 'answer', inReplyTo });
  const keys = await recipient.peers.recipientKeys(recipient.peer, clock());
  return (start, isFinal) => sealAnswer(identity, keys, { ...draft, timestamp: clock() }, start, isFinal);
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
