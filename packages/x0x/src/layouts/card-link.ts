import { Buffer } from 'node:buffer';
import { X0xError } from '../errors.js';
import { bytesOfHex } from '../util/hex.js';
import type { AgentCard, DmCapabilities } from './card.js';

const PREFIX = 'x0x://agent/';

/** A longer link is refused before it is decoded: 256 KiB. */
export const MAX_CARD_LINK = 256 * 1024;

/** The order in which x0x writes the members of a card. */
const MEMBERS = [
  'display_name',
  'agent_id',
  'machine_id',
  'user_id',
  'addresses',
  'groups',
  'stores',
  'created_at',
  'dm_capabilities',
  'agent_public_key',
  'signature',
  'xlink',
] as const;

/** `x0x://agent/` and the card as JSON in base64url. What is absent, and empty lists of groups and stores, are left out. */
export function encodeCardLink(card: AgentCard): string {
  const isWritten = (name: (typeof MEMBERS)[number]) =>
    card[name] !== undefined && !((name === 'groups' || name === 'stores') && card[name].length === 0);
  const members = MEMBERS.filter(isWritten).map((name) => [name, card[name]]);
  return PREFIX + Buffer.from(JSON.stringify(Object.fromEntries(members))).toString('base64url');
}

/** Reads a link, or its base64url alone; who signed it is not asked. Throws `CARD_INVALID…`, which holds nothing of it. */
export function decodeCardLink(link: string): AgentCard {
  if (typeof link !== 'string') throw new X0xError('CARD_INVALID');
  if (link.length > MAX_CARD_LINK) throw new X0xError('CARD_INVALID:TOO_LARGE');
  const text = link.trim();
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  if (!/^[\w-]+$/.test(encoded)) throw new X0xError('CARD_INVALID');
  let value: unknown;
  try {
    value = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64url')),
    );
  } catch {
    throw new X0xError('CARD_INVALID'); // the message of JSON.parse quotes what it read
  }
  return cardIn(value);
}

type Members = Readonly<Record<string, unknown>>;

function cardIn(value: unknown): AgentCard {
  const card = membersOf(value, 'card');
  const optional = <T>(name: string, read: (value: unknown, field: string) => T) => {
    const member = card[name];
    return member === undefined || member === null ? {} : { [name]: read(member, name) };
  };
  return {
    display_name: textOf(card['display_name'], 'display_name'),
    agent_id: idIn(card['agent_id'], 'agent_id'),
    machine_id: idIn(card['machine_id'], 'machine_id'),
    ...optional('user_id', idIn),
    addresses: listOf(card['addresses'] ?? [], 'addresses').map((one) => textOf(one, 'addresses')),
    groups: pairsOf(card['groups'] ?? [], 'groups', 'name', 'invite_link'),
    stores: pairsOf(card['stores'] ?? [], 'stores', 'name', 'topic'),
    created_at: countOf(card['created_at'], 'created_at'),
    ...optional('dm_capabilities', capabilitiesIn),
    ...optional('agent_public_key', textOf),
    ...optional('signature', textOf),
    ...optional('xlink', (member) => member),
  };
}

function capabilitiesIn(value: unknown, field: string): DmCapabilities {
  const members = membersOf(value, field);
  const inbox = members['gossip_inbox'];
  if (typeof inbox !== 'boolean') throw wrong(field);
  const key = listOf(members['kem_public_key'] ?? [], field).map((one) => countOf(one, field, 255));
  return {
    max_protocol_version: countOf(members['max_protocol_version'], field, 65_535),
    gossip_inbox: inbox,
    kem_algorithm: textOf(members['kem_algorithm'], field),
    max_envelope_bytes: countOf(members['max_envelope_bytes'], field),
    kem_public_key: key,
  };
}

const wrong = (field: string) => new X0xError('CARD_INVALID', { field });

function membersOf(value: unknown, field: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field);
  return value as Members;
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw wrong(field);
  return value;
}

function countOf(value: unknown, field: string, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most) throw wrong(field);
  return value as number;
}

/** Signed as it is written, so capitals are not made small. */
function idIn(value: unknown, field: string): string {
  if (!bytesOfHex(value, 32) || value !== (value as string).toLowerCase()) throw wrong(field);
  return value as string;
}

function listOf(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(field);
  return value;
}

const pairsOf = <A extends string, B extends string>(value: unknown, field: string, a: A, b: B) =>
  listOf(value, field).map((one) => {
    const members = membersOf(one, field);
    return { [a]: textOf(members[a], field), [b]: textOf(members[b], field) } as Record<A | B, string>;
  });
