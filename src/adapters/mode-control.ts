import { xlinkError } from '../errors/errors.js';
import type { Headers } from '../http/decision.js';
import type { ModeEvent, OperationEvent } from '../types/events.js';
import { MODES, type Mode } from '../types/mode.js';
import type { Clock } from '../types/protocol.js';
import { given } from '../util/given.js';
import { OPERATOR_CHECKS, type Operator } from '../util/operator.js';
import { checkOptions, isBoolean } from '../util/options.js';
import { deprecationHeaders } from './deprecation.js';
import type { Probe } from './health.js';
import { type Brownout, Brownouts } from './modes/brownouts.js';
import { checkModeTarget, isPart, ModePolicy, type ModeTarget } from './modes/policy.js';
import { assertSharedNonces } from './nonce-sharing-check.js';
import type { DualModeOptions } from './options.js';

/** How far a change reaches that a {@link SharedMode} does not share. */
export interface InstanceOptions extends Operator {
  /** `true`: on this instance, until it ends. Must be said while a {@link SharedMode} runs. Default `false`. */
  readonly instanceOnly?: boolean;
}

/** The modes of an adapter, how they change, and what callers with keys are told of it. */
export class ModeControl {
  readonly policy: ModePolicy;
  readonly brownouts: Brownouts;
  readonly #options: DualModeOptions;
  readonly #clock: Clock;
  readonly #emit: (event: ModeEvent | OperationEvent) => void;
  #deprecatedSince: Date;
  /** Those that share the mode of everything with other instances, and how to ask whether they can. */
  readonly #sharers = new Map<symbol, Probe>();

  constructor(options: DualModeOptions, clock: Clock, emit: (event: ModeEvent | OperationEvent) => void) {
    this.policy = new ModePolicy(options.mode ?? 'observe', options.routeModes, options.clientModes);
    this.brownouts = new Brownouts(options.brownouts);
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    this.#deprecatedSince = this.#sinceNow();
  }

  /** The mode that is in force for a target. Throws `INVALID_OPTION`. */
  of(target: ModeTarget): Mode {
    checkModeTarget('modeOf', target);
    return this.policy.of(target);
  }

  /** Throws `INVALID_OPTION` and `NONCE_STORE_NOT_SHARED`. */
  set(mode: Mode, reason: string | undefined, target: ModeTarget): void {
    if (!MODES.includes(mode))
      throw xlinkError('INVALID_OPTION', {
        field: 'mode',
        hint: `setMode: mode must be one of ${MODES.join(', ')}.`,
      });
    assertSharedNonces(this.#options, [mode]);
    this.#change('setMode', target, reason, () => this.policy.set(mode, target));
  }

  /** Whether there was one of its own. Throws `INVALID_OPTION`. */
  clear(target: ModeTarget, reason: string | undefined): boolean {
    let had = false;
    this.#change('clearMode', target, reason, () => (had = this.policy.clear(target)));
    return had;
  }

  /** Throws `INVALID_OPTION`. */
  schedule(brownout: Brownout | readonly Brownout[], options: InstanceOptions): void {
    checkOptions('scheduleBrownout', options, { instanceOnly: isBoolean, ...OPERATOR_CHECKS });
    this.#assertReach('scheduleBrownout', options, 'Brownouts', 'brownouts');
    const { by, why } = options;
    for (const one of [brownout].flat() as Brownout[]) {
      this.brownouts.schedule(one, this.#clock());
      const target = `${one.from.toISOString()}/${one.until.toISOString()}`;
      this.#emit({ type: 'operation', operation: 'schedule-brownout', target, ...given({ by, why }) });
    }
  }

  /** The mode of everything is the same on all instances from now on. Returns how to end that. */
  share(probe: Probe): () => void {
    const sharer = Symbol('sharer');
    this.#sharers.set(sharer, probe);
    return () => void this.#sharers.delete(sharer);
  }

  /** How to ask whether the mode is shared, where it is to be. */
  probes(): Readonly<Record<string, Probe>> {
    const [mode] = this.#sharers.values();
    return mode ? { mode } : {};
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
        hint: `${owner}: the reason must be a text, and the client or route comes after it: setMode(mode, reason, { client }).`,
      });
    const { client, route, by } = target;
    if (client !== undefined && !this.#options.clients)
      throw xlinkError('INVALID_OPTION', { field: 'clients', hint: 'Client modes need the option clients.' });
    if (isPart(target)) {
      const [what, option] = route ? ['Modes of routes', 'routeModes'] : ['Modes of clients', 'clientModes'];
      this.#assertReach(owner, target, what!, option!);
    }
    const from = this.policy.of(target);
    change();
    const to = this.policy.of(target);
    if (from === to) return;
    if (to === 'deprecation' && (!isPart(target) || this.policy.global !== 'deprecation'))
      this.#deprecatedSince = this.#sinceNow();
    this.#emit({
      type: 'mode',
      ...this.#sunset(),
      from,
      to,
      ...given({ client, reason, by, route: route?.path }),
    });
  }

  /** Somebody who shares the mode takes it that all instances follow. Throws `INVALID_OPTION`. */
  #assertReach(owner: string, { instanceOnly }: InstanceOptions, what: string, option: string): void {
    if (this.#sharers.size === 0 || instanceOnly) return;
    throw xlinkError('INVALID_OPTION', {
      field: 'instanceOnly',
      hint: `${owner}: nothing was changed. ${what} are not shared by SharedMode: the other instances would not follow, and a restart forgets it. Put it into the option ${option} of every instance, or call this on each of them with instanceOnly: true.`,
    });
  }

  #sinceNow(): Date {
    return this.#options.deprecation?.since ?? new Date(this.#clock());
  }

  #sunset(): Pick<ModeEvent, 'sunset'> {
    return given({ sunset: this.#options.deprecation?.sunset?.getTime() });
  }
}
