import { createRequire } from 'node:module';
import type { RequestHandler } from 'express';
import type Koa from 'koa';

const require = createRequire(import.meta.url);

/** A package of middleware by its name, as an application of CommonJS has it: most have no types of their own. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export const load = (name: string): any => {
  const loaded = require(name);
  return typeof loaded === 'function' ? loaded : loaded.default;
};

/** Middleware of a package for Express. */
export const use = (name: string, ...options: unknown[]): RequestHandler => load(name)(...options);

/** Middleware of a package for Koa. */
export const useKoa = (name: string, ...options: unknown[]): Koa.Middleware => load(name)(...options);
