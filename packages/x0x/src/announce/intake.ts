import type { AgentMessage, Did } from '@private.me/xlink';
import type { Introduction } from '../bridge/acquaintances.js';
import { type AgentContact, contactIn } from '../bridge/agent-contact.js';
import { decodeBytes, encodeBytes } from '../bridge/signed-text.js';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { assertAnnouncement, decodeAnnouncement, MAX_ANNOUNCEMENT_BYTES } from '../layouts/announcement.js';
import { isRejected } from '../trust/evaluate.js';
import { rankOf } from '../trust/levels.js';
import { assertAgentWord } from './agent-word.js';
import type { Core } from './core.js';
import { fanOut } from './fan-out.js';
import { assertCounts } from './revoked.js';
import type { ShownCertificate } from './shown-certificates.js';
import { TOPIC_SCOPES, TOPICS } from './topics.js';

/** Announcements that were passed on, so that each goes round once: the last so many. */
const MOST_PASSED_ON = 4096;
/** DIDs of strangers that become known through a contact whose level is `unknown`, and through one of a higher level. */
const MOST_STRANGERS = { unknown: 16, known: 256 };

/** Takes announcements: verifies, asks whether the agent is trusted, keeps, passes on. */
export class AnnouncementIntake {
  readonly #core: Core;
  readonly #passedOn = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** `sender`: the agent who brought it. Never throws for what is in the message: it would come again. */
  async take(message: AgentMessage, sender: X0xId): Promise<void> {
    const { tell, identity } = this.#core;
    let agentId: X0xId | undefined;
    try {
      const { announcement: text, agentSignature: word, contact: told } = Object(message.payload);
      const announcement = decodeBytes(text);
      const agentSignature = decodeBytes(word, 3309);
      if (!announcement || announcement.length > MAX_ANNOUNCEMENT_BYTES)
        throw new X0xError('ANNOUNCEMENT_INVALID');
      decodeAnnouncement(announcement);
      if (!agentSignature) throw new X0xError('ANNOUNCEMENT_INVALID:SIGNATURE');
      const shown = { announcement, agentSignature };
      const kept = await this.#keep(shown, told, sender);
      agentId = kept.agentId;
      tell({ type: 'announcement', direction: 'in', outcome: 'ok', agentId });
      if (!kept.isNew || agentId === identity.agent.id) return;
      this.#passOn(shown, kept.contact, message.sender).catch((error: unknown) =>
        tell({ type: 'fault', error }),
      );
    } catch (error) {
      const outcome = isX0xError(error) ? error.id : 'ANNOUNCEMENT_INVALID';
      tell({ type: 'announcement', direction: 'in', outcome, agentId });
    }
  }

  async #keep(shown: ShownCertificate, told: unknown, sender: X0xId) {
    const { contacts, discovery, directory, identity, now, tell } = this.#core;
    const announcement = decodeAnnouncement(shown.announcement);
    const { agentId, machineId, announcedAt } = announcement;
    assertAnnouncement(announcement, now());
    assertAgentWord(announcement, shown.announcement, shown.agentSignature);
    assertCounts(this.#core, agentId, machineId);
    const decision = contacts.evaluate(agentId, machineId);
    if (isRejected(decision))
      throw new X0xError(decision === 'RejectBlocked' ? 'AGENT_BLOCKED' : 'MACHINE_MISMATCH');
    const contact = contactIn(told); // and nothing else that came with it
    if (agentId === identity.agent.id) return { agentId, contact, isNew: false }; // its own, come round
    const introduction = contacts.get(agentId) ? undefined : this.#introductionBy(agentId, sender);
    const did = await directory.learn(agentId, contact, TOPIC_SCOPES, introduction);
    const { userId, certificate } = announcement;
    const found = { agentId, machineId, userId, certificate, did, announcedAt, lastSeen: now() };
    await this.#core.shown
      .keep(shown, announcement)
      .catch((error: unknown) => tell({ type: 'fault', error }));
    assertCounts(this.#core, agentId, machineId);
    const isNew = discovery.put({ ...found, source: 'announcement', via: introduction?.via });
    if (isNew) await contacts.sawMachine(agentId, machineId);
    return { agentId, contact, isNew };
  }

  /** The contact at the beginning of the chain by which a stranger became known, whoever brings its announcements later. */
  #introductionBy(agentId: X0xId, sender: X0xId): Introduction {
    const { contacts, discovery, now } = this.#core;
    const via = discovery.get(agentId, now())?.via ?? discovery.get(sender, now())?.via ?? sender;
    const isTrusted = rankOf(contacts.get(via)?.trustLevel ?? 'unknown') >= rankOf('known');
    return { via, most: isTrusted ? MOST_STRANGERS.known : MOST_STRANGERS.unknown };
  }

  /** To all peers but who brought it and who made it, once. Nobody waits for it. */
  async #passOn({ announcement, agentSignature }: ShownCertificate, contact: AgentContact, sender: Did) {
    const text = encodeBytes(announcement);
    if (this.#passedOn.has(text)) return;
    this.#passedOn.add(text);
    if (this.#passedOn.size > MOST_PASSED_ON) this.#passedOn.delete(this.#passedOn.keys().next().value!);
    const payload = { announcement: text, agentSignature: encodeBytes(agentSignature), contact };
    const { agentId } = decodeAnnouncement(announcement);
    const made = await this.#core.directory.didsOf(agentId);
    await fanOut(this.#core, TOPICS.announce, payload, [sender, ...made]);
  }
}
