import { readFile } from 'node:fs/promises';
import type { Identity } from '@private.me/xlink';
import { apiServer, forwardedAddress, jsonLogger, listenAt, peerAddress } from '@private.me/xlink/http-api';
import { RelayChannel } from '../push/channel.js';
import { RelayPush } from '../push/relay-push.js';
import { XlockServer } from '../server/server.js';
import { openXlockStorage } from '../server/storage.js';
import { webSocketClass } from './home.js';
import type { Terminal } from './output.js';
import { serveOptionsOf } from './serve-options.js';

/** `xlock serve`: until SIGINT or SIGTERM. */
export async function serve(args: readonly string[], { out, err }: Terminal): Promise<number> {
  const told = serveOptionsOf(args, process.env);
  const { host, relay } = told;
  const { http, begin, drain } = apiServer();
  let stop = () => {};
  const ended = new Promise<void>((resolve) => {
    stop = resolve;
  });
  process.on('SIGINT', stop).on('SIGTERM', stop);
  let pushes: Pushes | undefined;
  let storage: Awaited<ReturnType<typeof openXlockStorage>> | undefined;
  try {
    const bound = await listenAt(http, told.port, host);
    const origin = told.origin ?? `http://localhost:${bound.port}`;
    storage = await openXlockStorage({ ...told.storage, origin });
    pushes = relay === undefined ? undefined : await pushesOver(relay, storage.identity, err);
    const server = new XlockServer({
      ...told.server,
      storage,
      origin,
      ...(pushes ? { verifier: { push: pushes.push } } : {}),
      ...(told.hasSharedLimits ? { requestLimits: storage.limits } : {}),
      logger: jsonLogger(err),
      version: await version(),
      addressOf: told.isBehindProxy ? forwardedAddress : peerAddress,
    });
    const first = await server.firstToken();
    pushes?.push.answerTo(server.parts.verifier);
    begin(server.handler);
    out(`server ${storage.identity.did}`);
    out(`url    http://${host}:${bound.port}`);
    if (told.server.page) out(`page   ${told.server.page.origin}`);
    if (first) out(`admin  ${first.token}  (shown once: keep it)`);
    await ended;
    server.stop();
    await drain();
  } finally {
    pushes?.channel.close();
    http.close();
    await storage?.close();
    http.closeAllConnections();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
  out('stopped');
  return 0;
}

interface Pushes {
  readonly channel: RelayChannel;
  readonly push: RelayPush;
}

async function pushesOver(relayUrl: string, identity: Identity, err: Terminal['err']): Promise<Pushes> {
  const webSocket = await webSocketClass();
  const onError = (error: unknown) => err(`xlock: the relay: ${(error as Error).message}`);
  const channel = new RelayChannel({ identity, relayUrl, onError, ...(webSocket ? { webSocket } : {}) });
  return { channel, push: new RelayPush(channel) };
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
