import { unwrapDataKey } from '../../audit/data-key.js';
import { monthOf } from '../../audit/retention.js';
import { xlinkError } from '../../errors/service-errors.js';
import type { WrappedKeys } from '../audit/export-log.js';
import type { AuditRows } from './audit-rows.js';

/** The data keys of a log in its table. */
export const wrappedKeysIn = (rows: AuditRows, origin: string): WrappedKeys => ({
  async open(id, organization, service) {
    const wrapped = monthOf(id) && (await rows.key(id));
    if (!wrapped) throw xlinkError('AUDIT_INVALID:KEY', { field: 'key' });
    return organization.crypto.hmac(await unwrapDataKey(organization, service, wrapped, id, origin));
  },
});
