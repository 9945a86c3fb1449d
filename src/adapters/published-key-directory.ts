import type { ServiceAgent } from '../agent/service-agent.js';
import type { InboundRequest } from '../http/decision.js';
import type { Clock } from '../types/protocol.js';
import type { SignedKeyDirectory } from '../web-bot-auth/sign-key-directory.js';

/** How long a signed directory is served, in ms: others may keep it as long once more, and it is good for a day. */
const SERVED_MS = 3_600_000;

interface Kept {
  readonly did: string;
  readonly until: number;
  readonly directory: Promise<SignedKeyDirectory>;
}

/** The key directory of a service, signed once an hour for each of its hosts, and anew when its identity changes. */
export class PublishedKeyDirectory {
  readonly #agent: ServiceAgent;
  readonly #hosts: readonly string[];
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  /** `hosts`: one at least. It is signed for these, whatever host a request names. */
  constructor(agent: ServiceAgent, hosts: readonly string[], clock: Clock) {
    this.#agent = agent;
    this.#hosts = hosts.map((host) => host.toLowerCase());
    this.#clock = clock;
  }

  async for(request: InboundRequest): Promise<SignedKeyDirectory> {
    const named = (request.header(':authority') ?? request.header('host') ?? '').toLowerCase();
    const host = this.#hosts.includes(named) ? named : this.#hosts[0]!;
    const did = await this.#agent.ready(); // another identity may have taken the place
    const [kept, now] = [this.#kept.get(host), this.#clock()];
    if (kept && kept.did === did && now < kept.until) return kept.directory;
    const directory = this.#agent.signKeyDirectory(host);
    this.#kept.set(host, { did, until: now + SERVED_MS, directory });
    directory.catch(() => this.#kept.delete(host));
    return directory;
  }
}
