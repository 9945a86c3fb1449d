import type { BridgeEvent } from './events.js';

/** What made a bridge step back. */
export interface StepBack {
  /** Share of callers on the modern side before, 0 to 1. */
  readonly from: number;
  /** Requests of the modern side in the window. */
  readonly all: number;
  /** Those of them that failed. */
  readonly bad: number;
}

/** What a bridge is doing, since it was made. */
export interface BridgeStatus {
  /** Share of callers on the modern side, 0 to 1. */
  readonly ratio: number;
  /** Whether the last change was the bridge's own, because the error budget was spent. */
  readonly steppedBack: boolean;
  /** Why, as long as `steppedBack`: the ratio before, and the requests of the window that decided. */
  readonly stepBack?: StepBack;
  /** Answers by the modern side. */
  readonly modern: number;
  /** Answers by the legacy side. */
  readonly legacy: number;
  /** Of those, how many in the place of the modern side. */
  readonly fellBack: number;
  /** Calls of the modern side that went by key, because it does not offer xLink or no enrollment. */
  readonly byKey: number;
  /** Share of modern requests in the window that failed, 0 to 1. */
  readonly errorRatio: number;
  /** How much of the error budget is used, 0 to 1 and above; `undefined` without a budget. */
  readonly budgetUsed: number | undefined;
  /** Mirrored requests that are under way. */
  readonly mirrors: number;
  /** Share of mirrored requests whose answers were the same. */
  readonly agreement: number;
}

interface Now {
  readonly ratio: number;
  readonly stepBack: StepBack | undefined;
  readonly window: { readonly all: number; readonly bad: number };
  readonly errorRatio: number | undefined;
  readonly mirrors: number;
  readonly agreement: number;
}

/** Counts answers. */
export class StatusCounts {
  #modern = 0;
  #legacy = 0;
  #fellBack = 0;
  #byKey = 0;

  add(event: BridgeEvent): void {
    if (event.type === 'key-used') this.#byKey += 1;
    if (event.type !== 'request' || event.outcome === 'error') return;
    if (event.side === 'modern') this.#modern += 1;
    else this.#legacy += 1;
    if (event.fellBack) this.#fellBack += 1;
  }

  status({ ratio, stepBack, window, errorRatio: allowed, mirrors, agreement }: Now): BridgeStatus {
    const errorRatio = window.all ? window.bad / window.all : 0;
    return {
      ratio,
      steppedBack: stepBack !== undefined,
      ...(stepBack ? { stepBack } : {}),
      modern: this.#modern,
      legacy: this.#legacy,
      fellBack: this.#fellBack,
      byKey: this.#byKey,
      errorRatio,
      budgetUsed:
        allowed === undefined ? undefined : allowed === 0 ? (errorRatio > 0 ? 1 : 0) : errorRatio / allowed,
      mirrors,
      agreement,
    };
  }
}

/** One line for a terminal or a log: `aci  50 % [##########----------]  modern 120  legacy 118  errors 0.0 %  budget 0 %  same 98.3 %`. */
export function formatBridgeRow(status: BridgeStatus): string {
  const percent = (share: number, digits = 1) => `${(share * 100).toFixed(digits)} %`;
  const filled = Math.round(status.ratio * 20);
  return [
    `aci ${percent(status.ratio, 0).padStart(5)} [${'#'.repeat(filled)}${'-'.repeat(20 - filled)}]`,
    `modern ${status.modern}`,
    `legacy ${status.legacy}${status.fellBack ? ` (${status.fellBack} fell back)` : ''}`,
    ...(status.byKey ? [`by key ${status.byKey}`] : []),
    `errors ${percent(status.errorRatio)}`,
    ...(status.budgetUsed === undefined ? [] : [`budget ${percent(status.budgetUsed, 0)}`]),
    `same ${percent(status.agreement)}`,
    ...(status.stepBack ? [reasonOf(status.stepBack)] : []),
  ].join('  ');
}

const reasonOf = ({ from, all, bad }: StepBack): string =>
  `STEPPED BACK from ${(from * 100).toFixed(0)} %: ${bad} of ${all} failed`;
