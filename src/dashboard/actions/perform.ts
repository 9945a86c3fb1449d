import type { BaseDualModeAdapter } from '../../adapters/dual-mode-adapter.js';
import type { MigrationPlan } from '../../adapters/migration/plan.js';
import type { ClientId } from '../../types/protocol.js';
import { WrongState } from './state.js';
import type { Wanted } from './wanted.js';

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
  const why = `${wanted.reason} (${by})`;
  switch (wanted.action) {
    case 'step': {
      const { mode, next, ready } = await plan!.evaluate();
      if (mode !== wanted.seen || adapter.mode !== wanted.seen || next !== wanted.to || !ready)
        throw new WrongState('The plan sees it differently by now. Look again.');
      adapter.setMode(wanted.to, why);
      await plan!.evaluate();
      return `The mode is ${wanted.to} now.`;
    }
    case 'client-mode': {
      const target = { client: client! };
      if (wanted.to === 'follow') {
        if (!adapter.clearMode(target, why)) throw new WrongState('The client has no mode of its own.');
        return 'The client follows the mode of the API again.';
      }
      adapter.setMode(wanted.to, why, target);
      return `The mode of the client is ${wanted.to} now.`;
    }
    case 'brownout':
      adapter.scheduleBrownout({ from: new Date(wanted.from), until: new Date(wanted.until) });
      return 'The brownout is scheduled.';
  }
}
