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
  /** The human behind it, if she let it say so. */
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
}

/** Agents held at most. */
const MOST = 10_000;

/** The agents of whom was heard lately: 15 minutes for announcements. In memory: heartbeats fill it again after a restart. */
export class Discovery {
  readonly #agents = new Map<X0xId, DiscoveredAgent>();

  /**
   * Keeps what is as new as what is there, to the second, or newer; `false` for what is older. A user who was named stays named while newer announcements without her
   * come, as in x0x. When it is full, who was not heard of for longest goes.
   */
  put(agent: DiscoveredAgent): boolean {
    const known = this.#agents.get(agent.agentId);
    if (known && known.source === 'announcement' && known.announcedAt > agent.announcedAt) return false;
    this.#agents.delete(agent.agentId);
    if (this.#agents.size >= MOST) this.#agents.delete(this.#agents.keys().next().value!);
    const { userId = known?.userId, certificate = known?.certificate, did = known?.did } = agent;
    this.#agents.set(agent.agentId, { ...agent, userId, certificate, did });
    return true;
  }

  /** The agent, if it was heard of lately. */
  get(agentId: X0xId, now: number): DiscoveredAgent | undefined {
    const agent = this.#agents.get(agentId);
    return agent && isLive(agent, now) ? agent : undefined;
  }

  /** All of whom was heard lately. */
  list(now: number): readonly DiscoveredAgent[] {
    return [...this.#agents.values()].filter((agent) => isLive(agent, now));
  }

  /** The certificate of a human for an agent, as long as both count. */
  certificateOf(agentId: X0xId, now: number): AgentCertificate | undefined {
    const certificate = this.get(agentId, now)?.certificate;
    return certificate && !isOver(certificate, now) ? certificate : undefined;
  }

  /** Forgets an agent. */
  forgetAgent(agentId: X0xId): void {
    this.#agents.delete(agentId);
  }

  /** Forgets the agents that were last seen on a machine. */
  forgetMachine(machineId: X0xId): void {
    for (const [id, agent] of this.#agents) if (agent.machineId === machineId) this.#agents.delete(id);
  }
}

/** A card has no end: it was handed over, and is replaced by the first announcement. */
const isLive = ({ source, lastSeen }: DiscoveredAgent, now: number): boolean =>
  source === 'card' || lastSeen >= now - ANNOUNCEMENT_TTL_S;
