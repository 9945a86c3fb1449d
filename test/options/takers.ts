import * as root from '@private.me/xlink';
import { fastifyXlink } from '@private.me/xlink/fastify';
import * as file from '@private.me/xlink/file';
import { honoMiddleware } from '@private.me/xlink/hono';
import { koaMiddleware } from '@private.me/xlink/koa';
import * as postgres from '@private.me/xlink/postgres';
import * as redis from '@private.me/xlink/redis';
import * as server from '@private.me/xlink/server';
import * as verify from '@private.me/xlink/verify';
import { seedOf } from '../support/agents.js';
import { AUDIT_TAKERS } from './audit-takers.js';
import { discoveries } from './discovery-takers.js';
import { INVITE_TAKERS } from './invite-takers.js';
import { observers } from './observer-takers.js';
import { operations } from './operations-takers.js';
import { policies } from './policy-takers.js';
import { SESSION_TAKERS } from './session-takers.js';
import type { Taker } from './taker.js';
import { TESTING_TAKERS } from './testing-takers.js';

const { Agent, DualModeAdapter, DualModeClient, Identity, MigrationPlan } = root;

const agent = await Agent.quickstart();
const identity = await Identity.fromSeed(seedOf('options'));
const { did } = identity;
const other = await Identity.fromSeed(seedOf('other options'));
const succession = await root.createSuccession(identity, other);
const password = 'sixteen characters';
const adapter = (more: object = {}) =>
  new DualModeAdapter({ agent, legacyKeyValidator: () => null, ...more });
const keeping = () => adapter({ clients: new root.MemoryClientStore() });
const schedule = (brownout: object, more?: never) =>
  adapter().scheduleBrownout({ from: new Date(1), until: new Date(2), ...brownout }, more);
const plan = (more: object) => new MigrationPlan({ adapter: adapter(), ...more });
const client = (more: object = {}) =>
  new DualModeClient({ fallback: { type: 'api-key', key: 'k', url: 'http://127.0.0.1:9' }, ...more });
const message = { to: agent.did, payload: 1 };
const introduction = { scope: 'a', request: 'GET /' };
const shares = await root.splitForChannel(new Uint8Array(1));
const registries = [
  ['MemoryTrustRegistry', new root.MemoryTrustRegistry()],
  ['CachedTrustRegistry', new root.CachedTrustRegistry({ registry: new root.MemoryTrustRegistry() })],
  ['HttpTrustRegistry', new root.HttpTrustRegistry({ baseUrl: 'http://127.0.0.1:9' })],
] as const;

type Row = readonly [name: string, type: string | undefined, option: string, call: (more: never) => unknown];

