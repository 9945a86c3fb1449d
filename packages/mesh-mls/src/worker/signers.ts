import {
  type CiphersuiteImpl,
  type ClientState,
  type MLSMessage,
  type PublicMessage,
  type Welcome,
  zeroOutUint8Array,
} from 'ts-mls';
import { decryptSenderData } from 'ts-mls/privateMessage.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import { GroupError } from '../errors.js';
import { toBytes } from '../util/bytes.js';
import { didOf, membersOf } from './members.js';
import type { OwnKeyPackage } from './protocol.js';

// The library verifies who signed what, and does not say who it was. What the server says about it is not proven.

/** The member who signed a welcome that was joined by: the committer (RFC 9420, 12.4.3.1). Throws `WELCOME_INVALID`. */
export async function signerOfWelcome(
  welcome: Welcome,
  ours: OwnKeyPackage,
  joined: ClientState,
  impl: CiphersuiteImpl,
): Promise<string> {
  const key = await impl.hpke.importPrivateKey(ours.initKey);
  const secrets = await decryptGroupSecrets(key, toBytes(ours.ref), welcome, impl.hpke);
  if (!secrets) throw new GroupError('WELCOME_INVALID');
  const noPsk = new Uint8Array(impl.kdf.size); // joining allows none
  const info = await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, impl);
  zeroOutUint8Array(secrets.joinerSecret);
  const signer = membersOf(joined).find(({ leaf }) => leaf === info?.signer);
  if (!signer) throw new GroupError('WELCOME_INVALID');
  return signer.did;
}

/**
 * The member who made a commit that was verified: its leaf stands in the encrypted sender data, or for a commit in the open it is the one
 * who joins by it. Throws `COMMIT_INVALID`.
 */
export async function signerOfCommit(
  message: MLSMessage,
  before: ClientState,
  impl: CiphersuiteImpl,
): Promise<string> {
  if (message.wireformat === 'mls_public_message') {
    const { sender } = message.publicMessage.content;
    if (sender.senderType === 'new_member_commit') return joiner(message.publicMessage.content);
    return memberAt(before, sender.senderType === 'member' ? sender : undefined);
  }
  if (message.wireformat !== 'mls_private_message') throw new GroupError('COMMIT_INVALID');
  const { senderDataSecret } = before.keySchedule;
  return memberAt(before, await decryptSenderData(message.privateMessage, senderDataSecret, impl));
}

function memberAt(state: ClientState, sender: { readonly leafIndex: number } | undefined): string {
  const member = membersOf(state).find(({ leaf }) => leaf === sender?.leafIndex);
  if (!member) throw new GroupError('COMMIT_INVALID');
  return member.did;
}

/** Who joins by a commit, for the first time or anew: the leaf of its path. */
function joiner(content: PublicMessage['content']): string {
  const leaf = content.contentType === 'commit' ? content.commit.path?.leafNode : undefined;
  if (!leaf) throw new GroupError('COMMIT_INVALID');
  return didOf(leaf.credential);
}
