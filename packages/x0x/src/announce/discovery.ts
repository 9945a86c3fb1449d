import type { Did } from '@private.me/xlink';
import type { X0xId } from '../identity/ids.js';
import { ANNOUNCEMENT_TTL_S } from '../layouts/announcement.js';
import { type AgentCertificate, isOver } from '../layouts/certificate.js';

/** What is known of where an agent is. Times are seconds since 1970. */
export interface DiscoveredAgent {
  /** The agent. */
  readonly agentId: X0xId;
  /** The machine it was last seen on. */
  readonly machineId: X0xId;
  /** The human behind it, if its last announcement names her. */
  readonly userId: X0xId | undefined;
  /** Proof of that. */
  readonly certificate: AgentCertificate | undefined;
  /** Its DID, if it is known. */
  readonly did: Did | undefined;
  /** When it was announced. */
  readonly announcedAt: number;
  /** When that was heard. */
  readonly lastSeen: number;
  /** Whether it announced itself, or a card said so. */
  readonly source: 'announcement' | 'card';
  /** The contact through whom it became known; absent of contacts. */
  readonly via?: X0xId | undefined;
}

/** Agents held at most. */
const MOST = 10_000;

/** The agents of whom was heard lately: 15 minutes for announcements. In memory: heartbeats fill it again after a restart. */
export class Discovery {
  readonly #agents = new Map<X0xId, DiscoveredAgent>();
  readonly #machines = new Map<X0xId, X0xId>();
  readonly #isContact: (agentId: X0xId) => boolean;

  /** `isContact`: whose place nobody takes when it is full. Default: nobody's. */
  constructor(isContact: (agentId: X0xId) => boolean = () => false) {
    this.#isContact = isContact;
  }

  /**
   * Keeps what is as new as what is there, to the second, or newer; `false` for what is older, and for a card of an agent whose announcement
   * counts. Nothing but the DID is taken over from what was there: who is named no more is named no more. When it is full, the stranger
   * of whom was not heard for longest goes.
   */
  put(agent: DiscoveredAgent): boolean {
    const known = this.#agents.get(agent.agentId);
    if (known && outranks(known, agent)) return false;
    this.#agents.delete(agent.agentId);
    if (this.#agents.size >= MOST) this.#makeRoom();
    this.#agents.set(agent.agentId, { ...agent, did: agent.did ?? known?.did });
    this.#machines.delete(agent.agentId);
    this.#machines.set(agent.agentId, agent.machineId);
    if (this.#machines.size > MOST) this.#machines.delete(this.#machines.keys().next().value!);
    return true;
  }

  /** The agent, if it was heard of lately. */
  get(agentId: X0xId, now: number): DiscoveredAgent | undefined {
    const agent = this.#agents.get(agentId);
    return agent && isLive(agent, now) ? agent : undefined;
  }

  /** All of whom was heard lately; of whom was heard last comes last. */
  list(now: number): readonly DiscoveredAgent[] {
    return [...this.#agents.values()].filter((agent) => isLive(agent, now));
  }

  /** The certificate of a human for an agent that named her in its last announcement, no longer than 15 minutes ago. */
  certificateOf(agentId: X0xId, now: number): AgentCertificate | undefined {
    const agent = this.get(agentId, now);
    if (agent?.source !== 'announcement' || agent.announcedAt < now - ANNOUNCEMENT_TTL_S) return undefined;
    return agent.certificate && !isOver(agent.certificate, now) ? agent.certificate : undefined;
  }

  /** The machine an agent was last seen on, however long ago that was, and after it was forgotten, too. */
  lastMachineOf(agentId: X0xId): X0xId | undefined {
    return this.#machines.get(agentId);
  }

  /** Forgets an agent. */
  forgetAgent(agentId: X0xId): void {
    this.#agents.delete(agentId);
  }

  /** Forgets the agents that were last seen on a machine. Returns which they were. */
  forgetMachine(machineId: X0xId): readonly X0xId[] {
    const there = [...this.#agents.values()].filter((agent) => agent.machineId === machineId);
    for (const { agentId } of there) this.#agents.delete(agentId);
    return there.map(({ agentId }) => agentId);
  }

  #makeRoom(): void {
    const ids = [...this.#agents.keys()];
    this.#agents.delete(ids.find((id) => !this.#isContact(id)) ?? ids[0]!);
  }
}

function outranks(known: DiscoveredAgent, agent: DiscoveredAgent): boolean {
  if (known.source === agent.source) return known.announcedAt > agent.announcedAt;
  return known.source === 'announcement' && isLive(known, agent.lastSeen);
}

/** A card has no end: it was handed over, and is replaced by the first announcement. */
const isLive = ({ source, lastSeen }: DiscoveredAgent, now: number): boolean =>
  source === 'card' || lastSeen >= now - ANNOUNCEMENT_TTL_S;
