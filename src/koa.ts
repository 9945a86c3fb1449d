export type { KoaDashboardOptions } from './middleware/dashboard.js';
export { requireScope, requireXlink } from './middleware/koa/guards.js';
export { type KoaContext, type KoaMiddleware, koaMiddleware } from './middleware/koa/middleware.js';
