import type { X0xId } from '../identity/ids.js';
import type { DmCapabilities } from '../layouts/card.js';
import type { TrustLevel } from './levels.js';

/** Whether the machines of a contact matter: with `pinned` only those that are pinned are taken. */
export type IdentityType = 'anonymous' | 'known' | 'trusted' | 'pinned';

/** A machine that an agent was seen on. Times are seconds since 1970. */
export interface MachineRecord {
  /** The machine. */
  readonly machineId: X0xId;
  /** A name for people. */
  readonly label: string | undefined;
  /** When it was first seen. */
  readonly firstSeen: number;
  /** When it was last seen. */
  readonly lastSeen: number;
  /** Whether it is among those that are taken. */
  readonly pinned: boolean;
}

/** What is decided about an agent. Times are seconds since 1970. */
export interface Contact {
  /** The agent. */
  readonly agentId: X0xId;
  /** What it may do. */
  readonly trustLevel: TrustLevel;
  /** A name for people, from its card. */
  readonly label: string | undefined;
  /** When it was added. */
  readonly addedAt: number;
  /** When it was last heard of; `undefined`: never. */
  readonly lastSeen: number | undefined;
  /** Whether its machines matter. */
  readonly identityType: IdentityType;
  /** Where it was seen. */
  readonly machines: readonly MachineRecord[];
  /** From its card. */
  readonly dmCapabilities?: DmCapabilities | undefined;
}

/** That an operator revoked an agent here, for good. */
export interface LocalRevocation {
  /** The agent. */
  readonly agentId: X0xId;
  /** Why. */
  readonly reason: string;
  /** When, in seconds since 1970. */
  readonly timestamp: number;
  /** On whose word; `undefined`: not said. */
  readonly revokerId: X0xId | undefined;
}

/** A contact of whom nothing is known. */
export const newContact = (agentId: X0xId, now: number): Contact => ({
  agentId,
  trustLevel: 'unknown',
  label: undefined,
  addedAt: now,
  lastSeen: undefined,
  identityType: 'anonymous',
  machines: [],
});

/** A level that is known or trusted is of somebody: `anonymous` becomes `known`, as x0x has it. */
export const named = (contact: Contact): Contact =>
  contact.identityType === 'anonymous' && (contact.trustLevel === 'known' || contact.trustLevel === 'trusted')
    ? { ...contact, identityType: 'known' }
    : contact;

/** The last pin that goes takes the rule with it. */
export const unpinned = (contact: Contact): Contact =>
  contact.identityType === 'pinned' && !contact.machines.some(({ pinned }) => pinned)
    ? { ...contact, identityType: 'known' }
    : contact;
