import { discover, type Service } from '../discovery/discover.js';
import { type XlinkError, xlinkError } from '../errors/errors.js';
import { addressRules } from '../http/service-url.js';
import type { Clock } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import { given } from '../util/given.js';
import type { AgentSource } from './caller.js';
import { isNotSupported } from './fallback.js';
import type { KnownServices } from './known-services.js';
import type { XlinkFetchOptions } from './options.js';

/** How long the answer that there is no document is believed: 1 minute. */
const NO_DOCUMENT_MS = 60_000;
/** Origins that are remembered. */
const CAPACITY = 1000;

interface Entry {
  /** What was found: a service, or that there is none. */
  readonly found: Service | XlinkError;
  readonly until: number;
}

/** Services by origin. Each is discovered once, however many ask at the same time; other failures are not kept. */
export class ServiceCache {
  readonly #options: XlinkFetchOptions;
  readonly #agents: AgentSource;
  readonly #known: KnownServices;
  readonly #clock: Clock;
  readonly #entries = new BoundedMap<string, Entry>(CAPACITY);
  readonly #underway = new Map<string, Promise<Service>>();

  constructor(options: XlinkFetchOptions, agents: AgentSource, known: KnownServices) {
    this.#options = options;
    this.#agents = agents;
    this.#known = known;
    this.#clock = options.clock ?? Date.now;
  }

  /** The service of an origin, known to the agent. Rejects with `DISCOVERY_FAILED…`. */
  async of(origin: string): Promise<Service> {
    this.#known.use(origin);
    const entry = this.#entries.get(origin);
    if (entry && this.#clock() < entry.until) {
      if ('did' in entry.found) return entry.found;
      if (!(await this.#isWithheld(origin))) throw entry.found;
    }
    const underway = this.#underway.get(origin) ?? this.#discover(origin);
    this.#underway.set(origin, underway);
    return underway;
  }

  /**
   * Takes a service that was discovered. Where a newer document is known, this one may come from an instance that has not signed since, or from
   * a cache: then the service is asked for a newer one, once.
   */
  async adopt(service: Service, isAskedAgain = false): Promise<Service> {
    const { origin, issuedAt, notAfter, keyRecord } = service;
    try {
      await this.#known.see(service);
    } catch (error) {
      if (isAskedAgain || (error as XlinkError).id !== 'DISCOVERY_FAILED:ROLLED_BACK') throw error;
      return this.#ask(origin, true);
    }
    await (await this.#agents.get()).agent.adoptService(keyRecord);
    const until = Math.min(this.#clock() + (notAfter - issuedAt) / 2, keyRecord.notAfter);
    this.#entries.set(origin, { found: service, until });
    return service;
  }

  /** The next request discovers the service again. */
  forget(origin: string): void {
    this.#entries.delete(origin);
  }

  async #discover(origin: string): Promise<Service> {
    try {
      return await this.#ask(origin, false);
    } catch (error) {
      if (!isNotSupported(error)) throw error;
      if (await this.#isWithheld(origin)) throw xlinkError('DISCOVERY_FAILED:WITHHELD', { cause: error });
      this.#entries.set(origin, { found: error, until: this.#clock() + NO_DOCUMENT_MS });
      throw error;
    } finally {
      this.#underway.delete(origin);
    }
  }

  async #ask(origin: string, isAgain: boolean): Promise<Service> {
    const { fetch, timeoutMs } = this.#options;
    const known = await this.#known.get(origin);
    const pinnedDid = this.#options.pinnedDid ?? known?.did;
    const clock = () => Math.max(this.#clock(), known?.issuedAt ?? 0);
    const options = { fetch, pinnedDid, timeoutMs, clock, ...addressRules(new URL(origin), this.#options) };
    return this.adopt(await discover(origin, given(options), isAgain ? known?.issuedAt : undefined), isAgain);
  }

  /** Anybody on the way can say that there is no document. Of a service that is known it is not believed. */
  async #isWithheld(origin: string): Promise<boolean> {
    return this.#options.pinnedDid !== undefined || !!(await this.#known.get(origin))?.proven;
  }
}
