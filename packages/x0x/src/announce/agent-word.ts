import { utf8ToBytes } from '@noble/hashes/utils.js';
import { lengthPrefixed } from '../bridge/signed-text.js';
import { X0xError } from '../errors.js';
import { verifySignature, type X0xKeyPair } from '../identity/key-pair.js';
import type { IdentityAnnouncement } from '../layouts/announcement.js';

const LABEL = 'xlink/1 x0x announcement';
const CONTEXT = utf8ToBytes(LABEL);

/** What the agent signs beside its machine: an announcement as it travels. */
const bytesOf = (announcement: Uint8Array): Uint8Array => lengthPrefixed([LABEL, announcement]);

/**
 * The word of the agent for an announcement. In x0x the message around it is signed by the agent; here others pass it on, and a machine alone
 * could say of any agent that it is there, and show the certificate of its human.
 */
export const signAsAgent = (agent: X0xKeyPair, announcement: Uint8Array): Uint8Array =>
  agent.sign(bytesOf(announcement), CONTEXT);

/** Throws `ANNOUNCEMENT_INVALID:SIGNATURE` unless the agent of the announcement has signed it, too. */
export function assertAgentWord(
  { agentPublicKey }: IdentityAnnouncement,
  announcement: Uint8Array,
  signature: Uint8Array | undefined,
): void {
  const isGood =
    agentPublicKey && signature && verifySignature(agentPublicKey, bytesOf(announcement), signature, CONTEXT);
  if (!isGood) throw new X0xError('ANNOUNCEMENT_INVALID:SIGNATURE');
}
