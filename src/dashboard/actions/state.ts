import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { MigrationPlan } from '../../adapters/migration/plan.js';
import type { ClientId } from '../../types/protocol.js';
import type { Wanted } from './wanted.js';

/** The API is no longer, or never was, in the state that the operator saw. Says what is so. */
export class WrongState extends Error {}

/**
 * Compare before set: throws {@link WrongState} unless everything is as the operator saw it. Asked when the question is put, and
 * again when it is answered.
 */
export function assertAsSeen(
  adapter: BaseDualModeAdapter,
  plan: MigrationPlan | undefined,
  wanted: Wanted,
  client: ClientId | undefined,
): void {
  const mode = client === undefined ? adapter.mode : adapter.modeOf({ client });
  if (mode !== wanted.seen)
    throw new WrongState(
      `Nothing was changed: the mode is ${mode} now, and you saw ${wanted.seen}. Look again.`,
    );
  if (wanted.action !== 'step') return;
  if (!plan) throw new WrongState('There is no plan whose step could be taken: give the option plan.');
  const { latest } = plan;
  if (latest?.next !== wanted.to)
    throw new WrongState(`Nothing was changed: the next step of the plan is not ${wanted.to}. Look again.`);
  if (!latest.ready)
    throw new WrongState(
      `Nothing was changed: the plan does not allow this step yet. ${latest.blockers[0] ?? ''}`,
    );
}