const adapters: readonly Row[] = [
  ['DualModeAdapter', 'DualModeOptions', 'observers', adapter],
  ['DualModeAdapter', 'ApiKeySources', 'headers', (apiKey) => adapter({ apiKey })],
  ['DualModeAdapter', 'DeprecationOptions', 'sunset', (deprecation) => adapter({ deprecation })],
  [
    'DualModeAdapter',
    'RouteMode',
    'methods',
    (more: object) => adapter({ routeModes: [{ path: '/', mode: 'hybrid', ...more }] }),
  ],
  [
    'DualModeAdapter',
    'RouteEncryption',
    'methods',
    (more: object) => adapter({ routeEncryption: [{ path: '/', encryption: 'required', ...more }] }),
  ],
  [
    'DualModeAdapter',
    'Brownout',
    'until',
    (more: object) => adapter({ brownouts: [{ from: new Date(1), until: new Date(2), ...more }] }),
  ],
  ['DualModeAdapter.report', 'ReportOptions', 'quietMs', (more) => adapter().report(more)],
  [
    'DualModeAdapter.revokeClient',
    'RevokeClientOptions',
    'reason',
    (more) => keeping().revokeClient('a', more),
  ],
  [
    'DualModeAdapter.restoreClient',
    'RestoreClientOptions',
    'reactivate',
    (more) => keeping().restoreClient('a', more),
  ],
  ['DualModeAdapter.unlink', 'UnlinkOptions', 'keep', (more) => keeping().unlink(did, more)],
  ['DualModeAdapter.setMode', 'ModeTarget', 'client', (more) => adapter().setMode('hybrid', 'why', more)],
  [
    'DualModeAdapter.setMode',
    'RouteMode',
    'methods',
    (more: object) => adapter().setMode('hybrid', 'why', { route: { path: '/', ...more } }),
  ],
  ['DualModeAdapter.clearMode', 'ModeTarget', 'route', (more) => adapter().clearMode(more)],
  ['DualModeAdapter.scheduleBrownout', 'Brownout', 'from', (more: object) => schedule(more)],
  ['DualModeAdapter.scheduleBrownout', 'InstanceOptions', 'instanceOnly', (more) => schedule({}, more)],
  ['DualModeAdapter.middleware', 'ExpressOptions', 'onRefusal', (more) => adapter().middleware(more)],
  ['DualModeAdapter.koa', 'KoaOptions', 'onRefusal', (more) => adapter().koa(more)],
  ['koaMiddleware', 'KoaOptions', 'onRefusal', (more) => koaMiddleware(adapter(), more)],
  ['fastifyXlink', 'FastifyOptions', 'onRefusal', (more) => fastifyXlink(adapter(), more)],
  ['honoMiddleware', 'HonoOptions', 'onRefusal', (more) => honoMiddleware(adapter(), more)],
  [
    'DualModeAdapter.dashboard',
    'DashboardOptions',
    'refreshMs',
    (more: object) => adapter().dashboard({ password, ...more }),
  ],
  [
    'DualModeAdapter.dashboard',
    'ReportOptions',
    'recentMs',
    (report) => adapter().dashboard({ password, report }),
  ],
  [
    'DualModeAdapter.koaDashboard',
    'KoaDashboardOptions',
    'path',
    (more: object) => adapter().koaDashboard({ path: '/x', password, ...more }),
  ],
  ['MigrationPlan', 'MigrationPlanOptions', 'windowMs', plan],
  ['MigrationPlan', 'ReportOptions', 'quietMs', (report) => plan({ report })],
  ['MigrationPlan', 'ErrorBudget', 'watchMs', (errorBudget) => plan({ errorBudget })],
  [
    'MigrationPlan',
    'Gate',
    'ignoreQuietMs',
    (more: object) => plan({ gates: [{ ...root.DEFAULT_GATES[0], ...more }] }),
  ],
  ['SharedMode', 'SharedModeOptions', 'store', (more) => new root.SharedMode(more)],
];

const agents: readonly Row[] = [
  ['Agent', 'AgentOptions', 'nonceStore', (more: object) => new Agent({ identity, ...more })],
  ['Agent.quickstart', 'AgentOptions', 'sendScopes', (more) => Agent.quickstart(more)],
  ['Agent.create', 'AgentOptions', 'receiveScopes', (more) => Agent.create(more)],
  [
    'Agent.fromSeed',
    'AgentOptions',
    'minVersion',
    (more: object) => Agent.fromSeed({ seed: seedOf('a'), ...more }),
  ],
  [
    'Agent.importIdentity',
    'AgentOptions',
    'maxVersion',
    (more: object) => Agent.importIdentity({ pkcs8: identity.exportPKCS8(), ...more }),
  ],
  ['Agent.create', 'ShareLimits', 'expiryMs', (shareLimits) => Agent.create({ shareLimits })],
  [
    'Agent.create',
    'SecurityRule',
    'reason',
    (more: object) => Agent.create({ securityPolicy: [{ when: {}, security: 'high', ...more }] }),
  ],
  [
    'Agent.create',
    'SecurityCondition',
    'scopes',
    (when) => Agent.create({ securityPolicy: [{ when, security: 'high' }] }),
  ],
  ['Agent.middleware', 'AgentMiddlewareOptions', 'exposeDetails', (more) => agent.middleware(more)],
  ['Agent.send', 'SendOptions', 'payload', (more: object) => agent.send({ ...message, ...more })],
  ['Agent.send', 'SecurityOptions', 'security', (more: object) => agent.send({ ...message, ...more })],
  [
    'Agent.send',
    'SplitChannelConfig',
    'threshold',
    (splitChannelConfig) => agent.send({ ...message, splitChannelConfig }),
  ],
  [
    'Agent.createEnvelope',
    'EnvelopeOptions',
    'signedOnly',
    (more: object) => agent.createEnvelope({ ...message, ...more }),
  ],
  [
    'Agent.createRequest',
    'RequestOptions',
    'signedOnly',
    (more: object) => agent.createRequest({ ...message, request: 'POST /orders', ...more }),
  ],
  ['Agent.receive', 'ReceiveOptions', 'allowCleartext', (more) => agent.receive('{}', more)],
  ['Agent.receiveContent', 'ReceiveOptions', 'inReplyTo', (more) => agent.receiveContent('{}', more)],
  ['Agent.receiveNext', 'ReceiveNextOptions', 'signal', (more) => agent.receiveNext(more)],
  ['Agent.sign', 'SignOptions', 'context', (more) => agent.sign('text', more)],
  [
    'Agent.verify',
    'VerifyOptions',
    'signature',
    (more: object) => agent.verify({ did, content: '', signature: '', ...more }),
  ],
  ['Agent.onMessage', 'OnMessageOptions', 'onRefused', (more) => agent.onMessage(() => {}, more)],
  [
    'Agent.createIntroduction',
    undefined,
    'request',
    (more: object) => agent.createIntroduction({ ...introduction, ...message, ...more }),
  ],
  [
    'Agent.receiveIntroduction',
    undefined,
    'scope',
    (more: object) => agent.receiveIntroduction('{}', { ...introduction, ...more }),
  ],
  ['createSignedEnvelope', 'SignedEnvelopeOptions', 'plaintext', (more) => root.createSignedEnvelope(more)],
  ['generateIdentity', 'IdentityOptions', 'postQuantumSig', (more) => root.generateIdentity(more)],
  ['Identity.fromSeed', 'IdentityOptions', 'random', (more) => Identity.fromSeed(seedOf('a'), more)],
  [
    'Identity.fromPKCS8',
    'IdentityOptions',
    'crypto',
    (more) => Identity.fromPKCS8(identity.exportPKCS8(), more),
  ],
  ['Agent.succeedBy', 'SucceedOptions', 'overlapMs', (more) => agent.succeedBy(identity, more)],
  [
    'createSuccession',
    'CreateSuccessionOptions',
    'overlapMs',
    (more) => root.createSuccession(identity, other, more),
  ],
  [
    'retireKeyStore',
    'RetireKeyStoreOptions',
    'registry',
    (more) => root.retireKeyStore(new root.MemoryKeyStore(), more),
  ],
  ['createKeyRecord', 'KeyRecordOptions', 'epoch', (more) => root.createKeyRecord(identity, more)],
  ['splitForChannel', 'SplitOptions', 'totalShares', (more) => root.splitForChannel(new Uint8Array(1), more)],
  ['reconstruct', 'ReconstructOptions', 'onBadShare', (more) => root.reconstruct(shares, more)],
  [
    'chooseSecurity',
    'SecurityFacts',
    'organization',
    (more: object) => root.chooseSecurity({ scope: 'a', ...more }),
  ],
];

