import type { SignedRequest } from '../signature/signed-request.js';
import type { AgentMessage } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { anySigner, type Introduction } from './introduction.js';
import type { ReceiveRules } from './receive.js';
import { receiveSigned } from './receive-signed.js';

/** As `receiveIntroduction`, of a request that is signed in the place of an envelope. */
export async function receiveSignedIntroduction(
  context: AgentContext,
  signed: SignedRequest,
  { scope, ...hear }: Pick<Introduction, 'scope'> & Pick<ReceiveRules, 'admit' | 'onClaimed'>,
): Promise<AgentMessage> {
  const { message } = await receiveSigned(context, signed, { ownScope: scope, ...hear }, anySigner(context));
  return message;
}
