import type { ClientState } from 'ts-mls';
import { readIdentity } from '../credential.js';
import { GroupError } from '../errors.js';
import { suiteOf } from '../suites.js';
import { sha256, toText, utf8 } from '../util/bytes.js';
import type { GroupView, Member } from './protocol.js';

/** The members of a tree. Throws `CREDENTIAL_INVALID`. */
export function membersOf({ ratchetTree }: Pick<ClientState, 'ratchetTree'>): Member[] {
  const members: Member[] = [];
  for (let at = 0; at < ratchetTree.length; at += 2) {
    const node = ratchetTree[at];
    if (node?.nodeType === 'leaf') members.push({ did: didOf(node.leaf.credential), leaf: at / 2 });
  }
  return members;
}

/** Throws `CREDENTIAL_INVALID`. */
export function didOf(credential: {
  readonly credentialType: string;
  readonly identity?: Uint8Array;
}): string {
  const read =
    credential.credentialType === 'basic' && credential.identity && readIdentity(credential.identity);
  if (!read) throw new GroupError('CREDENTIAL_INVALID');
  return read.did;
}

/** The signature key of a member. */
export function keyOf({ ratchetTree }: ClientState, leaf: number): Uint8Array | undefined {
  const node = ratchetTree[leaf * 2];
  return node?.nodeType === 'leaf' ? node.leaf.signaturePublicKey : undefined;
}

/** 16 bytes that all members of one epoch have in common. */
export const checkOf = (state: ClientState): Uint8Array =>
  sha256(utf8('xlink mls epoch check'), state.keySchedule.epochAuthenticator).subarray(0, 16);

/** What a state says in the open. */
export function viewOf(state: ClientState): GroupView {
  const { groupId, epoch, cipherSuite } = state.groupContext;
  const members = membersOf(state);
  const asked = Object.values(state.unappliedProposals).flatMap(({ proposal }) =>
    proposal.proposalType === 'remove' ? [proposal.remove.removed] : [],
  );
  return {
    group: toText(groupId),
    suite: suiteOf(cipherSuite),
    epoch: Number(epoch),
    members,
    leaving: members.filter(({ leaf }) => asked.includes(leaf)).map(({ did }) => did),
    check: toText(checkOf(state)),
    isActive: state.groupActiveState.kind === 'active',
  };
}

/** Who came and who went. */
export function difference(before: readonly Member[], after: readonly Member[]) {
  const added = after.filter(({ did }) => before.every((one) => one.did !== did));
  const removed = before.filter(({ did }) => after.every((one) => one.did !== did));
  return { added: added.map(({ did }) => did), removed: removed.map(({ did }) => did) };
}

/**
 * What the library leaves to the application: no DID twice, and a leaf that stays keeps its DID. `freed`: leaves that the commit
 * removed by name. Throws `CREDENTIAL_INVALID…`.
 */
export function assertMembers(
  before: readonly Member[],
  after: readonly Member[],
  freed: ReadonlySet<number>,
): void {
  if (new Set(after.map(({ did }) => did)).size < after.length)
    throw new GroupError('CREDENTIAL_INVALID:TWICE');
  for (const { did, leaf } of after) {
    const was = before.find((one) => one.leaf === leaf);
    if (was && was.did !== did && !freed.has(leaf)) throw new GroupError('CREDENTIAL_INVALID:CHANGED');
  }
}
