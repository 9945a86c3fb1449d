import { isRouteWith, ROUTE_CHECKS, type Route } from '../http/route-table.js';
import type { AuditSink } from '../types/audit.js';
import { checkKeys, hasMethods, isObject, type OptionCheck } from '../util/options.js';

/** How an adapter writes its audit log. */
export interface AdapterAudit {
  /** Where entries go: an `AuditLog` of `@private.me/xlink/audit`. */
  readonly log: AuditSink;
  /**
   * Where no handler runs before the entry of its request is durable: everywhere (`true`), or in parts of the API such as
   * `[{ path: '/payments' }]`. If it cannot be kept, the request is refused with `AUDIT_UNAVAILABLE`. Default: nowhere; entries are written beside
   * the requests, and one that cannot be kept is a `fault` event.
   */
  readonly failClosed?: boolean | readonly Route[];
}

const isSink = hasMethods('append');
const isRoute = isRouteWith('none', (value) => value === undefined);

function isFailClosed(value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return true;
  if (!Array.isArray(value)) return false;
  for (const each of value.filter((one) => !isObject(one)))
    checkKeys('DualModeAdapter: audit.failClosed', each, Object.keys(ROUTE_CHECKS));
  return value.every(isRoute);
}

const COMPLAINT =
  'an AuditLog, or { log, failClosed? }, failClosed true, false or an array of { path, methods? }';

const MAY_DROP =
  "a log that keeps every entry where failClosed is set: open it without onOverload: 'drop', or leave failClosed away";

/** What the option `audit` must be. Throws `INVALID_OPTION` for an unknown member. */
export const isAudit: OptionCheck = (value) => {
  if (isSink(value) === undefined) return undefined;
  if (isObject(value)) return COMPLAINT;
  const { log, failClosed } = value as AdapterAudit;
  checkKeys('DualModeAdapter: audit', value as object, ['log', 'failClosed']);
  if (isSink(log) || !isFailClosed(failClosed)) return COMPLAINT;
  const closes = failClosed === true || (Array.isArray(failClosed) && failClosed.length > 0);
  return closes && log.mayDrop === true ? MAY_DROP : undefined;
};
