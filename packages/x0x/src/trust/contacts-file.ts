import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import type { Contact, IdentityType, LocalRevocation, MachineRecord } from './contact.js';
import { parseTrustLevel } from './levels.js';

// `contacts.json` as x0x writes it: ids are lists of 32 numbers, what is not known is null.

/** What the file holds. */
export interface ContactsFile {
  readonly contacts: readonly Contact[];
  readonly revocations: readonly LocalRevocation[];
}

const TYPES: readonly IdentityType[] = ['anonymous', 'known', 'trusted', 'pinned'];

/** The text of the file. */
export function encodeContacts({ contacts, revocations }: ContactsFile): string {
  const file = {
    contacts: contacts.map((contact) => ({
      agent_id: numbersOf(contact.agentId),
      trust_level: contact.trustLevel,
      label: contact.label ?? null,
      added_at: contact.addedAt,
      last_seen: contact.lastSeen ?? null,
      identity_type: contact.identityType,
      machines: contact.machines.map((machine) => ({
        machine_id: numbersOf(machine.machineId),
        label: machine.label ?? null,
        first_seen: machine.firstSeen,
        last_seen: machine.lastSeen,
        pinned: machine.pinned,
      })),
      ...(contact.dmCapabilities ? { dm_capabilities: contact.dmCapabilities } : {}),
    })),
    revocations: revocations.map((revocation) => ({
      agent_id: numbersOf(revocation.agentId),
      reason: revocation.reason,
      timestamp: revocation.timestamp,
      revoker_id: revocation.revokerId === undefined ? null : numbersOf(revocation.revokerId),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads the file. Throws `CONTACTS_DAMAGED`: an empty list in its place would block nobody. */
export function decodeContacts(text: string): ContactsFile {
  try {
    const { contacts, revocations = [] } = JSON.parse(text);
    return { contacts: onlyOnce(contacts.map(contactIn)), revocations: revocations.map(revocationIn) };
  } catch {
    throw new X0xError('CONTACTS_DAMAGED'); // the message of JSON.parse quotes what it read
  }
}

type Json = Readonly<Record<string, unknown>>;

const contactIn = (json: Json): Contact => ({
  agentId: idIn(json['agent_id']),
  trustLevel: parseTrustLevel(json['trust_level']),
  label: optionalText(json['label']),
  addedAt: timeIn(json['added_at']),
  lastSeen: json['last_seen'] == null ? undefined : timeIn(json['last_seen']),
  identityType: typeIn(json['identity_type'] ?? 'anonymous'),
  machines: onlyOnce(((json['machines'] ?? []) as Json[]).map(machineIn)),
  ...(json['dm_capabilities'] == null
    ? {}
    : { dmCapabilities: json['dm_capabilities'] as NonNullable<Contact['dmCapabilities']> }),
});

const machineIn = (json: Json): MachineRecord => ({
  machineId: idIn(json['machine_id']),
  label: optionalText(json['label']),
  firstSeen: timeIn(json['first_seen']),
  lastSeen: timeIn(json['last_seen']),
  pinned: json['pinned'] === true,
});

const revocationIn = (json: Json): LocalRevocation => ({
  agentId: idIn(json['agent_id']),
  reason: String(json['reason']),
  timestamp: timeIn(json['timestamp']),
  revokerId: json['revoker_id'] == null ? undefined : idIn(json['revoker_id']),
});

/** Of two entries about one agent or machine the laxer one must not win. */
function onlyOnce<T extends { readonly agentId: X0xId } | { readonly machineId: X0xId }>(entries: T[]): T[] {
  const ids = entries.map((entry) => ('agentId' in entry ? entry.agentId : entry.machineId));
  if (new Set(ids).size < ids.length) throw new TypeError('twice');
  return entries;
}

const numbersOf = (id: X0xId): number[] => [...hexToBytes(id)];

function idIn(value: unknown): X0xId {
  const isId =
    Array.isArray(value) &&
    value.length === 32 &&
    value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
  if (!isId) throw new TypeError('no id');
  return bytesToHex(Uint8Array.from(value));
}

/** What an operator reads as pinned must not be taken for anything weaker. */
function typeIn(value: unknown): IdentityType {
  if (!TYPES.includes(value as IdentityType)) throw new TypeError('no identity type');
  return value as IdentityType;
}

function timeIn(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError('no time');
  return value as number;
}

const optionalText = (value: unknown): string | undefined => (value == null ? undefined : String(value));
