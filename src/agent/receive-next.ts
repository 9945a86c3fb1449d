import type { Result } from '../errors/result.js';
import type { AgentMessage } from '../types/protocol.js';
import { answerBy, isShareOnly, type SigningReceiver } from './consume.js';
import type { Inbox } from './inbox.js';

/** Options of `agent.receiveNext()`. */
export interface ReceiveNextOptions {
  /** Accepts signed-only envelopes too. Default `false`. */
  readonly allowCleartext?: boolean;
  /** Ends the wait with `NETWORK_ERROR`. Default: it waits until there is a message. */
  readonly signal?: AbortSignal;
}

/** What a message of the backlog is refused with if it was received in another way before. */
const RECEIVED_BEFORE = ['REPLAY_DETECTED', 'TIMESTAMP_EXPIRED'];

/** The next message, or why it was refused. Waits on where an envelope brings a share and no message yet. */
export async function receiveNext(
  receiver: SigningReceiver,
  inbox: Inbox,
  { allowCleartext = false, signal }: ReceiveNextOptions,
): Promise<Result<AgentMessage>> {
  for (;;) {
    const { envelope, isOld, reply } = await inbox.next(signal);
    const received = await receiver.receive(envelope, { maxAgeMs: receiver.maxAgeMs, allowCleartext });
    if (received.ok) {
      if (reply) await answerBy(receiver, received.value, 'received', reply);
      return received;
    }
    if (isShareOnly(received.error) || (isOld && RECEIVED_BEFORE.includes(received.error.id))) continue;
    return received;
  }
}
