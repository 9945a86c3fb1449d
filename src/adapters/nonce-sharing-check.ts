import { type XlinkError, xlinkError } from '../errors/service-errors.js';
import { MemoryNonceStore } from '../nonce/memory.js';
import type { Mode } from '../types/mode.js';
import { isOneOfSeveral } from './one-of-several.js';
import type { DualModeOptions } from './options.js';
import type { WarnOfSetUp } from './set-up-warnings.js';

type Deployment = Pick<DualModeOptions, 'agent' | 'instances'>;

/**
 * Throws `NONCE_STORE_NOT_SHARED` if several processes serve the API, its nonces are in the memory of each, and a mode is
 * `xlink-only`: there an envelope is all that proves a caller, and each process would take it once.
 */
export function assertSharedNonces(deployment: Deployment, modes: readonly (Mode | undefined)[]): void {
  const problem = modes.includes('xlink-only') ? unsharedNonces(deployment) : undefined;
  if (problem) throw problem;
}

/** All modes that the options set, for whatever part of the API. */
export const modesIn = ({ mode, routeModes = [], clientModes = {} }: DualModeOptions) => [
  mode,
  ...routeModes.map((route) => route.mode),
  ...Object.values(clientModes),
];

/** In all other modes it is a warning. */
export function warnOfUnsharedNonces(deployment: Deployment, warn: WarnOfSetUp): void {
  if (unsharedNonces(deployment)) warn('NONCE_STORE_NOT_SHARED');
}

function unsharedNonces({ agent, instances }: Deployment): XlinkError | undefined {
  const several = instances === undefined ? isOneOfSeveral() : instances > 1;
  return several && agent.nonceStore instanceof MemoryNonceStore
    ? xlinkError('NONCE_STORE_NOT_SHARED', { field: 'nonceStore' })
    : undefined;
}
