import type { BaseDualModeAdapter } from '../adapters/dual-mode-adapter.js';
import { sharedByCopies } from '../util/copies.js';
import { hiddenMember } from '../util/hidden-member.js';

/** By what was put into an application: middleware, or the server of a Fastify instance. */
const adapters = sharedByCopies('adapters/1', () => hiddenMember<BaseDualModeAdapter>());

/** Says which adapter a part of an application belongs to, and returns the part. */
export function partOf<Part extends object>(adapter: BaseDualModeAdapter, part: Part): Part {
  adapters.set(part, adapter);
  return part;
}

/** The adapter that a part belongs to; `undefined` for anything else. */
export const adapterOfPart = (part: object): BaseDualModeAdapter | undefined => adapters.get(part);
