import { DISCOVER_SCOPE, type DiscoveredAgent } from '../discovery/capability-statement.js';
import { isXlinkError, type XlinkError, xlinkError } from '../errors/service-errors.js';
import { untilAborted } from '../http/abort.js';
import type { Transport } from '../types/ports.js';
import type { Did, Envelope } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { receive } from './receive.js';
import { send } from './send.js';

/** One question to one agent, and what is heard of it. */
export interface Question {
  readonly to: Did;
  /** Nonces of the envelopes that it was sent in. */
  readonly nonces: Set<string>;
  /** Takes what may be the answer. Never rejects. */
  readonly hear: (envelope: Envelope) => Promise<void>;
  /** What the agent said; rejects where that is not good. */
  readonly answer: Promise<DiscoveredAgent>;
  readonly isAnswered: boolean;
  /** Why the last that came is no answer of this agent. */
  readonly failure: unknown;
}

/** A question; `read` makes something of the content of the answer, once that is known to be by the agent that was asked. */
export function questionTo(
  to: Did,
  context: AgentContext,
  read: (content: Uint8Array | undefined) => DiscoveredAgent,
): Question {
  const nonces = new Set<string>();
  let failure: unknown;
  let isAnswered = false;
  let settle: (said: Promise<DiscoveredAgent>) => void;
  const answer = new Promise<DiscoveredAgent>((resolve) => (settle = resolve));
  answer.catch(() => {}); // whoever waits for it is told
  const hear = async (envelope: Envelope) => {
    try {
      const content = await openReply(context, { to, nonces }, envelope);
      settle((async () => read(content))());
      isAnswered = true;
    } catch (error) {
      failure = error;
    }
  };
  return {
    to,
    nonces,
    hear,
    answer,
    get isAnswered() {
      return isAnswered;
    },
    get failure() {
      return failure;
    },
  };
}

/** Whether answers come back with the sending, and not as messages of their own. */
const bringsAnswers = ({ backlog, binding }: Transport): boolean =>
  backlog !== undefined || binding !== undefined;

/**
 * Sends the question over the first transport, and waits for the answer. What comes into a mailbox and is not by the agent does not end the
 * wait: anybody could put it there.
 */
export async function askOver(
  context: AgentContext,
  question: Question,
  isReceiving: boolean,
  over: AbortSignal,
): Promise<DiscoveredAgent> {
  const transport = context.transports[0]!;
  const heard: Promise<void>[] = [];
  const asking: Transport = {
    send: (envelope, to, again) => {
      question.nonces.add(envelope.nonce);
      const anew = async () => {
        const next = await again!();
        question.nonces.add(next.nonce);
        return next;
      };
      return transport.send(envelope, to, again && anew, (answer) => heard.push(question.hear(answer)));
    },
    onReceive: () => {},
    dispose: () => {},
    ...(transport.binding === undefined ? {} : { binding: transport.binding }),
  };
  try {
    const { to } = question;
    await send(
      { ...context, transports: [asking], shares: undefined },
      { to, scope: DISCOVER_SCOPE, payload: {} },
    );
  } catch (error) {
    throw meaningOf(error);
  }
  await Promise.all(heard);
  const comesLater = !bringsAnswers(transport);
  if (question.isAnswered || (comesLater && isReceiving)) return untilAborted(question.answer, over);
  const why = comesLater ? 'NOT_RECEIVING' : 'NOT_SUPPORTED';
  throw question.failure ?? xlinkError(`CAPABILITIES_UNAVAILABLE:${why}`);
}

/** One that knows no discovery refuses the scope. What it says is not signed, but it is not believed for more than that. */
function meaningOf(error: unknown): unknown {
  const { cause } = Object(error) as Partial<XlinkError>;
  return isXlinkError(cause) && cause.id === 'SCOPE_NOT_ALLOWED'
    ? xlinkError('CAPABILITIES_UNAVAILABLE:NOT_SUPPORTED', { cause })
    : error;
}

/** The content of an answer to this question, signed and sealed by who was asked. Throws what is wrong with it. */
async function openReply(
  context: AgentContext,
  { to, nonces }: Pick<Question, 'to' | 'nonces'>,
  envelope: Envelope,
): Promise<Uint8Array | undefined> {
  const { from, inReplyTo } = Object(envelope) as Partial<Envelope>;
  if (from !== to) throw xlinkError('CAPABILITIES_INVALID:OTHER_DID', { field: 'from' });
  if (!nonces.has(inReplyTo!)) throw xlinkError('ANSWER_INVALID', { field: 'inReplyTo' });
  const rules = { kind: 'message', ownScope: DISCOVER_SCOPE, inReplyTo: inReplyTo! } as const;
  return (await receive(context, envelope, rules)).content;
}
