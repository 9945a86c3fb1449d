import type { DualModeOptions } from '@private.me/xlink';
import { FRAMEWORKS as EXPRESSES } from './express.js';
import { KOAS } from './koa.js';
import type { Service } from './service.js';
import type { World } from './world.js';

// The same API with each framework there is: the adapter, and a handler for everything.

/** For `describe.each`. */
export const FRAMEWORKS: {
  readonly name: string;
  readonly serve: (world: World, options?: Partial<DualModeOptions>) => Promise<Service>;
}[] = [
  ...EXPRESSES.map(({ name, express }) => ({
    name,
    serve: (world: World, options: Partial<DualModeOptions> = {}) => world.serve({ express, ...options }),
  })),
  ...KOAS.map(({ name, Koa }) => ({
    name,
    serve: (world: World, options: Partial<DualModeOptions> = {}) => world.serveKoa({ Koa, ...options }),
  })),
];
