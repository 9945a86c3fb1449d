import type { Mode } from './types.js';

/** All modes, in the order of a migration. */
export const MODES: readonly Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
