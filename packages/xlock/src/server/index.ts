// The auth server, to be mounted in a program of one's own: `@private.me/xlock/server`.
export { ANOMALY_RULES, type Anomaly, anomaliesIn } from './anomalies.js';
export type { XlockCodeOptions } from './code-routes.js';
export { type ComplianceExport, complianceExport, type ExportRange, exportCsv } from './export.js';
export {
  type XlockRoute,
  type XlockRouteError,
  type XlockServerParts,
  xlockRawRoute,
  xlockRoute,
} from './kit.js';
export type { XlockPageOptions } from './page.js';
export { XLOCK_PERMISSIONS, type XlockAccess, type XlockPermission } from './permissions.js';
export { XLOCK_ROUTES, XlockServer } from './server.js';
export type { XlockMount, XlockServerOptions } from './server-options.js';
export { openXlockStorage, type XlockStorage, type XlockStorageOptions } from './storage.js';
