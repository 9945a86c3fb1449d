import { scopesInForce } from '../checks/scope.js';
import {
  DISCOVER_SCOPE,
  type DiscoveredAgent,
  REFUSED,
  readStatement,
  statementOf,
} from '../discovery/capability-statement.js';
import { DEFAULT_TOOL_LIMITS, type Tool } from '../discovery/tool.js';
import { jsonContent } from '../envelope/plaintext.js';
import { ok, type Result } from '../errors/result.js';
import type { Arrival, Transport } from '../types/ports.js';
import type { AgentMessage, Did, Envelope } from '../types/protocol.js';
import type { AgentContext } from './context.js';
import { createEnvelope } from './envelope.js';

/** What an agent says of itself, and whether it does. */
export interface Offer {
  readonly name: string | undefined;
  readonly tools: readonly Tool[];
  readonly isDiscoverable: boolean;
}

/** Whether an envelope asks what an agent can do, or answers that, as far as it says so itself. */
export const isDiscovery = (envelope: unknown): boolean =>
  (Object(envelope) as Partial<Envelope>).scope === DISCOVER_SCOPE;

/** The answer to a question that was received: for who may send this agent anything at all. */
export async function answerTo(agent: AgentContext, question: AgentMessage, offer: Offer): Promise<Envelope> {
  const context = (question.recipient && agent.succession?.contextOf(question.recipient)) || agent;
  const { sender: to, envelopeId: inReplyTo } = question;
  const { entry } = await context.peers.resolve(to, 'sender');
  const maySend = scopesInForce(entry.sendScopes, context.receiveScopes).length > 0;
  const { name, tools, isDiscoverable } = offer;
  const payload = isDiscoverable && maySend ? statementOf(name, tools, context.clock()) : REFUSED;
  return createEnvelope(context, { to, scope: DISCOVER_SCOPE, inReplyTo, payload });
}

/** What an agent knows of itself. */
export const saidBy = (did: Did, { name, tools }: Offer, now: number): DiscoveredAgent =>
  readStatement(jsonContent(statementOf(name, tools, now)).bytes, {
    ...DEFAULT_TOOL_LIMITS,
    did,
    now,
    skewMs: 0,
    newest: undefined,
  });

/** Takes for a transport what is of discovery, as `onMessage` takes what is not. */
export type TakeDiscovery = (envelope: Envelope, arrival?: Arrival) => Promise<Result<unknown>>;

/** The part of an agent that takes part in discovery. */
export interface DiscoveryTaker {
  /** Whether it is one of its own DIDs; none is of an agent that was not used yet. */
  isFor(did: Did): Promise<boolean>;
  /** Receives a question; `request` is the HTTP request that brought it. */
  receive(question: Envelope, request: string | undefined): Promise<Result<AgentMessage>>;
  /** The answer to it. */
  answer(question: AgentMessage): Promise<Envelope>;
  /** Takes an answer. */
  hear(answer: Envelope): Promise<void>;
}

/** An answer goes back the way the question came: over HTTP in the response, if that is asked for, or not at all. */
export async function takeDiscovery(
  taker: DiscoveryTaker,
  transport: Transport,
  envelope: Envelope,
  { reply, request }: Arrival = {},
): Promise<Result<unknown>> {
  if (!(await taker.isFor(envelope.to))) return ok(undefined);
  if (envelope.inReplyTo !== undefined) return ok(await taker.hear(envelope));
  const received = await taker.receive(envelope, request);
  if (!received.ok) return received;
  try {
    const answer = await taker.answer(received.value);
    if (reply) reply(answer);
    else if (request === undefined) await transport.send(answer, answer.to);
  } catch {
    // who asked has no answer: it cannot be sealed, or sent
  }
  return received;
}
