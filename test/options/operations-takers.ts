import {
  Agent,
  brownoutSchedule,
  DualModeAdapter,
  type DualModeOptions,
  MemoryClientStore,
  MigrationPlan,
} from '@private.me/xlink';
import { FileOperationsStore } from '@private.me/xlink/file';
import { PostgresOperationsStore } from '@private.me/xlink/postgres';
import { RedisLimitStore, RedisOperationsStore } from '@private.me/xlink/redis';

const agent = await Agent.quickstart();
const adapter = (more: Partial<DualModeOptions> = {}) =>
  new DualModeAdapter({ agent, legacyKeyValidator: () => null, clients: new MemoryClientStore(), ...more });
const plan = () => new MigrationPlan({ adapter: adapter() });
const invitation = { client: 'acme', scopes: [] };

/** What operators call: name, type of the options, one of them, and the call. */
export const operations: readonly (readonly [string, string, string, (more: never) => unknown])[] = [
  ['DualModeAdapter', 'ClientLimits', 'of', (clientLimits) => adapter({ clientLimits })],
  ['RedisLimitStore', 'RedisLimitStoreOptions', 'client', (more) => new RedisLimitStore(more)],
  ['DualModeAdapter', 'KeyUseOptions', 'networks', (keyUse) => adapter({ keyUse })],
  [
    'DualModeAdapter.invite',
    'InviteOptions',
    'expires',
    (more: object) => adapter().invite({ ...invitation, ...more }),
  ],
  ['DualModeAdapter.revokeInvitation', 'Operator', 'why', (more) => adapter().revokeInvitation('x', more)],
  ['DualModeAdapter.outreach', 'OutreachOptions', 'sunset', (more) => adapter().outreach(more)],
  ['DualModeAdapter.supportDump', 'SupportDumpOptions', 'clients', (more) => adapter().supportDump(more)],
  [
    'DualModeAdapter.preview',
    'PreviewOptions',
    'brownouts',
    (more: object) => adapter({ keyUse: true }).preview({ to: 'hybrid', ...more }),
  ],
  [
    'MigrationPlan.apply',
    'ApplyOptions',
    'force',
    (more: object) => plan().apply({ by: 'a', why: 'b', ...more }),
  ],
  [
    'brownoutSchedule',
    'BrownoutScheduleOptions',
    'preset',
    (more: object) => brownoutSchedule({ from: new Date(0), until: new Date(1e12), ...more }),
  ],
  [
    'FileOperationsStore',
    'FileStoreOptions',
    'lockWaitMs',
    (more) => new FileOperationsStore('/nowhere', more),
  ],
  [
    'PostgresOperationsStore',
    'PostgresOperationsStoreOptions',
    'pool',
    (more) => new PostgresOperationsStore(more),
  ],
  ['RedisOperationsStore', 'RedisOperationsStoreOptions', 'client', (more) => new RedisOperationsStore(more)],
];
