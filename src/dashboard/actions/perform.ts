import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import { isStepRefused } from '../../adapters/migration/apply.js';
import type { MigrationPlan } from '../../adapters/migration/plan.js';
import type { ClientId } from '../../types/protocol.js';
import { WrongState } from './state.js';
import type { Wanted } from './wanted.js';

const CHANGED = 'The plan sees it differently by now. Look again.';

/** What actions are done with. */
export interface Operated {
  readonly adapter: BaseDualModeAdapter;
  readonly plan: MigrationPlan | undefined;
}

/** Does what was confirmed. `client`: its id in the adapter. Throws what the adapter throws, and {@link WrongState}. */
export async function perform(
  { adapter, plan }: Operated,
  wanted: Wanted,
  by: string,
  client: ClientId | undefined,
): Promise<string> {
  const why = wanted.reason;
  const instanceOnly = adapter.isModeShared; // the operator was told so
  const where = instanceOnly ? ', on this instance until it ends' : '';
  switch (wanted.action) {
    case 'step': {
      if (adapter.mode !== wanted.seen) throw new WrongState(CHANGED);
      try {
        await plan!.apply({ by, why, to: wanted.to });
      } catch (error) {
        throw isStepRefused(error) ? new WrongState(CHANGED) : error;
      }
      await plan!.evaluate(); // what comes next is shown with what was done
      return `The mode is ${wanted.to} now.`;
    }
    case 'client-mode': {
      const target = { client: client!, by, instanceOnly };
      if (wanted.to === 'follow') {
        if (!adapter.clearMode(target, why)) throw new WrongState('The client has no mode of its own.');
        return `The client follows the mode of the API again${where}.`;
      }
      adapter.setMode(wanted.to, why, target);
      return `The mode of the client is ${wanted.to} now${where}.`;
    }
    case 'brownout': {
      const brownout = { from: new Date(wanted.from), until: new Date(wanted.until) };
      adapter.scheduleBrownout(brownout, { by, why, instanceOnly });
      return `The brownout is scheduled${where}.`;
    }
  }
}
