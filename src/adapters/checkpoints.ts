import { concat, equalBytes } from '../crypto/bytes.js';
import { toXlinkError, xlinkError } from '../errors/service-errors.js';
import type { AnswerSealer } from '../http/answer-head.js';
import type { InboundRequest, Sealing } from '../http/decision.js';
import { CHECKPOINT_SCOPE } from '../http/session-headers.js';
import { type Accepted, acceptCheckpoint } from '../session/checkpoint/accept.js';
import type { CheckpointRules, SessionCheckpoint } from '../session/checkpoint/ports.js';
import { countersignedPayload, readStatement } from '../session/checkpoint/statement.js';
import type { Sessions } from '../session/sessions.js';
import type { XlinkEvent } from '../types/events.js';
import type { AgentMessage } from '../types/protocol.js';
import { decodeBase64url, encodeBase64url } from '../util/base64url.js';
import { given } from '../util/given.js';
import type { AuthAttempt, Authenticator } from './authenticator.js';
import type { OwnAnswer, PrepareSealing } from './own-answer.js';
import { wantsSealedAnswer } from './sealed-answer.js';

export interface CheckpointParts {
  readonly authenticator: Authenticator;
  readonly sessions: Sessions;
  readonly rules: CheckpointRules;
  readonly emit: (event: XlinkEvent) => void;
}

/** A checkpoint as it came. */
interface Arrived {
  readonly message: AgentMessage;
  readonly transcript: Uint8Array;
  readonly content: Uint8Array;
  readonly envelope: Uint8Array;
}

/** The route on which callers sign what they sent in their sessions. */
export class Checkpoints {
  readonly #parts: CheckpointParts;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
  }

  /** It comes sealed, as an offer does, and so does its answer. Throws what is wrong with it. */
  async answer(request: InboundRequest, attempt: AuthAttempt, prepare: PrepareSealing): Promise<OwnAnswer> {
    const { authenticator } = this.#parts;
    const received = await authenticator.ownReceived(request, attempt, CHECKPOINT_SCOPE);
    const { message, transcript, content, envelopeBytes: envelope } = received;
    try {
      if (!message.encrypted || !transcript || !content || !envelope)
        throw xlinkError('SESSION_CHECKPOINT_INVALID', { field: 'payload' });
      return await this.#take({ message, transcript, content, envelope }, request, attempt, prepare);
    } catch (error) {
      this.#tell(attempt, message, toXlinkError(error).id);
      throw error;
    }
  }

  async #take(
    arrived: Arrived,
    request: InboundRequest,
    attempt: AuthAttempt,
    prepare: PrepareSealing,
  ): Promise<OwnAnswer> {
    const { sessions, rules } = this.#parts;
    const { message, content } = arrived;
    if (message.version < 2) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
    if (!wantsSealedAnswer(request)) throw xlinkError('SESSION_CHECKPOINT_INVALID', { field: 'accept' });
    await assertNamed(sessions, request, content);
    const sealing = await prepare(message);
    const accepted = await acceptCheckpoint(sessions, rules, arrived);
    const hand = async (countersignature: Uint8Array) => {
      await rules.onCheckpoint?.({
        ...checkpointOf(accepted, message),
        ...given({ client: attempt.client }),
        envelope: arrived.envelope,
        content,
        countersignature,
      });
      this.#tell(attempt, message, 'ok', accepted);
    };
    return { status: 200, value: countersignedPayload(accepted.reply), sealing: handedOver(sealing, hand) };
  }

  #tell(
    { client }: AuthAttempt,
    { sender: did, payload }: AgentMessage,
    reason: string,
    accepted?: Accepted,
  ) {
    const said = accepted?.statement ?? readStatement(payload);
    this.#parts.emit({
      type: 'session-checkpoint',
      did,
      ...given({ client, session: said && encodeBase64url(said.sid) }),
      outcome: accepted ? 'accepted' : 'refused',
      reason,
      requests: said?.leaves.length ?? 0,
      compared: accepted?.reply.compared ?? 0,
    });
  }
}

/** The target, which is signed in the open, names what is sealed: so the signature can be shown to others together with it. */
async function assertNamed(
  sessions: Sessions,
  { target }: InboundRequest,
  content: Uint8Array,
): Promise<void> {
  const { crypto } = (await sessions.context()).identity;
  const named = decodeBase64url(new URLSearchParams(target.split('?')[1]).get('content') ?? '');
  if (!named || !equalBytes(named, await crypto.sha256(content)))
    throw xlinkError('SESSION_CHECKPOINT_INVALID', { field: 'content' });
}

const checkpointOf = (
  { statement, reply, seen, at }: Accepted,
  { sender: did }: AgentMessage,
): Omit<SessionCheckpoint, 'envelope' | 'content' | 'countersignature'> => ({
  did,
  session: encodeBase64url(statement.sid),
  from: statement.from,
  to: statement.to,
  leaves: statement.leaves,
  compared: reply.compared,
  answers: seen.flatMap(({ seq, answer }) => (answer === undefined ? [] : [[seq, answer] as const])),
  previous: encodeBase64url(statement.previous),
  head: encodeBase64url(reply.head),
  at,
});

/** Hands the sealed answer over before it is sent. */
function handedOver(sealing: Sealing, hand: (answer: Uint8Array) => Promise<void>): Sealing {
  const inner = sealing.sealing!;
  const sealer: AnswerSealer = {
    ...inner,
    async begin(head, bytes, isFinal, canTrail) {
      const begun = await inner.begin(head, bytes, isFinal, canTrail);
      await hand(concat([...begun.parts]));
      return begun;
    },
  };
  return { ...sealing, sealing: sealer };
}
