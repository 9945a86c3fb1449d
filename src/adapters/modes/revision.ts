import { MODES } from '../../types/mode.js';
import type { ModeState } from './store.js';

/** A state whose place among the changes is known. */
export type RevisedMode = ModeState & { readonly revision: number };

/** The revision of what an option says: any change is later. */
export const OPTION_REVISION = 0;

/** States that another program wrote say no revision: the time of the change takes its place. */
export const revised = (state: ModeState): RevisedMode => ({
  ...state,
  revision: state.revision ?? state.since,
});

/**
 * The revision of a change that is made now by an instance that knows of `known`: later than that, whatever the clocks say, and
 * otherwise the time (a hybrid logical clock). Changes of instances that could not know of each other go by their clocks.
 */
export const nextRevision = (now: number, known: RevisedMode | undefined): number =>
  Math.max(now, (known?.revision ?? OPTION_REVISION) + 1);

/** Whether `a` is a later change than `b`. Of two in the same millisecond the one further on counts, so that all agree. */
export function isLater(a: RevisedMode, b: RevisedMode): boolean {
  if (a.revision !== b.revision) return a.revision > b.revision;
  return MODES.indexOf(a.mode) > MODES.indexOf(b.mode);
}

/** Whether both are the same change, samples of a plan aside. */
export const isSameChange = (a: ModeState, b: ModeState): boolean => a.mode === b.mode && a.since === b.since;
