import { X0xError } from '../errors.js';
import type { AgentCard } from './card.js';

/** UTF-16 units of a name of an agent at most. */
const MOST_NAME = 256;
/** Of an address, a name of a group or store, and a topic. */
const MOST_TEXT = 512;
/** Of a link that invites to a group. */
const MOST_LINK = 8192;
/** Addresses, groups and stores, of each. */
const MOST_ENTRIES = 64;
/** Bytes of a key for direct messages of x0x: one of ML-KEM-768 has 1184. */
const MOST_KEY = 2048;

/**
 * Sees that a card holds no more than fits into contacts and on a screen, and only text that is some: the layout itself has no limits. Throws
 * `CARD_INVALID` with the member.
 */
export function assertCardLimits(card: AgentCard): void {
  const { dm_capabilities: capabilities } = card;
  assertText('display_name', MOST_NAME, card.display_name);
  assertText('addresses', MOST_TEXT, ...card.addresses);
  assertText('groups', MOST_TEXT, ...card.groups.map(({ name }) => name));
  assertText('groups', MOST_LINK, ...card.groups.map(({ invite_link }) => invite_link));
  assertText('stores', MOST_TEXT, ...card.stores.flatMap(({ name, topic }) => [name, topic]));
  assertText('dm_capabilities', MOST_NAME, capabilities?.kem_algorithm ?? '');
  for (const member of ['addresses', 'groups', 'stores'] as const)
    if (card[member].length > MOST_ENTRIES) throw tooMuch(member);
  if ((capabilities?.kem_public_key.length ?? 0) > MOST_KEY) throw tooMuch('dm_capabilities');
}

function assertText(field: string, most: number, ...texts: readonly string[]): void {
  if (texts.some((text) => text.length > most)) throw tooMuch(field);
  // UTF-8 cannot hold half a character: another one would be signed in its place.
  if (texts.some((text) => /\p{Surrogate}/u.test(text)))
    throw new X0xError('CARD_INVALID', { field, hint: `${field} is no text.` });
}

const tooMuch = (field: string): X0xError =>
  new X0xError('CARD_INVALID', { field, hint: `There is too much in ${field}.` });
