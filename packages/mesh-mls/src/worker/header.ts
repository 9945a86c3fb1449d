import { createPrivateKey, sign } from 'node:crypto';
import type { ClientState } from 'ts-mls';
import { verifyEd25519 } from '../credential.js';
import { lengthPrefixed, u64, utf8 } from '../util/bytes.js';
import { checkOf, keyOf, membersOf } from './members.js';

const LABEL = utf8('xlink mls epoch check');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const transcript = (group: Uint8Array, epoch: bigint, check: Uint8Array): Uint8Array =>
  lengthPrefixed(LABEL, group, u64(Number(epoch)), check);

/**
 * The authenticated data of every message and commit: the check of the epoch, 16 bytes, and a signature of the sender over it, 64. It
 * can be read by members who cannot decrypt, because the delivery service led them into another epoch of the same number.
 */
export function headerOf(state: ClientState): Uint8Array {
  const { groupId, epoch } = state.groupContext;
  const check = checkOf(state);
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, state.signaturePrivateKey]),
    format: 'der',
    type: 'pkcs8',
  });
  return Buffer.concat([check, sign(null, transcript(groupId, epoch, check), key)]);
}

/** Whether a member proves that its epoch of this number is another one than ours. */
export function provesFork(
  state: ClientState,
  message: { readonly epoch: bigint; readonly authenticatedData: Uint8Array },
  by: string,
): boolean {
  const { groupId, epoch } = state.groupContext;
  const header = message.authenticatedData;
  if (message.epoch !== epoch || header.length !== 80) return false;
  const check = header.subarray(0, 16);
  if (Buffer.compare(check, checkOf(state)) === 0) return false;
  const sender = membersOf(state).find(({ did }) => did === by);
  const key = sender && keyOf(state, sender.leaf);
  return key !== undefined && verifyEd25519(key, transcript(groupId, epoch, check), header.subarray(16));
}
