import type { Service } from '../discovery/discover.js';
import { isXlinkError } from '../errors/errors.js';
import type { ErrorId } from '../errors/table.js';
import { ASKS_FOR_XLINK } from '../http/key-refusals.js';
import type { Clock, Scope } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import type { Caller } from './caller.js';
import { type EnrollTransport, enrollOnce } from './enroll-once.js';

/**
 * What came of an enrollment. `unsettled`: the service does not take the key (any more), which says nothing about an
 * identity that it may know already.
 */
export type Enrollment =
  | { readonly state: 'enrolled'; readonly scopes: readonly Scope[] | undefined }
  | { readonly state: 'not-offered' | 'unsettled' };

/** After a failure, and after an outcome that may change: 1 minute. */
const AGAIN_AFTER_MS = 60_000;
const CAPACITY = 1000;

/** Refusals that do not matter to an identity that was enrolled before. */
const KEY_IS_NO_USE: ReadonlySet<ErrorId | undefined> = new Set<ErrorId>([
  'API_KEY_INVALID',
  'ENROLLMENT_REFUSED:RATE_LIMITED',
]);

/** Enrolls an identity once with each service, however many ask at the same time. */
export class Enroller {
  readonly #transport: EnrollTransport;
  readonly #clock: Clock;
  readonly #outcomes = new BoundedMap<string, { readonly enrollment: Enrollment; readonly until: number }>(
    CAPACITY,
  );
  readonly #failures = new BoundedMap<string, number>(CAPACITY);
  readonly #underway = new Map<string, Promise<Enrollment>>();

  constructor(transport: EnrollTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Rejects with what is wrong; a failure is not kept, the next request tries again. */
  async ensure(service: Service, caller: Caller, apiKey: string | undefined): Promise<Enrollment> {
    const id = idOf(service);
    const outcome = this.#outcomes.get(id);
    if (outcome && this.#clock() < outcome.until) return outcome.enrollment;
    const underway = this.#underway.get(id) ?? this.#enroll(id, service, caller, apiKey);
    this.#underway.set(id, underway);
    return underway;
  }

  /** Whether the last attempt failed a moment ago, so that a call that can do without it should not try now. */
  failedLately(service: Service): boolean {
    return this.#clock() < (this.#failures.get(idOf(service)) ?? -Infinity) + AGAIN_AFTER_MS;
  }

  /** The service does not know the identity (any more): the next request enrolls it again. */
  forget(service: Service): void {
    this.#outcomes.delete(idOf(service));
  }

  async #enroll(
    id: string,
    service: Service,
    caller: Caller,
    apiKey: string | undefined,
  ): Promise<Enrollment> {
    try {
      const enrollment = await this.#attempt(service, caller, apiKey);
      const until = enrollment.state === 'enrolled' ? Infinity : this.#clock() + AGAIN_AFTER_MS;
      this.#outcomes.set(id, { enrollment, until });
      return enrollment;
    } catch (error) {
      this.#failures.set(id, this.#clock());
      throw error;
    } finally {
      this.#underway.delete(id);
    }
  }

  async #attempt(
    service: Service,
    { agent, known }: Caller,
    apiKey: string | undefined,
  ): Promise<Enrollment> {
    const { enroll } = service.endpoints;
    // An operator may have registered an identity that is not new; a new one is not known anywhere.
    if (enroll === undefined) return { state: known ? 'unsettled' : 'not-offered' };
    try {
      const answer = await enrollOnce(agent, service.did, enroll, apiKey, this.#transport);
      return answer === 'not-offered' ? { state: answer } : { state: 'enrolled', scopes: answer.scopes };
    } catch (error) {
      const id = isXlinkError(error) ? error.id : undefined;
      if (apiKey === undefined || ASKS_FOR_XLINK.has(id) || (known && KEY_IS_NO_USE.has(id)))
        return { state: 'unsettled' };
      throw error;
    }
  }
}

const idOf = ({ origin, did }: Service): string => `${origin} ${did}`;
