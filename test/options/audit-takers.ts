import { Identity } from '@private.me/xlink';
import * as audit from '@private.me/xlink/audit';
import { PostgresAuditLog } from '@private.me/xlink/postgres';
import { seedOf } from '../support/agents.js';
import type { Taker } from './taker.js';

const identity = await Identity.fromSeed(seedOf('audit options'));

const POOL = { connect: () => Promise.reject(new Error('no database')), on: () => {} };

export const AUDIT_TAKERS: readonly Taker[] = [
  {
    name: 'AuditWitness',
    type: 'AuditWitnessOptions',
    option: 'services',
    call: (more: object) => new audit.AuditWitness({ identity, services: [], ...more }),
  },
  {
    name: 'AuditLog.open',
    type: 'AuditLogOptions',
    option: 'folder',
    call: (more: object) =>
      audit.AuditLog.open({ folder: '/nowhere', identity, organization: identity, ...more }),
  },
  {
    name: 'AuditLog.enterprise',
    type: 'EnterpriseAuditOptions',
    option: 'folder',
    call: (more: object) => audit.AuditLog.enterprise(more),
  },
  {
    name: 'PostgresAuditLog.open',
    type: 'PostgresAuditLogOptions',
    option: 'table',
    call: (more: object) => PostgresAuditLog.open({ pool: POOL, identity, organization: identity, ...more }),
  },
  {
    name: 'PostgresAuditLog.migrate',
    type: 'PostgresAuditTables',
    option: 'table',
    call: (more: object) => PostgresAuditLog.migrate({ pool: POOL, ...more }),
  },
  {
    name: 'AuditLogReader.open',
    type: 'AuditLogReaderOptions',
    option: 'folder',
    call: (more: object) => audit.AuditLogReader.open({ folder: '/nowhere', service: '', ...more }),
  },
  {
    name: 'AuditLogReader.publish',
    type: 'AuditPublishOptions',
    option: 'folder',
    call: (more: object) =>
      audit.AuditLogReader.prototype.publish.call({} as audit.AuditLogReader, more as never),
  },
  {
    name: 'AuditLog.export',
    type: 'AuditExportOptions',
    option: 'format',
    call: (more: object) => audit.AuditLog.prototype.export.call({} as audit.AuditLog, more),
  },
  {
    name: 'AuditLog.cosign',
    type: 'CosignOptions',
    option: 'timeoutMs',
    call: (more: object) =>
      audit.AuditLog.prototype.cosign.call({} as audit.AuditLog, {} as audit.Witness, more),
  },
  {
    name: 'verifyAuditExport',
    type: 'VerifyAuditExportOptions',
    option: 'service',
    call: (more: object) => audit.verifyAuditExport('', { checkpoint: 'x', service: 'x', ...more }),
  },
];
