import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { xlinkError } from '../../../errors/service-errors.js';
import type { KeyRecord } from '../../../types/protocol.js';
import { environment } from '../../../util/environment.js';
import { isMembers } from '../../../util/members.js';
import { checkOptions } from '../../../util/options.js';
import { identityFromFile } from '../identity.js';
import { AUDIT_LOG_CHECKS, type AuditLogOptions } from './options.js';

/** Options of {@link AuditLog.enterprise}: those of {@link AuditLog.open}, all of them optional. */
export type EnterpriseAuditOptions = Partial<AuditLogOptions>;

/** The options with what is missing taken from the environment. */
export async function enterpriseOptions(options: EnterpriseAuditOptions): Promise<AuditLogOptions> {
  checkOptions('AuditLog.enterprise', options, AUDIT_LOG_CHECKS);
  const folder = options.folder ?? environment('XLINK_AUDIT_DIR') ?? 'xlink-audit';
  const organization = options.organization ?? (await organizationRecord());
  const identity =
    options.identity ??
    (await identityFromFile(environment('XLINK_AUDIT_IDENTITY') ?? join(folder, 'service.der')));
  return { ...options, folder, identity, organization };
}

const HINT =
  'AuditLog.enterprise: give organization, or name a JSON file with its key record in XLINK_ORG_RECORD';

async function organizationRecord(): Promise<KeyRecord> {
  const path = environment('XLINK_ORG_RECORD');
  if (path === undefined) throw wrong(`${HINT}. It is not set.`);
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw wrong(`${HINT}. The file that it names cannot be read.`, cause);
  });
  try {
    const record: unknown = JSON.parse(text);
    if (isMembers(record) && typeof record.did === 'string') return record as unknown as KeyRecord;
  } catch {
    // the error would quote the file
  }
  throw wrong(`${HINT}. The file that it names is no key record: xlink audit organization writes one.`);
}

const wrong = (hint: string, cause?: unknown) =>
  xlinkError('INVALID_OPTION', { field: 'organization', hint, ...(cause === undefined ? {} : { cause }) });
