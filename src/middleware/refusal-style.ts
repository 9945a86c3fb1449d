import type { DualMode } from '../adapters/dual-mode-adapter.js';
import type { DualModeOptions } from '../adapters/options.js';
import type { RefusalStyle } from '../adapters/refusals.js';

/** An adapter that says how it refuses, so that guards behind it refuse alike. */
export type RefusingAdapter = DualMode & { readonly refusalStyle: RefusalStyle };

export const refusalStyle = ({
  exposeDetails,
  realm,
  deprecation,
}: Partial<DualModeOptions>): RefusalStyle => ({
  exposeDetails: exposeDetails ?? false,
  realm: realm ?? 'api',
  migrationUrl: deprecation?.migrationUrl,
});
