import type { AgentContact } from '../bridge/agent-contact.js';
import { isX0xError, X0xError } from '../errors.js';
import { type AgentCard, assertCardSignature, signCard } from '../layouts/card.js';
import { assertCardLimits } from '../layouts/card-limits.js';
import { decodeCardLink, encodeCardLink } from '../layouts/card-link.js';
import type { ImportOutcome } from '../trust/contacts.js';
import { parseTrustLevel } from '../trust/levels.js';
import type { AnnounceOptions } from './announcer.js';
import type { Core } from './core.js';
import { assertCounts, assertNotRevoked } from './revoked.js';
import { TOPIC_SCOPES } from './topics.js';

/** What a card says beside ids and keys. The user is named in it only with consent, as in announcements. */
export interface CardOptions extends AnnounceOptions {
  /** A name for people; it is not verified. Default empty. */
  readonly displayName?: string;
}

/** A card, and the link that is shared. */
export interface SharedCard {
  /** The card, signed. */
  readonly card: AgentCard;
  /** `x0x://agent/…`, some 25 KB: too much for a QR code. */
  readonly link: string;
}

/** Makes and signs a card. `contact`: what reaches the agent through xLink. Throws `CONSENT_MISSING`, `USER_KEY_MISSING`, `AGENT_REVOKED` or `CARD_INVALID`. */
export function makeCard(
  core: Core,
  { displayName = '', includeUserIdentity = false, humanConsent = false }: CardOptions,
  contact: AgentContact,
): SharedCard {
  const { identity, now } = core;
  const { agent, machine, user, xlink } = identity;
  assertNotRevoked(core);
  if (includeUserIdentity && !humanConsent) throw new X0xError('CONSENT_MISSING', { field: 'human_consent' });
  if (includeUserIdentity && !user) throw new X0xError('USER_KEY_MISSING');
  const card = signCard(agent, {
    display_name: displayName,
    agent_id: agent.id,
    machine_id: machine.id,
    ...(includeUserIdentity ? { user_id: user!.id } : {}),
    addresses: [xlink.did],
    groups: [],
    stores: [],
    created_at: now(),
    // Of x0x itself, that it cannot be reached over its gossip: what a build says that has no keys for it.
    dm_capabilities: {
      max_protocol_version: 1,
      gossip_inbox: false,
      kem_algorithm: 'ML-KEM-768',
      max_envelope_bytes: 65_536,
      kem_public_key: [],
    },
    xlink: contact,
  });
  assertCardLimits(card);
  return { card, link: encodeCardLink(card) };
}

/** How a card is imported. */
export interface ImportOptions {
  /** The level that its agent gets: never a lower one than it has, and a block stays. Default `known`. */
  readonly trust?: string;
  /** Takes a card without a signature, as builds of x0x before 0.24 made them: whoever handed it over may have made it. Default `false`. */
  readonly unsigned?: boolean;
}

/** What an import did. */
export interface ImportedCard extends ImportOutcome {
  /** The card. */
  readonly card: AgentCard;
}

/**
 * Imports a card: its agent becomes a contact, and can be reached if the card says how. Throws `CARD_INVALID…`, `AGENT_REVOKED` or
 * `TRUST_LEVEL_UNKNOWN`; then nothing changed.
 */
export async function importCard(
  core: Core,
  link: string,
  options: ImportOptions = {},
): Promise<ImportedCard> {
  try {
    const imported = await takeCard(core, link, options);
    core.tell({ type: 'card', outcome: 'ok' });
    return imported;
  } catch (error) {
    core.tell({ type: 'card', outcome: isX0xError(error) ? error.id : 'INTERNAL' });
    throw error;
  }
}

/** How far the clock of who made a card may be ahead, in seconds. */
const CARD_SKEW_S = 300;

async function takeCard(
  core: Core,
  link: string,
  { trust = 'known', unsigned = false }: ImportOptions,
): Promise<ImportedCard> {
  const { contacts, discovery, now } = core;
  const level = parseTrustLevel(trust);
  const card = decodeCardLink(link);
  assertCardLimits(card);
  if (card.created_at > now() + CARD_SKEW_S) throw new X0xError('CARD_INVALID:FUTURE');
  const isSigned = card.signature !== undefined || card.agent_public_key !== undefined;
  if (isSigned || !unsigned) assertCardSignature(card);
  const { agent_id: agentId, machine_id: machineId } = card;
  assertCounts(core, agentId, machineId);
  const isBlocked = contacts.get(agentId)?.trustLevel === 'blocked' || level === 'blocked';
  const did = isBlocked ? undefined : await reachedBy(core, card, isSigned);
  const before = discovery.get(agentId, now());
  const isOlder = before?.source === 'card' && before.announcedAt > card.created_at;
  const known = contacts.get(agentId)?.dmCapabilities;
  const outcome = await contacts.import(isOlder ? { ...card, dm_capabilities: known } : card, level);
  assertCounts(core, agentId, machineId);
  if (outcome.contact.trustLevel !== 'blocked') {
    const found = { agentId, machineId, userId: undefined, certificate: undefined, did };
    discovery.put({ ...found, announcedAt: card.created_at, lastSeen: now(), source: 'card' });
  }
  return { ...outcome, card };
}

/** The DID that the agent has signed as its address; a card that names none, or is of x0x, has none. */
async function reachedBy(
  { directory }: Core,
  card: AgentCard,
  isSigned: boolean,
): Promise<string | undefined> {
  if (!isSigned || card.xlink === undefined) return undefined;
  const { record } = Object(card.xlink);
  if (!card.addresses.includes(Object(record).did))
    throw new X0xError('CARD_INVALID:SIGNATURE', { field: 'xlink' });
  return directory.learn(card.agent_id, card.xlink, TOPIC_SCOPES);
}
