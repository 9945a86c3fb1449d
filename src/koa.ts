export type { KoaDashboardOptions } from './middleware/dashboard.js';
export type { CallerCheck } from './middleware/guards.js';
export { requireScope, requireThat, requireXlink } from './middleware/koa/guards.js';
export {
  type KoaContext,
  type KoaMiddleware,
  type KoaOptions,
  koaMiddleware,
} from './middleware/koa/middleware.js';
