export { authOf } from './adapters/auth-store.js';
export type { CallerCheck } from './middleware/guards.js';
export { requireScope, requireThat, requireXlink } from './middleware/hono/guards.js';
export {
  type HonoContext,
  type HonoMiddleware,
  type HonoOptions,
  honoMiddleware,
  honoWellKnown,
} from './middleware/hono/middleware.js';
