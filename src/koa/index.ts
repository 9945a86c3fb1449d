export { type KoaContext, type KoaMiddleware, koaMiddleware } from '../middleware/koa.js';
export { requireScope, requireXlink } from '../middleware/koa-guards.js';
