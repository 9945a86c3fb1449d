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
import type { ModeState } from './modes/store.js';
import { assertSharedNonces } from './nonce-sharing-check.js';
import type { DualModeOptions } from './options.js';

/** How far a change reaches that a {@link SharedMode} does not share. */
export interface InstanceOptions extends Operator {
  /** `true`: on this instance, until it ends. Must be said while a {@link SharedMode} runs. Default `false`. */
  readonly instanceOnly?: boolean;
}

/** Who shares the mode of everything with other instances. */
export interface ModeSharer {
  /** Asks whether it can. */
  readonly probe: Probe;
  /** The latest change of the mode that it knows of, whichever instance made it. */
  latest(): Pick<ModeState, 'mode' | 'since'> | undefined;
}

/** The modes of an adapter, how they change, and what callers with keys are told of it. */
export class ModeControl {
  readonly policy: ModePolicy;
  readonly brownouts: Brownouts;
  readonly #options: DualModeOptions;
  readonly #clock: Clock;
  readonly #emit: (event: ModeEvent | OperationEvent) => void;
  /** When the mode of everything was last changed here. */
  #changedAt: number | undefined;
  /** When the mode of anything became `deprecation` here. */
  #deprecatedAt: number;
  readonly #sharers = new Set<ModeSharer>();

  constructor(options: DualModeOptions, clock: Clock, emit: (event: ModeEvent | OperationEvent) => void) {
    this.policy = new ModePolicy(options.mode ?? 'observe', options.routeModes, options.clientModes);
    this.brownouts = new Brownouts(options.brownouts);
    this.#options = options;
    this.#clock = clock;
    this.#emit = emit;
    this.#deprecatedAt = clock();
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
  share(sharer: ModeSharer): () => void {
    const own = { ...sharer };
    this.#sharers.add(own);
    return () => {
      const since = this.#sharedSince();
      if (!this.#sharers.delete(own) || since === undefined) return;
      this.#changedAt = since;
      if (this.policy.global === 'deprecation') this.#deprecatedAt = since;
    };
  }

  /** Whether somebody shares the mode of everything. */
  get isShared(): boolean {
    return this.#sharers.size > 0;
  }

  /** How to ask whether the mode is shared, where it is to be. */
  probes(): Readonly<Record<string, Probe>> {
    const [sharer] = this.#sharers;
    return sharer ? { mode: sharer.probe } : {};
  }

  /** Since when the mode of everything is in force, in ms since 1970; `undefined`: for longer than is known here. */
  get since(): number | undefined {
    return this.#sharedSince() ?? this.#changedAt;
  }

  /** What a new observer is told first. */
  present(): ModeEvent {
    return { type: 'mode', to: this.policy.global, ...given({ since: this.since }), ...this.#sunset() };
  }

  /** For answers to callers with keys in `deprecation`. */
  deprecation(): Headers {
    const isForAll = this.policy.global === 'deprecation';
    const at = (isForAll ? this.#sharedSince() : undefined) ?? this.#deprecatedAt;
    return deprecationHeaders({ since: new Date(at), ...this.#options.deprecation }, this.brownoutHeaders());
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
    const now = this.#clock();
    const isForAll = !isPart(target);
    if (isForAll) this.#changedAt = now;
    if (to === 'deprecation' && (isForAll || this.policy.global !== 'deprecation')) this.#deprecatedAt = now;
    this.#emit({
      type: 'mode',
      ...given({ since: isForAll ? this.#sharedSince() : undefined }),
      ...this.#sunset(),
      from,
      to,
      ...given({ client, reason, by, route: route?.path }),
    });
  }

  /** Somebody who shares the mode takes it that all instances follow. Throws `INVALID_OPTION`. */
  #assertReach(owner: string, { instanceOnly }: InstanceOptions, what: string, option: string): void {
    if (!this.isShared || instanceOnly) return;
    throw xlinkError('INVALID_OPTION', {
      field: 'instanceOnly',
      hint: `${owner}: nothing was changed. ${what} are not shared by SharedMode: the other instances would not follow, and a restart forgets it. Put it into the option ${option} of every instance, or call this on each of them with instanceOnly: true.`,
    });
  }

  /** When the mode that is in force was set, as those know who share it; it outlives restarts. */
  #sharedSince(): number | undefined {
    for (const sharer of this.#sharers) {
      const latest = sharer.latest();
      if (latest?.mode === this.policy.global) return latest.since;
    }
    return undefined;
  }

  #sunset(): Pick<ModeEvent, 'sunset'> {
    return given({ sunset: this.#options.deprecation?.sunset?.getTime() });
  }
}
