import type { Service } from '../discovery/discover.js';
import type { XlinkError } from '../errors/errors.js';
import type { Clock, Did } from '../types/protocol.js';
import { BoundedMap } from '../util/bounded-map.js';
import type { Caller } from './caller.js';
import type { Enrollment, EnrollTransport } from './enroll-once.js';

/** After a failure, and after an outcome that may change: 1 minute. */
const AGAIN_AFTER_MS = 60_000;
const CAPACITY = 1000;
/** An enrollment that ends is renewed by the first call after so much of its time. */
const RENEWED_AT = 0.8;

/** What came of it at an origin, by which DID of the service, and until when that counts. */
interface Outcome {
  readonly enrollment: Enrollment;
  readonly did: Did;
  readonly until: number;
}

/** Enrolls an identity once with each service, however many ask at the same time. */
export class Enroller {
  readonly #transport: EnrollTransport;
  readonly #clock: Clock;
  readonly #outcomes = new BoundedMap<string, Outcome>(CAPACITY);
  readonly #failures = new BoundedMap<string, number>(CAPACITY);
  readonly #underway = new Map<string, Promise<Enrollment>>();

  constructor(transport: EnrollTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Rejects with what is wrong; a failure is not kept, the next request tries again. */
  async ensure(service: Service, caller: Caller, apiKey: string | undefined): Promise<Enrollment> {
    const id = service.origin;
    const outcome = this.#outcomes.get(id);
    if (outcome && this.#clock() < outcome.until && isOf(outcome, service)) return outcome.enrollment;
    const underway = this.#underway.get(id) ?? this.#enroll(id, service, caller, apiKey);
    this.#underway.set(id, underway);
    return underway;
  }

  /** Whether the last attempt failed a moment ago, so that a call that can do without it should not try now. */
  failedLately(service: Service): boolean {
    return this.#clock() < (this.#failures.get(service.origin) ?? -Infinity) + AGAIN_AFTER_MS;
  }

  /** The service at an origin does not know the identity (any more): the next request enrolls it again. What the key was refused with. */
  forget(origin: string): XlinkError | undefined {
    const refusal = this.#outcomes.get(origin)?.enrollment.refusal;
    this.#outcomes.delete(origin);
    return refusal;
  }

  async #enroll(
    id: string,
    service: Service,
    caller: Caller,
    apiKey: string | undefined,
  ): Promise<Enrollment> {
    try {
      const { enroll } = await import('./enroll-once.js'); // most callers are enrolled
      const enrollment = await enroll(service, caller, apiKey, this.#transport);
      const now = this.#clock();
      const { state, validUntil = Infinity } = enrollment;
      const until = state === 'enrolled' ? now + RENEWED_AT * (validUntil - now) : now + AGAIN_AFTER_MS;
      this.#outcomes.set(id, { enrollment, did: service.did, until });
      return enrollment;
    } catch (error) {
      this.#failures.set(id, this.#clock());
      throw error;
    } finally {
      this.#underway.delete(id);
    }
  }
}

/** A service that another DID stands for now is the same, and knows whom it knew. */
const isOf = ({ did }: Outcome, { did: now, succession = [] }: Service): boolean =>
  did === now || succession.some(({ from }) => from === did);
