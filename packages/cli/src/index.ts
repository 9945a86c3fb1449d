export type { FromSchema, Schema } from '@private.me/xlink/http-api';
export { commands } from './commands.js';
export { EXIT_CODES, type ExitRow } from './failures.js';
export { main } from './main.js';
export { installedModules, type XlinkModule } from './modules.js';
export { type Command, type CommandTable, type Output, run, UsageError } from './run.js';
export {
  SERVER_ERRORS,
  ServerError,
  type ServerErrorDetails,
  type ServerErrorId,
  type ServerErrorRow,
} from './server/errors.js';
export type { ServerParts } from './server/parts.js';
export { serverDocument, serverReference } from './server/reference.js';
export { type Access, PERMISSIONS, type Permission, ROLES, type Role } from './server/roles.js';
export {
  type AnswerShape,
  type ApiOf,
  type Asked,
  type Caller,
  type Route,
  type RouteBase,
  rawRoute,
  route,
} from './server/route.js';
export type { ServerApi } from './server/routes/index.js';
