import type { X0xId } from '../identity/ids.js';
import type { Contact } from './contact.js';

/** What comes of an agent on a machine, in the words of x0x. */
export type TrustDecision =
  | 'Accept'
  | 'AcceptWithFlag'
  | 'RejectMachineMismatch'
  | 'RejectBlocked'
  | 'Unknown';

/**
 * Decides about an agent on a machine. `machineId` `undefined`: the machine is not known, which for a pinned contact is a wrong one.
 *
 * | in this order | decision |
 * |---|---|
 * | blocked | `RejectBlocked` |
 * | pinned, another machine | `RejectMachineMismatch` |
 * | pinned, one of its machines | `Accept` |
 * | trusted | `Accept` |
 * | known | `AcceptWithFlag` |
 * | anything else, and no contact | `Unknown` |
 */
export function evaluateTrust(contact: Contact | undefined, machineId: X0xId | undefined): TrustDecision {
  if (!contact) return 'Unknown';
  if (contact.trustLevel === 'blocked') return 'RejectBlocked';
  if (contact.identityType === 'pinned') {
    const isPinned = contact.machines.some((machine) => machine.pinned && machine.machineId === machineId);
    return isPinned ? 'Accept' : 'RejectMachineMismatch';
  }
  if (contact.trustLevel === 'trusted') return 'Accept';
  return contact.trustLevel === 'known' ? 'AcceptWithFlag' : 'Unknown';
}

/** Whether a decision refuses. */
export const isRejected = (decision: TrustDecision): decision is 'RejectMachineMismatch' | 'RejectBlocked' =>
  decision === 'RejectBlocked' || decision === 'RejectMachineMismatch';