const clients: readonly Row[] = [
  ['xlinkFetch', 'XlinkFetchOptions', 'apiKey', (more) => root.xlinkFetch(more)],
  ['connect', 'ConnectOptions', 'timeoutMs', (more) => root.connect('localhost', more)],
  ['DualModeClient', 'DualModeClientOptions', 'fallback', client],
  [
    'DualModeClient',
    'ApiKeyFallback',
    'header',
    (more: object) => client({ fallback: { type: 'api-key', key: 'k', url: 'http://127.0.0.1:9', ...more } }),
  ],
  ['DualModeClient.call', undefined, 'signal', (more) => client().call('a', 1, more)],
  [
    'HttpsTransportAdapter',
    'HttpsTransportOptions',
    'baseUrl',
    (more) => new root.HttpsTransportAdapter(more),
  ],
  ['GatewayTransport', 'GatewayTransportOptions', 'relayUrl', (more) => new root.GatewayTransport(more)],
];

const stores: readonly Row[] = [
  ...registries.flatMap(([name, registry]): Row[] => [
    [
      `${name}.register`,
      'Registration',
      'receiveScopes',
      (more: object) => registry.register({ did, ...more }),
    ],
    [`${name}.add`, 'Grant', 'scopes', (more) => registry.add(did, more)],
    [`${name}.revoke`, 'RevokeOptions', 'reason', (more) => registry.revoke(did, more)],
    [
      `${name}.succeed`,
      'ChangeCondition',
      'ifRevision',
      (more) => registry.succeed(succession, succession as never, more),
    ],
    [`${name}.updateScopes`, 'ScopeChange', 'receiveScopes', (more) => registry.updateScopes(did, more)],
  ]),
  [
    'MemoryTrustRegistry',
    'MemoryTrustRegistryOptions',
    'crypto',
    (more) => new root.MemoryTrustRegistry(more),
  ],
  [
    'CachedTrustRegistry',
    'CachedTrustRegistryOptions',
    'registry',
    (more) => new root.CachedTrustRegistry(more),
  ],
  ['HttpTrustRegistry', 'HttpTrustRegistryOptions', 'baseUrl', (more) => new root.HttpTrustRegistry(more)],
  ['MemoryNonceStore', 'MemoryNonceStoreOptions', 'maxEntries', (more) => new root.MemoryNonceStore(more)],
  [
    'PostgresClientStore',
    'PostgresClientStoreOptions',
    'pool',
    (more) => new postgres.PostgresClientStore(more),
  ],
  [
    'PostgresKeyStore',
    'PostgresKeyStoreOptions',
    'wrappingKeys',
    (more) => new postgres.PostgresKeyStore(more),
  ],
  [
    'PostgresWrappingKeyStore',
    'PostgresWrappingKeyStoreOptions',
    'table',
    (more) => new postgres.PostgresWrappingKeyStore(more),
  ],
  ['PostgresModeStore', 'PostgresModeStoreOptions', 'pool', (more) => new postgres.PostgresModeStore(more)],
  [
    'PostgresTrustRegistry',
    'PostgresTrustRegistryOptions',
    'pool',
    (more) => new postgres.PostgresTrustRegistry(more),
  ],
  ['RedisClientStore', 'RedisClientStoreOptions', 'client', (more) => new redis.RedisClientStore(more)],
  ['RedisKeyStore', 'RedisKeyStoreOptions', 'wrappingKeys', (more) => new redis.RedisKeyStore(more)],
  [
    'RedisWrappingKeyStore',
    'RedisWrappingKeyStoreOptions',
    'client',
    (more) => new redis.RedisWrappingKeyStore(more),
  ],
  ['RedisModeStore', 'RedisModeStoreOptions', 'client', (more) => new redis.RedisModeStore(more)],
  ['RedisNonceStore', 'RedisNonceStoreOptions', 'client', (more) => new redis.RedisNonceStore(more)],
  ['RedisTrustRegistry', 'RedisTrustRegistryOptions', 'client', (more) => new redis.RedisTrustRegistry(more)],
  ['RedisRelayStore', 'RedisRelayStoreOptions', 'client', (more) => new redis.RedisRelayStore(more)],
  [
    'FileClientStore',
    'FileStoreOptions',
    'lockWaitMs',
    (more) => file.FileClientStore.open('/nowhere', more),
  ],
  ['FileKeyStore', 'FileKeyStoreOptions', 'wrappingKeys', (more) => new file.FileKeyStore('/nowhere', more)],
  [
    'FileWrappingKeyStore',
    'FileWrappingKeyStoreOptions',
    'lockWaitMs',
    (more) => new file.FileWrappingKeyStore('/nowhere', more),
  ],
  ['FileModeStore', 'FileStoreOptions', 'lockWaitMs', (more) => new file.FileModeStore('/nowhere', more)],
  ['FileNonceStore', 'FileNonceStoreOptions', 'path', (more) => file.FileNonceStore.open(more)],
  ['FileTrustRegistry', 'FileTrustRegistryOptions', 'path', (more) => new file.FileTrustRegistry(more)],
  ['FileRelayStore', 'FileRelayStoreOptions', 'path', (more) => file.FileRelayStore.open(more)],
  [
    'FileRelayStore',
    'RelayLimits',
    'bytesInAll',
    (limits) => file.FileRelayStore.open({ path: '/nowhere', limits }),
  ],
  ['verifyEnvelope', 'VerifyEnvelopeOptions', 'keys', (more) => verify.verifyEnvelope('{}', more)],
  ['createRelay', 'RelayOptions', 'sendsPerMinute', (more) => server.createRelay(more)],
  ['createRegistryServer', 'RegistryServerOptions', 'registry', (more) => server.createRegistryServer(more)],
  [
    'createEnterpriseTrustRegistry',
    'EnterpriseRegistryOptions',
    'maxStaleMs',
    (more) => server.createEnterpriseTrustRegistry(more),
  ],
  [
    'createEnterpriseTrustRegistry',
    'HttpTrustRegistryOptions',
    'authToken',
    (more: object) =>
      server.createEnterpriseTrustRegistry({
        http: { baseUrl: 'http://127.0.0.1:9', ...more },
        file: { path: '/nowhere' },
      }),
  ],
  [
    'createEnterpriseTrustRegistry',
    undefined,
    'path',
    (more: object) =>
      server.createEnterpriseTrustRegistry({
        http: { baseUrl: 'http://127.0.0.1:9' },
        file: { path: '/nowhere', ...more },
      }),
  ],
];

/** All of them. */
export const TAKERS: readonly Taker[] = [
  adapters,
  agents,
  clients,
  operations,
  policies,
  discoveries,
  stores,
  observers,
]
  .flat()
  .map(([name, type, option, call]) => ({
    name,
    ...(type === undefined ? {} : { type }),
    option,
    call: call as Taker['call'],
  }))
  .concat(SESSION_TAKERS, TESTING_TAKERS, AUDIT_TAKERS, INVITE_TAKERS);
