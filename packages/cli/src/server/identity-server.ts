import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Agent, DualModeAdapter, type Mode, SharedMode } from '@private.me/xlink';
import {
  AccessStore,
  type AddressOf,
  blockOf,
  createApiApp,
  peerAddress,
  type RequestRates,
} from '@private.me/xlink/http-api';
import { type Logger, logObserver } from '@private.me/xlink/logging';
import { prometheusMetrics } from '@private.me/xlink/metrics';
import { createRegistryServer, createRelay, type Relay } from '@private.me/xlink/server';
import { AgentVault } from './agent-vault.js';
import { append, proofsInto, TOLD } from './audit-trail.js';
import { bodyLimitsOf } from './body-limits.js';
import { authenticated, isAllowed, type TokenHolder } from './caller.js';
import { documentOf } from './document.js';
import { InviteDesk } from './invite-desk.js';
import { serverMetrics } from './metrics.js';
import type { ServerParts } from './parts.js';
import { PrekeyDirectory } from './prekeys.js';
import { problemOf } from './problem.js';
import type { Route } from './route.js';
import { ROUTES } from './routes/index.js';
import { ServiceDirectory } from './service-directory.js';
import type { Storage } from './storage.js';

/** What {@link createIdentityServer} is put together from. */
export interface IdentityServerOptions {
  readonly storage: Storage;
  /** Where callers reach it, without a slash at the end. */
  readonly publicUrl: string;
  readonly logger: Logger;
  readonly version: string;
  /** 32 bytes that the keys of agents are sealed under. Absent: the server holds none. */
  readonly agentKey?: Uint8Array | undefined;
  readonly limits: RequestRates;
  /** Default: the other end of the connection. */
  readonly addressOf?: AddressOf;
  /** Routes of installed wings. */
  readonly routes?: readonly Route[];
  /** Sets the mode, whatever is stored. */
  readonly mode?: Mode | undefined;
  /** Told of a store that cannot go on, such as files that another program changed. */
  readonly onLost: (error: unknown) => void;
  readonly clock?: () => number;
}

/** A server that is put together; it listens to nothing itself. */
export interface IdentityServer {
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly access: AccessStore;
  /** Says that it is not ready any more, and answers those who wait for changes. */
  stop(): void;
  /** Once no request is under way: closes the stores. */
  close(): Promise<void>;
}

/** Puts it together, in the mode that is stored. Rejects where a store cannot be read. */
export async function createIdentityServer(options: IdentityServerOptions): Promise<IdentityServer> {
  const { storage, publicUrl, logger, version, agentKey, clock = Date.now } = options;
  const { addressOf = peerAddress } = options;
  const routes = [...ROUTES, ...(options.routes ?? [])];
  const { identity, registry, nonceStore } = storage;
  const vault = agentKey && new AgentVault(storage, agentKey, publicUrl, clock);
  await vault?.assertKey(); // before anything runs that would have to be stopped
  const prekeys = new PrekeyDirectory(storage.documents, storage.limits, clock);
  await prekeys.clean(!storage.isShared);
  const access = new AccessStore(storage.documents, clock, {
    isActive: async (did) => {
      const entry = await registry.lookup(did);
      return entry?.status === 'active' && entry.succeededBy === undefined;
    },
    takesTokens: () => adapter.mode !== 'xlink-only',
  });
  const metrics = serverMetrics();
  const agent = new Agent({ identity, registry, nonceStore });
  const adapter = new DualModeAdapter<TokenHolder>({
    agent,
    mode: 'hybrid',
    hosts: [new URL(publicUrl).host],
    publicPaths: publicPathsOf(routes),
    bodyLimits: bodyLimitsOf(routes),
    legacyKeyValidator: async (token) => (await access.byToken(token)) ?? null,
    apiKey: { headers: [], schemes: ['Bearer'] },
    realm: 'xlink-server',
    addressOf: ({ raw }) => addressOf(raw as IncomingMessage),
    signatures: true,
    audit: proofsInto(storage.audit),
    operations: storage.documents,
    instances: storage.isShared ? 2 : 1, // or more: what counts is that it is not one
    observers: [prometheusMetrics({ register: metrics.register }), logObserver(logger)],
    clock,
  });
  const sharedMode = new SharedMode({ adapter, store: storage.modes, clock });
  await sharedMode.start();
  if (options.mode !== undefined && options.mode !== adapter.mode)
    await sharedMode.setMode(options.mode, 'set at the start', { by: 'operator' });
  const registryHandler = createRegistryServer({
    registry,
    authorize: () => true, // the table has decided
    addressOf: (req) => addressOf(req as unknown as IncomingMessage) ?? 'unknown',
    onFault: (error) => logger.error({ id: error.id }, 'the registry failed'),
  });
  const relay = await relayOf(options);
  let isStopping = false;
  const document = documentOf(routes, { version, url: publicUrl });
  const parts: ServerParts = {
    storage,
    access,
    agent,
    adapter: adapter as unknown as DualModeAdapter,
    sharedMode,
    registryHandler,
    services: new ServiceDirectory(storage.documents),
    prekeys,
    invites: new InviteDesk({ store: storage.documents, agent, vault, publicUrl, clock }),
    vault,
    relay,
    metrics,
    logger,
    publicUrl,
    version,
    startedAt: clock(),
    clock,
    addressOf,
    isStopping: () => isStopping,
    document: () => document,
    onFault: (fault) => {
      if (isLost(fault)) options.onLost(fault);
    },
  };
  return {
    handler: createApiApp({
      server: parts,
      routes,
      limits: options.limits,
      clock,
      logger,
      trail: {
        append: (entry) => append(parts, entry),
        blockOf: (req) => blockOf(addressOf, req),
      },
      told: TOLD,
      isStopping: parts.isStopping,
      onFault: parts.onFault,
      observe: metrics.observe,
      authenticate: authenticated(parts),
      isAllowed,
      problemOf,
    }),
    upgrade: (req, socket, head) => (relay ? relay.upgrade(req, socket, head) : void socket.destroy()),
    access,
    stop() {
      isStopping = true;
      registryHandler.close();
    },
    async close() {
      sharedMode.stop();
      await adapter.close();
      await relay?.close();
      agent.dispose();
      await storage.close();
    },
  };
}

/** Only those who are in the registry send and receive, and are cut off when they are revoked. */
async function relayOf({
  storage,
  logger,
  addressOf = peerAddress,
}: IdentityServerOptions): Promise<Relay | undefined> {
  const { relay: store, identity, registry } = storage;
  if (!store) return undefined;
  return createRelay({
    identity,
    store,
    registry,
    addressOf,
    onFault: (error) => logger.error({ id: error.id }, 'the relay failed'),
  });
}

/** As the discovery document lists them: callers take plain answers from there. */
function publicPathsOf(routes: readonly Route[]): readonly string[] {
  const open = routes.filter(({ access }) => access === 'public');
  return [...new Set(open.map(({ path }) => path.replace(/\{.*$/, '*')))].filter((path) =>
    /^\/[\w./-]*\*?$/.test(path),
  );
}

const LOST = new Set(['ECHANGED', 'ELOST', 'EDAMAGED', 'EFOREIGN']);

/** Whether a store cannot go on: it lost what it held, or what is acknowledged would be in no file that is read again. */
function isLost(fault: unknown): boolean {
  const { name, code, cause } = (fault ?? {}) as { name?: unknown; code?: unknown; cause?: unknown };
  if (name === 'StoreLost' || (name === 'FileStoreError' && LOST.has(String(code)))) return true;
  return cause !== undefined && isLost(cause);
}
