import type { X0xId } from '../identity/ids.js';
import type { Contact, MachineRecord } from './contact.js';

/** Machines kept of one contact, beside those that are pinned: an agent can claim any number of them. */
const MOST = 32;

/** Whether a machine was revoked for everybody. */
export type RevokedMachine = (machineId: X0xId) => boolean;

/** Where a contact was seen. `now` in seconds since 1970. */
export interface Sighting {
  readonly machineId: X0xId;
  readonly label: string | undefined;
  readonly now: number;
  readonly isRevoked: RevokedMachine;
}

/** The contact with that machine. When there are too many, the one goes that was not seen for longest; the last revoked one stays. */
export function seenOn(contact: Contact, { machineId, label, now, isRevoked }: Sighting): Contact {
  const known = contact.machines.find((one) => one.machineId === machineId);
  const seen = known
    ? { ...known, lastSeen: now, label: label ?? known.label }
    : { machineId, label, firstSeen: now, lastSeen: now, pinned: false };
  const machines = [...contact.machines.filter((one) => one !== known), seen];
  return { ...contact, lastSeen: now, machines: limited(machines, isRevoked) };
}

function limited(machines: readonly MachineRecord[], isRevoked: RevokedMachine): readonly MachineRecord[] {
  const loose = machines.filter(({ pinned }) => !pinned);
  const excess = loose.length - MOST;
  if (excess <= 0) return machines;
  // While one of its machines is known to be revoked, the agent has to prove which one it is on.
  const lastRevoked = loose.findLast(({ machineId }) => isRevoked(machineId));
  const gone = new Set(loose.filter((one) => one !== lastRevoked).slice(0, excess));
  return machines.filter((one) => !gone.has(one));
}
