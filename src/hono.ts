export { requireScope, requireXlink } from './middleware/hono/guards.js';
export {
  type HonoContext,
  type HonoMiddleware,
  type HonoOptions,
  honoMiddleware,
} from './middleware/hono/middleware.js';
