import type { MeshErrorRow } from './row.js';

/** Errors of Signal-style channels. */
export const SIGNAL_ERRORS = {} as const satisfies Record<string, MeshErrorRow>;
