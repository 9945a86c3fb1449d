import type { AgentMessage, Did } from '@private.me/xlink';
import { decodeBytes } from '../bridge/signed-text.js';
import { isX0xError, X0xError } from '../errors.js';
import type { X0xId } from '../identity/ids.js';
import { assertAnnouncement, decodeAnnouncement, MAX_ANNOUNCEMENT_BYTES } from '../layouts/announcement.js';
import { isRejected } from '../trust/evaluate.js';
import { assertAgentWord } from './agent-word.js';
import type { Core } from './core.js';
import { fanOut } from './fan-out.js';
import { TOPIC_SCOPES, TOPICS } from './topics.js';

/** Announcements that were passed on, so that each goes round once: the last so many. */
const MOST_PASSED_ON = 4096;

/** Takes announcements: verifies, asks whether the agent is trusted, keeps, passes on. */
export class AnnouncementIntake {
  readonly #core: Core;
  readonly #passedOn = new Set<string>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Never throws for what is in the message: it would come again. */
  async take(message: AgentMessage): Promise<void> {
    const { tell } = this.#core;
    let agentId: X0xId | undefined;
    try {
      const { announcement: text, agentSignature, contact } = Object(message.payload);
      const bytes = decodeBytes(text);
      if (!bytes || bytes.length > MAX_ANNOUNCEMENT_BYTES) throw new X0xError('ANNOUNCEMENT_INVALID');
      agentId = await this.#keep(bytes, decodeBytes(agentSignature, 3309), contact);
      tell({ type: 'announcement', direction: 'in', outcome: 'ok', agentId });
      if (agentId === this.#core.identity.agent.id) return;
      const { record, binding } = contact;
      const passed = { announcement: text, agentSignature, contact: { record, binding } }; // and nothing else that came with them
      this.#passOn(passed, message.sender, agentId).catch((error: unknown) => tell({ type: 'fault', error }));
    } catch (error) {
      const outcome = isX0xError(error) ? error.id : 'ANNOUNCEMENT_INVALID';
      tell({ type: 'announcement', direction: 'in', outcome, agentId });
    }
  }

  async #keep(bytes: Uint8Array, word: Uint8Array | undefined, contact: unknown): Promise<X0xId> {
    const { contacts, revocations, discovery, directory, identity, now } = this.#core;
    const announcement = decodeAnnouncement(bytes);
    const { agentId, machineId, announcedAt } = announcement;
    assertAnnouncement(announcement, now());
    assertAgentWord(announcement, bytes, word);
    if (revocations.isAgentRevoked(agentId) || revocations.isMachineRevoked(machineId))
      throw new X0xError('AGENT_REVOKED');
    const decision = contacts.evaluate(agentId, machineId);
    if (isRejected(decision))
      throw new X0xError(decision === 'RejectBlocked' ? 'AGENT_BLOCKED' : 'MACHINE_MISMATCH');
    if (agentId === identity.agent.id) return agentId; // its own, come round
    const did = await directory.learn(agentId, contact, TOPIC_SCOPES);
    const { userId, certificate } = announcement;
    const found = { agentId, machineId, userId, certificate, did, announcedAt, lastSeen: now() };
    const isNew = discovery.put({ ...found, source: 'announcement' });
    if (isNew && contacts.get(agentId)) await contacts.addMachine(agentId, machineId);
    return agentId;
  }

  /** To all peers but who brought it and who made it, once. Nobody waits for it. */
  async #passOn(payload: { readonly announcement: string }, sender: Did, agentId: X0xId): Promise<void> {
    if (this.#passedOn.has(payload.announcement)) return;
    this.#passedOn.add(payload.announcement);
    if (this.#passedOn.size > MOST_PASSED_ON) this.#passedOn.delete(this.#passedOn.keys().next().value!);
    const made = await this.#core.directory.didsOf(agentId);
    await fanOut(this.#core, TOPICS.announce, payload, [sender, ...made]);
  }
}
