import { equalBytes, lengthPrefixed } from '../../crypto/bytes.js';
import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import type { ErrorId } from '../../errors/table.js';
import type { AgentMessage } from '../../types/protocol.js';
import { encodeBase64url } from '../../util/base64url.js';
import { MAX_SEQUENCE, SID_BYTES } from '../protocol.js';
import { claim } from '../receive.js';
import type { Sessions } from '../sessions.js';
import type { TicketState } from '../ticket/layout.js';
import type { CheckpointLimits } from './limits.js';
import type { CheckpointRules, LeafStore, SeenLeaf } from './ports.js';
import { type CheckpointStatement, type Countersigned, readStatement } from './statement.js';

/** A verified envelope with what should be a statement. */
export interface SignedStatement {
  readonly message: AgentMessage;
  /** What its signatures cover. */
  readonly transcript: Uint8Array;
}

/** A statement that holds, as far as it can be told here. */
export interface Accepted {
  readonly statement: CheckpointStatement;
  readonly reply: Countersigned;
  /** What the service saw of it. */
  readonly seen: readonly SeenLeaf[];
  /** ms since 1970. */
  readonly at: number;
}

const lie = (id: ErrorId & `SESSION_CHECKPOINT_INVALID:${string}`, field: string) =>
  xlinkError(id, { field });

/**
 * Takes what a caller signed of its session. Its ticket says what was signed before; of two that follow the same one, the first counts.
 * Throws `SESSION_CHECKPOINT_INVALID…`, `SESSION_UNKNOWN…`, `SESSION_EXPIRED`, `VERSION_TOO_LOW`, or that a store is away.
 */
export async function acceptCheckpoint(
  sessions: Sessions,
  { limits, leaves }: CheckpointRules,
  { message, transcript }: SignedStatement,
): Promise<Accepted> {
  const statement = readStatement(message.payload);
  if (!statement) throw xlinkError('SESSION_CHECKPOINT_INVALID', { field: 'payload' });
  const state = await sessions.stateOf(statement.ticket);
  try {
    const { clock } = sessions.rules;
    if (clock() > state.notAfter) throw xlinkError('SESSION_EXPIRED', { field: 'ticket' });
    assertOf(state, statement, message);
    assertNumbers(state, statement, limits);
    if (!equalBytes(statement.previous, state.mark.head))
      throw lie('SESSION_CHECKPOINT_INVALID:PREVIOUS', 'previous');
    await claimPlace(sessions, state, message);
    const seen = leaves ? await compare(leaves, statement) : [];
    const at = clock();
    const { crypto } = (await sessions.context()).identity;
    const head = await crypto.sha256(transcript);
    const { sid, to } = statement;
    const mark = { next: to, count: state.mark.count + 1, at, head };
    const ticket = await sessions.renew({ ...state, mark });
    return { statement, at, seen, reply: { sid, to, head, compared: seen.length, ticket } };
  } finally {
    state.master.fill(0);
  }
}

/** The one who opened the session, to the one it is with, and signed as strongly as then. */
function assertOf(
  { sid, from, version }: TicketState,
  statement: CheckpointStatement,
  { sender, version: signed }: AgentMessage,
): void {
  if (sender !== from) throw lie('SESSION_CHECKPOINT_INVALID:OTHER_SESSION', 'ticket');
  if (!equalBytes(sid, statement.sid)) throw lie('SESSION_CHECKPOINT_INVALID:OTHER_SESSION', 'sid');
  if (signed < version) throw xlinkError('VERSION_TOO_LOW', { field: 'version' });
}

/** Each number once, in order, from where the last checkpoint ended, and none that could not have been used. */
function assertNumbers(
  { mark: { next, count } }: TicketState,
  { from, to, leaves }: CheckpointStatement,
  { requests }: CheckpointLimits,
): void {
  if (from !== next) throw lie('SESSION_CHECKPOINT_INVALID:NUMBERS', 'from');
  if (to < from || to - from > requests || count >= MAX_SEQUENCE)
    throw lie('SESSION_CHECKPOINT_INVALID:NUMBERS', 'to');
  if (leaves.length !== to - from || leaves.some(([seq], i) => seq !== from + i))
    throw lie('SESSION_CHECKPOINT_INVALID:NUMBERS', 'leaves');
}

/** The place of a checkpoint in its session, for as long as that is good: claimed as a number of a request is, in a space of its own. */
async function claimPlace(
  sessions: Sessions,
  { sid, from, to, notAfter, mark }: TicketState,
  { timestamp }: AgentMessage,
): Promise<void> {
  const own = await sessions.context();
  const context = own.succession?.contextOf(to) ?? own;
  const place = await context.identity.crypto.sha256(lengthPrefixed(['xlink/1 session checkpoint', sid]));
  const use = {
    sender: from,
    sid: encodeBase64url(place.subarray(0, SID_BYTES)),
    seq: mark.count,
    timestamp,
  };
  const { sequences, clock } = sessions.rules;
  try {
    await claim(context, sequences, use, notAfter - clock());
  } catch (error) {
    if (isXlinkError(error) && error.id === 'REPLAY_DETECTED')
      throw lie('SESSION_CHECKPOINT_INVALID:REPEATED', 'previous');
    throw error;
  }
}

/** What was seen, which is what was signed. */
async function compare(
  store: LeafStore,
  { sid, from, to, leaves }: CheckpointStatement,
): Promise<readonly SeenLeaf[]> {
  try {
    const seen = await store.take(encodeBase64url(sid), from, to);
    for (const { seq, leaf, answered } of seen) {
      const signed = leaves[seq - from]?.[1];
      if (signed !== leaf && (answered === undefined || signed !== answered))
        throw lie('SESSION_CHECKPOINT_INVALID:LEAF', 'leaves');
    }
    return seen;
  } catch (cause) {
    throw isXlinkError(cause) ? cause : xlinkError('SESSION_STORE_UNAVAILABLE', { cause });
  }
}
