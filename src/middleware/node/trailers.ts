import type { NodeRequest } from './types.js';

/**
 * Leaves handlers no trailers, those included that are still to come with the rest of the body: nobody signs or seals them, so
 * anybody on the way may have added them.
 */
export function dropTrailers(req: NodeRequest): void {
  for (const [name, empty] of TRAILERS)
    Object.defineProperty(req, name, { get: empty, set() {}, enumerable: true, configurable: true });
}

/** In all three forms in which Node has them. Node sets one of them when the body ends. */
const TRAILERS: readonly (readonly [string, () => object])[] = [
  ['trailers', () => ({})],
  ['trailersDistinct', () => ({})],
  ['rawTrailers', () => []],
];
