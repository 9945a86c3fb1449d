import type { RequestListener, Server } from 'node:http';
import { join } from 'node:path';
import { type Clock, type HttpsTransportAdapter, Identity } from '@private.me/xlink';
import { FileRelayStore } from '@private.me/xlink/file';
import { createRelay, type Relay, type RelayLimits, type RelayOptions } from '@private.me/xlink/server';
import { afterTest } from '../support/after-test.js';
import { seedOf } from '../support/agents.js';
import { listen, stopServer } from '../support/listen.js';
import { temporaryFolder } from '../support/temporary-folder.js';

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
  const open = options.registry === undefined && options.admits === undefined ? { open: true } : {};
  const generous = { sendsPerMinute: 100_000, requestsPerAddress: 1_000_000 };
  const relay = await createRelay({ ...generous, ...open, ...options, identity, store });
  const { url, server } = await listen((req, res) => relay.handler(req, res), port);
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
