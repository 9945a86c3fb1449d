import { discover, type Service } from '../discovery/discover.js';
import type { XlinkError } from '../errors/errors.js';
import type { Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { given } from '../util/given.js';
import type { AgentSource } from './caller.js';
import { isNotSupported } from './fallback.js';
import type { XlinkFetchOptions } from './options.js';
import { syncServiceKeys } from './sync-service-keys.js';

/** How long a service is taken as it described itself: 5 minutes. */
const MAX_AGE_MS = 300_000;
/** Origins that are remembered. */
const CAPACITY = 1000;

interface Entry {
  /** What was found: a service, or that there is none. */
  readonly found: Service | XlinkError;
  readonly at: number;
}

/** Services by origin. Each is discovered once, however many ask at the same time; other failures are not kept. */
export class ServiceCache {
  readonly #options: XlinkFetchOptions;
  readonly #agents: AgentSource;
  readonly #clock: Clock;
  readonly #entries = new BoundedMap<string, Entry>(CAPACITY);
  readonly #underway = new Map<string, Promise<Service>>();

  constructor(options: XlinkFetchOptions, agents: AgentSource) {
    this.#options = options;
    this.#agents = agents;
    this.#clock = options.clock ?? Date.now;
  }

  /** The service of an origin, known to the agent. Rejects with `DISCOVERY_FAILED…`. */
  async of(origin: string): Promise<Service> {
    const entry = this.#entries.get(origin);
    const age = entry ? this.#clock() - entry.at : Infinity;
    if (entry && age >= 0 && age < MAX_AGE_MS) {
      if ('did' in entry.found) return entry.found;
      throw entry.found;
    }
    const underway = this.#underway.get(origin) ?? this.#discover(origin);
    this.#underway.set(origin, underway);
    return underway;
  }

  /** Takes a service that was discovered elsewhere. */
  async adopt(service: Service): Promise<void> {
    await syncServiceKeys((await this.#agents.get()).agent, service);
    this.#entries.set(service.origin, { found: service, at: this.#clock() });
  }

  /** The next request discovers the service again. */
  forget(origin: string): void {
    this.#entries.delete(origin);
  }

  async #discover(origin: string): Promise<Service> {
    const { fetch, pinnedDid, timeoutMs, unsafeAllowHttp, unsafeAllowPrivateAddresses } = this.#options;
    const options = { fetch, pinnedDid, timeoutMs, unsafeAllowHttp, unsafeAllowPrivateAddresses };
    try {
      const service = await discover(origin, given(options));
      await this.adopt(service);
      return service;
    } catch (error) {
      if (isNotSupported(error)) this.#entries.set(origin, { found: error, at: this.#clock() });
      throw error;
    } finally {
      this.#underway.delete(origin);
    }
  }
}
