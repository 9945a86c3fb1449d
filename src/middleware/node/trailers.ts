import type { NodeRequest } from './types.js';

/**
 * Leaves handlers no trailers, those included that are still to come with the rest of the body: nobody signs or seals them, so
 * anybody on the way may have added them.
 */
export function dropTrailers(req: NodeRequest): void {
  if (req.complete && req.rawTrailers?.length === 0) return; // there are none, and none will come
  Object.defineProperties(req, NONE);
}

const none = (get: () => object): PropertyDescriptor => ({
  get,
  set() {},
  enumerable: true,
  configurable: true,
});

/** In all three forms in which Node has them. Node sets one of them when the body ends. */
const NONE: PropertyDescriptorMap = {
  trailers: none(() => ({})),
  trailersDistinct: none(() => ({})),
  rawTrailers: none(() => []),
};
