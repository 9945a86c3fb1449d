import { groupRoutes } from './delivery/routes.js';
import type { ServerRoute } from './delivery/server-types.js';

/** What `@private.me/xlink-cli` loads where this package is installed: the delivery service, `/v1/groups`, of `xlink serve`. */
const module: {
  /** For messages about it, and the first word of its paths. */
  readonly name: string;
  /** Rows of the route table. */
  readonly routes: readonly ServerRoute[];
} = { name: 'groups', routes: groupRoutes };

export default module;
