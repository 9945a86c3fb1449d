import type { XlinkError } from '../../errors/errors.js';
import { isXlinkError, xlinkError } from '../../errors/service-errors.js';
import { MODES, type Mode } from '../../types/mode.js';
import { OPERATOR_CHECKS, type Operator } from '../../util/operator.js';
import { checkOptions, oneOf, requireOption } from '../../util/options.js';

/** Who takes the next step of a plan, and why. */
export interface ApplyOptions extends Required<Operator> {
  /** The mode that is expected to be next: whoever saw an older state of the plan changes nothing. Default: whichever is next. */
  readonly to?: Mode;
  /** The name of the next mode, to enter it although gates are closed. Default: closed gates refuse. */
  readonly force?: Mode;
}

/** Throws `INVALID_OPTION`. */
export function checkApplyOptions(options: ApplyOptions): void {
  const isMode = oneOf(...MODES);
  checkOptions('apply', options, { ...OPERATOR_CHECKS, to: isMode, force: isMode });
  for (const name of ['by', 'why']) requireOption('apply', options, name);
}

/** What is asked of the advice of a plan. */
interface Found {
  readonly mode: Mode;
  readonly next: Mode | undefined;
  readonly ready: boolean;
  readonly blockers: readonly string[];
}

/** Throws `STEP_REFUSED:…`. */
export function assertMayStep({ mode, next, ready, blockers }: Found, { to, force }: ApplyOptions): void {
  if (next === undefined) throw stepRefused('STEP_REFUSED:NO_STEP', `nothing comes after ${mode}`);
  for (const named of [to, force])
    if (named !== undefined && named !== next)
      throw stepRefused('STEP_REFUSED:OTHER_STEP', `next is ${next}, not ${named}`);
  if (ready || force === next) return;
  throw stepRefused(
    'STEP_REFUSED:GATES_CLOSED',
    `${blockers.join('; ')}. Go on all the same with force: '${next}'`,
  );
}

export const stepRefused = (id: StepRefusal, text: string): XlinkError =>
  xlinkError(id, { hint: `${text}.` });

const REFUSALS = [
  'STEP_REFUSED:NO_STEP',
  'STEP_REFUSED:OTHER_STEP',
  'STEP_REFUSED:GATES_CLOSED',
  'STEP_REFUSED:CHANGED_MEANWHILE',
] as const;

type StepRefusal = (typeof REFUSALS)[number];

/** Whether a step was not taken because the plan is in another state than whoever asked for it thought. */
export const isStepRefused = (error: unknown): boolean =>
  isXlinkError(error) && REFUSALS.some((id) => id === error.id);
