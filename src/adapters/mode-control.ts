import { xlinkError } from '../errors/errors.js';
import type { Headers } from '../http/decision.js';
import type { ModeEvent } from '../types/events.js';
import { MODES, type Mode } from '../types/mode.js';
import type { Clock } from '../types/protocol.js';
import { given } from '../util/given.js';
import { deprecationHeaders } from './deprecation.js';
import { Brownouts } from './modes/brownouts.js';
import { checkModeTarget, ModePolicy, type ModeTarget } from './modes/policy.js';
import { assertSharedNonces } from './nonce-sharing-check.js';
import type { DualModeOptions } from './options.js';

/** The modes of an adapter, how they change, and what callers with keys are told of it. */
export class ModeControl {
  readonly policy: ModePolicy;
  readonly brownouts: Brownouts;
  readonly #options: DualModeOptions;
  readonly #clock: Clock;
  readonly #emit: (event: ModeEvent) => void;
  #deprecatedSince: Date;

  constructor(options: DualModeOptions, clock: Clock, emit: (event: ModeEvent) => void) {
    this.policy = new ModePolicy(options.mode ?? 'observe', options.routeModes, options.clientModes);
    this.brownouts = new Brownouts(options.brownouts);
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    this.#deprecatedSince = this.#sinceNow();
  }

  /** Throws `INVALID_OPTION` and `NONCE_STORE_NOT_SHARED`. */
  set(mode: Mode, reason: string | undefined, target: ModeTarget): void {
    if (!MODES.includes(mode))
      throw xlinkError('INVALID_OPTION', { field: 'mode', hint: `setMode: one of ${MODES.join(', ')}.` });
    assertSharedNonces(this.#options, [mode]);
    this.#change('setMode', target, reason, () => this.policy.set(mode, target));
  }

  /** Whether there was one of its own. Throws `INVALID_OPTION`. */
  clear(target: ModeTarget, reason: string | undefined): boolean {
    let had = false;
    this.#change('clearMode', target, reason, () => (had = this.policy.clear(target)));
    return had;
  }

  /** What a new observer is told first. */
  present(): ModeEvent {
    return { type: 'mode', to: this.policy.global, ...this.#sunset() };
  }

  /** For answers to callers with keys in `deprecation`. */
  deprecation(): Headers {
    return deprecationHeaders(
      { ...this.#options.deprecation, since: this.#deprecatedSince },
      this.brownoutHeaders(),
    );
  }

  /** For those that a brownout refuses. */
  brownoutHeaders(): Headers {
    return this.brownouts.announcement(this.#clock());
  }

  #change(owner: string, target: ModeTarget, reason: string | undefined, change: () => unknown): void {
    checkModeTarget(owner, target);
    if (reason !== undefined && typeof reason !== 'string')
      throw xlinkError('INVALID_OPTION', {
        field: 'reason',
        hint: `${owner}: the reason is a text, and the target comes after it.`,
      });
    const { client, route } = target;
    if (client !== undefined && !this.#options.clients)
      throw xlinkError('INVALID_OPTION', { field: 'clients', hint: 'Client modes need the option clients.' });
    const from = this.policy.of(target);
    change();
    const to = this.policy.of(target);
    if (from === to) return;
    const forAll = client === undefined && route === undefined;
    if (to === 'deprecation' && (forAll || this.policy.global !== 'deprecation'))
      this.#deprecatedSince = this.#sinceNow();
    this.#emit({
      type: 'mode',
      ...this.#sunset(),
      from,
      to,
      ...given({ client, reason, route: route?.path }),
    });
  }

  #sinceNow(): Date {
    return this.#options.deprecation?.since ?? new Date(this.#clock());
  }

  #sunset(): Pick<ModeEvent, 'sunset'> {
    return given({ sunset: this.#options.deprecation?.sunset?.getTime() });
  }
}
