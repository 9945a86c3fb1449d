export { authOf } from './adapters/auth-store.js';
export { requireScope, requireXlink } from './middleware/hono/guards.js';
export {
  type HonoContext,
  type HonoMiddleware,
  type HonoOptions,
  honoMiddleware,
  honoWellKnown,
} from './middleware/hono/middleware.js';
