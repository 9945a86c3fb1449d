import {
  type CiphersuiteImpl,
  type ClientState,
  decodeMlsMessage,
  emptyPskIndex,
  type IncomingMessageCallback,
  type PrivateMessage,
  processMessage,
} from 'ts-mls';
import { GroupError, isGroupError } from '../errors.js';
import { provesFork } from './header.js';
import { assertMembers, difference, membersOf } from './members.js';
import type { LogEntry, Taken } from './protocol.js';
import { signerOfCommit } from './signers.js';

/** What came of one entry. */
export interface Step {
  readonly state: ClientState;
  readonly taken: Taken;
  readonly spent: readonly Uint8Array[];
}

/** Errors after which the group cannot go on, or not now; all others concern one message. */
const FATAL = new Set([
  'COMMIT_INVALID',
  'CREDENTIAL_INVALID',
  'CREDENTIAL_INVALID:CHANGED',
  'CREDENTIAL_INVALID:TWICE',
  'MEMBER_UNKNOWN',
  'GROUP_FORKED',
  'REGISTRY_UNAVAILABLE',
]);

/** Whether an error ends the reading of a log. */
export const isFatal = (id: string): boolean => FATAL.has(id);

/** Takes one entry of the log. Throws a `GroupError`. */
export async function takeEntry(
  state: ClientState,
  entry: LogEntry,
  impl: CiphersuiteImpl,
  external: boolean,
): Promise<Step> {
  const isCommit = entry.kind === 'commit';
  const message = decodedMessage(entry.bytes, isCommit);
  const epoch =
    message.wireformat === 'mls_public_message'
      ? message.publicMessage.content.epoch
      : message.privateMessage.epoch;
  const isLate = epoch < state.groupContext.epoch;
  const isReadable = isLate
    ? !isCommit && state.historicalReceiverData.has(epoch)
    : epoch === state.groupContext.epoch;
  if (!isReadable) throw new GroupError('MESSAGE_INVALID:EPOCH');
  if (message.wireformat === 'mls_public_message' && !(isCommit && external))
    throw new GroupError('COMMIT_INVALID');

  const freed = new Set<number>();
  let leaving: number | undefined;
  const judge: IncomingMessageCallback = (incoming) => {
    if (incoming.kind === 'proposal') {
      // The one proposal that travels alone: a member asks to be removed.
      const { proposal, senderLeafIndex } = incoming.proposal;
      if (proposal.proposalType !== 'remove' || proposal.remove.removed !== senderLeafIndex) return 'reject';
      if (isPendingRemoval(state, senderLeafIndex)) return 'reject';
      leaving = senderLeafIndex;
      return 'accept';
    }
    for (const { proposal } of incoming.proposals) {
      const { proposalType } = proposal;
      if (proposalType === 'remove') freed.add(proposal.remove.removed);
      else if (
        proposalType === 'external_init' ? !external : proposalType !== 'add' && proposalType !== 'update'
      )
        return 'reject';
    }
    return 'accept';
  };

  const before = membersOf(state);
  const result = await processMessage(message, state, emptyPskIndex, judge, impl).catch((cause: unknown) => {
    throw failureOf(
      cause,
      state,
      entry,
      message.wireformat === 'mls_private_message' ? message.privateMessage : undefined,
    );
  });
  const { seq } = entry;
  if (result.kind === 'applicationMessage') {
    if (entry.kind !== 'message') throw new GroupError('MESSAGE_INVALID');
    const from = senderOf(state, result.newState, epoch);
    const taken = { kind: 'message', seq, from, epoch: Number(epoch), data: result.message } as const;
    return { state: result.newState, taken, spent: result.consumed };
  }
  if (result.actionTaken === 'reject') throw new GroupError(isCommit ? 'COMMIT_INVALID' : 'MESSAGE_INVALID');
  if (!isCommit) {
    const did = before.find(({ leaf }) => leaf === leaving)?.did;
    if (did === undefined || result.newState.groupContext.epoch !== state.groupContext.epoch)
      throw new GroupError('MESSAGE_INVALID');
    return { state: result.newState, taken: { kind: 'leaving', seq, did }, spent: result.consumed };
  }
  const after = membersOf(result.newState);
  assertMembers(before, after, freed);
  const changes = difference(before, after);
  const by = await signerOfCommit(message, state, impl);
  const taken = { kind: 'epoch', seq, by, ...changes } as const;
  return { state: result.newState, taken, spent: result.consumed };
}

function decodedMessage(bytes: Uint8Array, isCommit: boolean) {
  const bad = (cause?: unknown) => new GroupError(isCommit ? 'COMMIT_INVALID' : 'MESSAGE_INVALID', { cause });
  try {
    const [message, length] = decodeMlsMessage(bytes, 0) ?? [];
    if (!message || length !== bytes.length) throw bad();
    const isKnown =
      message.wireformat === 'mls_private_message' || message.wireformat === 'mls_public_message';
    if (!isKnown) throw bad();
    return message;
  } catch (cause) {
    throw isGroupError(cause) ? cause : bad(cause);
  }
}

export const isPendingRemoval = (state: ClientState, leaf: number | undefined): boolean =>
  Object.values(state.unappliedProposals).some(
    ({ proposal }) => proposal.proposalType === 'remove' && proposal.remove.removed === leaf,
  );

/** The library does not say who sent a message, but whose ratchet it turned. */
function senderOf(before: ClientState, after: ClientState, epoch: bigint): string {
  const treeOf = (state: ClientState) =>
    epoch === state.groupContext.epoch ? state : state.historicalReceiverData.get(epoch)!;
  const [old, now] = [treeOf(before), treeOf(after)];
  const at = now.secretTree.findIndex((node, index) => node !== old.secretTree[index]);
  const member = membersOf(old).find(({ leaf }) => leaf * 2 === at);
  if (!member) throw new GroupError('MESSAGE_INVALID');
  return member.did;
}

function failureOf(
  cause: unknown,
  state: ClientState,
  { kind, by }: LogEntry,
  message: PrivateMessage | undefined,
): GroupError {
  if (isGroupError(cause)) return cause;
  if (message && provesFork(state, message, by)) return new GroupError('GROUP_FORKED', { cause });
  if (kind === 'commit') return new GroupError('COMMIT_INVALID', { cause });
  const isReplay = /gen in the past/.test((cause as Error)?.message ?? '');
  return new GroupError(isReplay ? 'MESSAGE_INVALID:REPLAYED' : 'MESSAGE_INVALID', { cause });
}
