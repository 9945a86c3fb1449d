/** Modes of a {@link DualModeAdapter}, in the order of a migration. */
export type Mode = 'observe' | 'hybrid' | 'deprecation' | 'xlink-only';

/** How a request proved who it is from. */
export type AuthMethod = 'xlink' | 'api-key' | 'none';

/** All modes, in the order of a migration. */
export const MODES: readonly Mode[] = ['observe', 'hybrid', 'deprecation', 'xlink-only'];
