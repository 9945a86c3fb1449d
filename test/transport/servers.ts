import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { Identity } from '../../src/identity/identity.js';
import type { RelayOptions } from '../../src/relay/options.js';
import { createRelay, type Relay } from '../../src/relay/relay.js';
import type { RelayLimits } from '../../src/relay/store.js';
import { FileRelayStore } from '../../src/stores/file/relay-store.js';
import type { HttpsTransportAdapter } from '../../src/transport/https.js';
import type { Clock } from '../../src/types/protocol.js';
import { seedOf } from '../support/agents.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes something once the test is over. */
export const afterTest = (close: () => Promise<unknown>): void => void closers.push(close);

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'xlink-transport-'));
  afterTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server on a free port of this machine; stopped after the test at the latest. */
export async function serve(handler: RequestListener, port = 0): Promise<{ url: string; server: Server }> {
  const server = createServer(handler).listen(port, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => stopServer(server));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

export async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** The `handle` of a transport behind Node's server. */
export const listenerOf =
  (transport: HttpsTransportAdapter): RequestListener =>
  async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const request = new Request(`http://localhost${req.url}`, {
      method: req.method!,
      ...(req.method === 'GET' ? {} : { body: Buffer.concat(chunks) }),
    });
    const answer = await transport.handle(request);
    res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
  };

export interface RunningRelay {
  readonly url: string;
  readonly relay: Relay;
  readonly store: FileRelayStore;
  readonly file: string;
  readonly server: Server;
  stop(): Promise<void>;
}

export interface RelaySetup extends Partial<Omit<RelayOptions, 'identity' | 'store'>> {
  readonly limits?: Partial<RelayLimits>;
  readonly clock?: Clock;
  /** Where its file is; default a new folder. */
  readonly folder?: string;
  readonly port?: number;
}

/** A relay with its store in a file, on a real server. */
export async function startRelay({
  limits,
  folder,
  port,
  ...options
}: RelaySetup = {}): Promise<RunningRelay> {
  const file = join(folder ?? (await temporaryFolder()), 'messages.jsonl');
  const clock = options.clock ? { clock: options.clock } : {};
  const store = await FileRelayStore.open({ path: file, ...(limits ? { limits } : {}), ...clock });
  const identity = await Identity.fromSeed(seedOf('relay'));
  const relay = await createRelay({ sendsPerMinute: 100_000, ...options, identity, store });
  const { url, server } = await serve((req, res) => relay.handler(req, res), port);
  server.on('upgrade', relay.upgrade);
  let stopped: Promise<void> | undefined;
  const stop = () =>
    (stopped ??= (async () => {
      await relay.close();
      await stopServer(server);
    })());
  afterTest(stop);
  return { url, relay, store, file, server, stop };
}
