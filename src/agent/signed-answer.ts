import { type SignAnswer, signAnswer } from '../signature/sign-answer.js';
import type { SignedRequest } from '../signature/signed-request.js';
import type { AgentContext } from './context.js';

/** Prepares the signed answer to a signed request, by the identity that was asked. */
export function prepareSignedAnswer(agent: AgentContext, request: SignedRequest): SignAnswer {
  const { identity, clock } = agent.succession?.contextOf(request.to) ?? agent;
  return (...answer) => signAnswer(identity, request, clock(), ...answer);
}
