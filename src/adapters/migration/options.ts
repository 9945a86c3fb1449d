import { xlinkError } from '../../errors/errors.js';
import { MODES, type Mode } from '../../types/mode.js';
import type { ClientId, Clock } from '../../types/protocol.js';
import type { Awaitable } from '../../util/awaitable.js';
import {
  checkKeys,
  checkOptions,
  hasMethods,
  integerIn,
  isBoolean,
  isFunction,
  isObject,
  isPromptFunction,
  isStringArray,
  type OptionCheck,
  requireOption,
} from '../../util/options.js';
import { checkReportOptions, type ReportOptions } from '../clients/cutover-report.js';
import type { BaseDualModeAdapter } from '../dual-mode-adapter.js';
import type { ErrorBudget, Gate } from './gates.js';
import type { SharedMode } from './shared-mode.js';

/** Options of {@link MigrationPlan}. */
export interface MigrationPlanOptions {
  /** Needs the option `clients`. */
  readonly adapter: BaseDualModeAdapter;
  /** Default {@link DEFAULT_GATES}. */
  readonly gates?: readonly Gate[];
  /** Default {@link DEFAULT_ERROR_BUDGET}. */
  readonly errorBudget?: Partial<ErrorBudget>;
  /** Moves the mode when a gate opens, and back when the error budget burns. Default `false`: advice only. */
  readonly auto?: boolean;
  /** Clients that are left behind on purpose, such as abandoned ones. They block nothing and count nowhere. Default none. */
  readonly ignoreClients?: readonly ClientId[];
  /** Stretch of time that shares are taken over, in ms. Default one day. */
  readonly windowMs?: number;
  /** When a client counts as safe to switch. Default: as in {@link ReportOptions}. */
  readonly report?: ReportOptions;
  /** How often `start()` looks, in ms. Default one minute. */
  readonly intervalMs?: number;
  /** Since when the present mode is in force, in ms since 1970, for a plan that goes on after a restart. Default: `modeSince` of the adapter, else now. */
  readonly since?: number;
  /**
   * The mode that several instances share, and that outlives a restart. Each of them may run its plan: one makes a step, the
   * others follow, and each goes on from how long the mode has been in force, what is watched and the traffic that was
   * seen. Give their adapters one store of clients, too. Not together with `since` and `applyMode`.
   */
  readonly sharedMode?: SharedMode;
  /** Carries a change out. Default `adapter.setMode`, for one instance; several have `sharedMode`. */
  readonly applyMode?: (mode: Mode, reason: string) => Awaitable<void>;
  /** Default `Date.now`. */
  readonly clock?: Clock;
}

/** Throws `INVALID_OPTION`. */
export function checkPlanOptions(options: MigrationPlanOptions): void {
  checkOptions('MigrationPlan', options, {
    adapter: hasMethods('clientRecords', 'setMode', 'emit'),
    gates: isGates,
    errorBudget: isObject,
    auto: isBoolean,
    ignoreClients: isStringArray,
    windowMs: integerIn(1, 2 ** 40),
    report: isObject,
    intervalMs: integerIn(1, 2 ** 31 - 1),
    since: isTime,
    sharedMode: hasMethods('refresh', 'write'),
    applyMode: isFunction,
    clock: isPromptFunction,
  });
  requireOption('MigrationPlan', options, 'adapter');
  for (const field of ['since', 'applyMode'] as const)
    if (options.sharedMode && options[field] !== undefined)
      throw xlinkError('INVALID_OPTION', {
        field,
        hint: `MigrationPlan: sharedMode takes the place of ${field}.`,
      });
  checkReportOptions('MigrationPlan: report', options.report ?? {});
  const isShare = (value: unknown) =>
    typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a share from 0 to 1';
  checkOptions('errorBudget', options.errorBudget ?? {}, {
    maxErrorRate: isShare,
    minRequests: integerIn(0, 2 ** 53 - 1),
    watchMs: integerIn(0, 2 ** 40),
  });
}

const GATE_MEMBERS = {
  from: true,
  to: true,
  minXlinkPercentage: true,
  minDwellMs: true,
  maxErrorRate: true,
  requireSafeClients: true,
  ignoreQuietMs: true,
} as const satisfies Record<keyof Gate, true>;

const isTime: OptionCheck = (value) =>
  integerIn(0, 2 ** 53 - 1)(value) && 'a time in ms since 1970, such as date.getTime()';

const GATES = `an array of gates with all their members, from one of ${MODES.join(', ')} to another`;

/** A member that is misspelled would hold nothing back. */
const isGates: OptionCheck = (value) => {
  if (!Array.isArray(value)) return GATES;
  for (const gate of value.filter((each) => !isObject(each)))
    checkKeys('MigrationPlan: gates', gate, Object.keys(GATE_MEMBERS));
  return value.every(isGate) ? undefined : GATES;
};

function isGate(gate: Gate | null): boolean {
  const {
    from,
    to,
    minXlinkPercentage,
    minDwellMs,
    maxErrorRate,
    requireSafeClients,
    ignoreQuietMs = 0,
  } = gate ?? ({} as Gate);
  const within = (value: unknown, max: number) => typeof value === 'number' && value >= 0 && value <= max;
  return (
    MODES.includes(from) &&
    MODES.includes(to) &&
    from !== to &&
    within(minXlinkPercentage, 100) &&
    within(minDwellMs, Number.MAX_VALUE) &&
    within(maxErrorRate, 1) &&
    typeof requireSafeClients === 'boolean' &&
    within(ignoreQuietMs, Number.MAX_VALUE)
  );
}
